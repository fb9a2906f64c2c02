/**
 * Our PUDA machine beside the public Python ones, all on one server in one run: `npm run bench:puda`
 * (about three minutes; `-- --quick` for a look, `-- --json` for a program, `-- --synced` with a server
 * that writes before it confirms). 200 commands that do nothing, one after another, in rounds that
 * alternate between the machines; one and the same commander of bytes measures them all. Every figure is
 * a median over the rounds. Ours keeps a durable journal on disk; the others keep none. Linux.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuOf } from "../src/system/process-mark.ts";
import { natsServer, RunningNats } from "../test/support/nats.ts";
import { WireCommander } from "../test/support/wire-commander.ts";
import { family, memory, percentile } from "./processes.ts";
import { commanderTimes } from "./puda-commanders.ts";
import { type Machine, machines, type Started, Starter, stop } from "./puda-machines.ts";
import { type Figures, noFigures, report } from "./puda-report.ts";

const given = (flag: string) => process.argv.includes(flag);
const isQuick = given("--quick");
const COMMANDS = 200;
const ROUNDS = isQuick ? 2 : 9;
/** So that what is measured is compiled, in whatever language. */
const WARM = isQuick ? 200 : 1_000;
const STARTS = isQuick ? 2 : 7;
/** The books are kept in hundredths of a second. */
const IDLE_MS = isQuick ? 3_000 : 20_000;

interface Subject extends Machine {
  readonly started: Started;
  readonly wire: WireCommander;
  readonly figures: Figures;
}

const progress = (text: string) => process.stderr.write(`${text}\n`);
let runs = 0;

/** So many commands, one after another, in a run of their own: milliseconds each, and altogether. */
async function commands({ name, wire }: Subject, count: number) {
  runs += 1;
  const run = `run-${runs}`;
  const isOfRuns = name !== "S";
  if (isOfRuns) await wire.send("immediate", { name: "start", run, step: 0 });
  const tookMs: number[] = [];
  const beganAtMs = performance.now();
  for (let step = 1; step <= count; step += 1) {
    const askedAtMs = performance.now();
    const { atMs, response, text } = await wire.send("queue", { name: "noop", run, step });
    if (response.status !== "success") throw new Error(`${name}: ${text}`);
    tookMs.push(atMs - askedAtMs);
  }
  const allMs = performance.now() - beganAtMs;
  if (isOfRuns) await wire.send("immediate", { name: "complete", run, step: 0 });
  wire.responses.length = 0;
  return { tookMs, allMs };
}

async function measureWire(subjects: readonly Subject[]): Promise<void> {
  progress("wire: warming up");
  for (const subject of subjects) await commands(subject, WARM);
  for (let round = 0; round < ROUNDS; round += 1) {
    progress(`wire: round ${round + 1} of ${ROUNDS}`);
    for (let at = 0; at < subjects.length; at += 1) {
      const subject = subjects[(at + round) % subjects.length] as Subject;
      const { tookMs, allMs } = await commands(subject, COMMANDS);
      subject.figures.p50Ms.push(percentile(tookMs, 0.5));
      subject.figures.p99Ms.push(percentile(tookMs, 0.99));
      subject.figures.perS.push((COMMANDS / allMs) * 1_000);
    }
  }
}

async function measureIdle(subjects: readonly Subject[]): Promise<void> {
  progress("idle");
  const families = subjects.map(({ started }) => family(started.child.pid));
  // By process: a thread that ends meanwhile would take what it used along.
  const usedBy = (pids: readonly number[]) =>
    pids.reduce((sum, pid) => sum + (cpuOf(pid) ?? Number.NaN), 0);
  const before = families.map(usedBy);
  await Bun.sleep(IDLE_MS);
  for (const [at, { figures }] of subjects.entries()) {
    const pids = families[at] ?? [];
    const usedS = usedBy(pids) - (before[at] ?? 0);
    figures.idleCpuPercent = (usedS / IDLE_MS) * 1_000 * 100;
    figures.pssMiB = memory(pids).pss;
  }
}

/** The last start of each stays for what follows. */
async function startAll(url: string, folder: string): Promise<Subject[]> {
  await using starter = await Starter.open(url);
  const all = await machines(url, folder);
  const figures = all.map(noFigures);
  const started: Started[] = [];
  for (let round = 0; round <= STARTS; round += 1) {
    progress(round === 0 ? "start: once unmeasured" : `start: ${round} of ${STARTS}`);
    for (const [at, machine] of all.entries()) {
      const earlier = started[at];
      if (earlier !== undefined) await stop(earlier, machine);
      const now = await starter.start(machine);
      started[at] = now;
      if (round > 0) figures[at]?.readyMs.push(now.readyMs);
    }
  }
  return await Promise.all(
    all.map(async (machine, at) => ({
      ...machine,
      started: started[at] as Started,
      figures: figures[at] as Figures,
      wire: await WireCommander.open(url, machine.id, machine.writer),
    })),
  );
}

const program = await natsServer();
if (program === undefined) throw new Error("without a NATS server there is nothing to measure");
await using server = await RunningNats.start(program, { isSynced: given("--synced") });
const folder = mkdtempSync(join(tmpdir(), "servant-puda-bench-"));
let subjects: Subject[] = [];
try {
  subjects = await startAll(server.url, folder);
  await measureWire(subjects);
  await measureIdle(subjects);
  for (const { figures, id, name } of subjects) {
    progress(`commanders: ${name}`);
    figures.commanders = await commanderTimes(server.url, id, name, isQuick);
  }
  const all = subjects.map(({ figures }) => figures);
  process.exitCode = report(all, { isJson: given("--json"), rounds: ROUNDS, commands: COMMANDS })
    ? 0
    : 1;
} finally {
  for (const subject of subjects) {
    await subject.wire[Symbol.asyncDispose]();
    await stop(subject.started, subject);
  }
  rmSync(folder, { recursive: true, force: true });
}
