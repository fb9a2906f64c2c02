/**
 * A vehicle that was offline for days comes back: a million results wait in its journal. Measures
 * the file, the memory of the compiled agent, how fast the backlog drains on a local stub and how
 * long results wait that finish meanwhile. `npm run bench:backlog [-- --results 100000]` (about five
 * minutes) prints a table of docs/benchmarks.md.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureBinary } from "../scripts/binary.ts";
import { type AuditId, emptyResult } from "../src/core/assignment.ts";
import { type Fact, keyOf } from "../src/core/entry.ts";
import { openJournal } from "../src/system/journal.ts";
import {
  end,
  memory,
  nowMs,
  percentile,
  type Stats,
  type Stub,
  start,
  startStub,
} from "./processes.ts";

const { values } = parseArgs({ options: { results: { type: "string", default: "1000000" } } });
const RESULTS = Number(values.results);
/** How many are written in one commit. */
const BATCH = 10_000;
/** A new assignment this often while the backlog drains, in milliseconds. */
const NEW_EVERY_MS = 50;
const LOOK_EVERY_MS = 250;
/** A vehicle's position and health: 100 bytes of JSON. */
const telemetry = { at: "52.37403,4.88969", heading: 271.4, battery: 0.83, note: "x".repeat(34) };

/** What three days offline leave behind, through the journal's own code. */
async function writeBacklog(path: string, origin: string): Promise<void> {
  const journal = openJournal(path, { origin });
  const firstAtMs = Date.now() - 3 * 24 * 3_600_000;
  for (let from = 0; from < RESULTS; from += BATCH) {
    const facts: Fact[] = [];
    for (let index = from; index < Math.min(from + BATCH, RESULTS); index += 1) {
      const auditId = crypto.randomUUID() as AuditId;
      const head = { atMs: firstAtMs + index * 250, key: keyOf(auditId) };
      const params = { start: "room_one", end: "room_two" };
      const assignment = { kind: "action", auditId, transition: "move", params } as const;
      const via = "5f0c3c5e-8a55-4b8e-9a39-0d6f6b3f4f6e";
      const result = { ...emptyResult(auditId, true), telemetry };
      facts.push({ ...head, type: "accepted", assignment, via }, { ...head, type: "started" });
      facts.push({ ...head, type: "finished", result });
    }
    await journal.append(facts);
  }
  await journal.close();
}

interface Look {
  readonly atMs: number;
  readonly results: number;
  readonly pss: number;
  readonly fileBytes: number;
}

/** Looks at it until nothing waits any more, and gives it new work meanwhile. */
async function watch(stub: Stub, pid: number, path: string): Promise<Look[]> {
  const looks: Look[] = [];
  const size = (name: string) => statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  let nextNewAtMs = 0;
  for (;;) {
    if (nowMs() >= nextNewAtMs) {
      await stub.control("enqueue?n=1");
      nextNewAtMs = nowMs() + NEW_EVERY_MS;
    }
    const last = looks.at(-1);
    if (last === undefined || nowMs() - last.atMs >= LOOK_EVERY_MS) {
      const { results } = await stub.control<Stats>("stats");
      const { pss } = memory([pid]);
      const fileBytes = size(path) + size(`${path}-wal`);
      looks.push({ atMs: nowMs(), results, pss, fileBytes });
      if (results >= RESULTS) return looks;
    }
    await Bun.sleep(5);
  }
}

/** The most that was ever resident, in MiB. */
function peakResident(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

const folder = mkdtempSync(join(tmpdir(), "backlog-bench-"));
const agent = await ensureBinary();
const stub = await startStub("--hold");
try {
  const stateDir = join(folder, "state");
  mkdirSync(stateDir);
  const path = join(stateDir, "journal.sqlite");
  console.error(`writing ${RESULTS} results`);
  await writeBacklog(path, stub.url);
  const mebibytes = statSync(path).size / 2 ** 20;
  const plugin = join(import.meta.dir, "null-plugin.ts:Null");
  const begunAtMs = nowMs();
  const servant = start([agent, "connect", plugin, "--to", stub.url, "--state-dir", stateDir]);
  const looks = await watch(stub, servant.pid, path);
  const peak = peakResident(servant.pid);
  const stats = await stub.control<Stats>("stats");
  type Story = { readonly handedAtMs?: number; readonly doneAtMs?: number };
  const story = Object.values(await stub.control<Record<string, Story>>("story"));
  await end(servant);
  const waits = story.flatMap(({ handedAtMs, doneAtMs }) =>
    handedAtMs === undefined || doneAtMs === undefined ? [] : [doneAtMs - handedAtMs],
  );
  const first = looks.find(({ results }) => results > 0);
  const last = looks.at(-1);
  const seconds = ((last?.atMs ?? 0) - (first?.atMs ?? 0)) / 1_000;
  const perSecond = ((last?.results ?? 0) - (first?.results ?? 0)) / seconds;
  const most = Math.max(...looks.map(({ fileBytes }) => fileBytes)) / 2 ** 20;
  const ms = (value: number) => value.toFixed(0);
  const rows = [
    [
      "journal before",
      `${ms(mebibytes)} MiB, ${ms((mebibytes * 2 ** 20) / RESULTS)} bytes a result`,
      "<= 1,024 MiB",
    ],
    ["journal and its log at most", `${ms(most)} MiB`, "<= 1,024 MiB"],
    ["start to registered", `${ms(stats.registeredAtMs - begunAtMs)} ms`, "reported"],
    [
      "agent's memory at most",
      `${ms(Math.max(...looks.map(({ pss }) => pss)))} MiB PSS, ${ms(peak)} RSS`,
      "< 250 MiB",
    ],
    ["drained", `${ms(perSecond)} /s`, ">= 5,000 /s"],
    [
      `handed out to its result, of ${waits.length} meanwhile, p50 / p99 / max`,
      `${[0.5, 0.99, 1].map((share) => ms(percentile(waits, share))).join(" / ")} ms`,
      "<= 250 ms",
    ],
  ];
  console.log(`\n| ${RESULTS} results of 100 bytes wait | ours | to reach |\n|---|---|---|`);
  for (const cells of rows) console.log(`| ${cells.join(" | ")} |`);
} finally {
  await stub.stop();
  rmSync(folder, { recursive: true, force: true });
}
