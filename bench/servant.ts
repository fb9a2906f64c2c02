/**
 * The servant beside its peer, the public Python servant 0.2.2, on one stub backend in one run.
 * `npm run bench` (about six minutes; `-- --quick` for a look in one). Prints the table of
 * docs/benchmarks.md. Quiet the machine first: two cores are shared by stub and servant.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary } from "../scripts/binary.ts";
import { peerPython } from "../test/support/python.ts";
import {
  cpuSeconds,
  end,
  family,
  memory,
  nowMs,
  percentile,
  type Stats,
  type Stub,
  start,
  startStub,
  until,
} from "./processes.ts";

const quick = process.argv.includes("--quick");
const GAPS = quick ? 30 : 100;
const LONG_GAPS = quick ? 0 : 6;
const LONG_POLLS = quick ? 50 : 200;
const IDLE_S = quick ? 5 : 30;
const REST_S = quick ? 5 : 30;
const BURST = { ours: 5_000, peer: 500 };
const STARTS = 6;

type Command = (url: string) => readonly string[];
const folder = mkdtempSync(join(tmpdir(), "servant-bench-"));
const agent = await ensureBinary();
let states = 0;
/** A fresh state directory each time: what an earlier run left must not count. */
const ours: Command = (url) => {
  states += 1;
  const plugin = join(import.meta.dir, "null-plugin.ts:Null");
  const stateDir = join(folder, `state-${states}`);
  return [agent, "connect", plugin, "--to", url, "--state-dir", stateDir];
};
const python = await peerPython("0.2.2");
const peer: Command | undefined =
  python &&
  ((url) => [python.dynos, "connect", join(import.meta.dir, "null_plugin.py:Null"), "--to", url]);

interface Story {
  readonly [auditId: string]: { readonly queuedAtMs: number; readonly doneAtMs?: number };
}

async function registered(stub: Stub): Promise<void> {
  await until(async () => (await stub.control<Stats>("stats")).polls > 2, 20);
}

/** Milliseconds from queued to its result, one assignment after each gap. */
async function latencies(stub: Stub, count: number, gapMs: () => number): Promise<number[]> {
  const measured: number[] = [];
  for (let index = 0; index < count; index++) {
    await Bun.sleep(gapMs());
    const [id = ""] = await stub.control<string[]>("enqueue?n=1");
    let told: Story[string] | undefined;
    await until(async () => {
      told = (await stub.control<Story>("story"))[id];
      return told?.doneAtMs !== undefined;
    }, 5);
    measured.push((told?.doneAtMs ?? 0) - (told?.queuedAtMs ?? 0));
  }
  return measured;
}

async function withServant<T>(
  command: Command,
  stubArgs: readonly string[],
  measure: (stub: Stub, servant: Bun.Subprocess) => Promise<T>,
): Promise<T> {
  const stub = await startStub(...stubArgs);
  const servant = start(command(stub.url));
  try {
    if (stubArgs.length === 0) await registered(stub);
    else await until(async () => (await stub.control<Stats>("stats")).polls > 0, 20);
    return await measure(stub, servant);
  } finally {
    await end(servant);
    await stub.stop();
  }
}

async function rate(command: Command, count: number): Promise<number> {
  return await withServant(command, [], async (stub) => {
    await stub.control(`enqueue?n=${count}`);
    await until(async () => (await stub.control<Stats>("stats")).done === count, 50);
    const all = Object.values(await stub.control<Story>("story"));
    const first = Math.min(...all.map(({ queuedAtMs }) => queuedAtMs));
    const last = Math.max(...all.map(({ doneAtMs = 0 }) => doneAtMs));
    return count / ((last - first) / 1_000);
  });
}

async function startMs(command: Command): Promise<number> {
  const measured: number[] = [];
  for (let index = 0; index < STARTS; index++) {
    const stub = await startStub();
    const begunAtMs = nowMs();
    const servant = start(command(stub.url));
    let registeredAtMs = 0;
    await until(async () => {
      registeredAtMs = (await stub.control<Stats>("stats")).registeredAtMs;
      return registeredAtMs > 0;
    }, 10);
    measured.push(registeredAtMs - begunAtMs);
    await end(servant);
    await stub.stop();
  }
  return percentile(measured.slice(1), 0.5);
}

/** New connections a second and percent of one core, from 10 s after the last assignment on. */
async function idle(command: Command, stubArgs: readonly string[]) {
  return await withServant(command, stubArgs, async (stub, servant) => {
    await latencies(stub, 3, () => 50);
    await Bun.sleep(10_000);
    const pids = family(servant.pid);
    const before = { cpu: cpuSeconds(pids), stats: await stub.control<Stats>("stats") };
    await Bun.sleep(IDLE_S * 1_000);
    const stats = await stub.control<Stats>("stats");
    return {
      connections: (stats.connections - before.stats.connections) / IDLE_S,
      cpuPercent: ((cpuSeconds(pids) - before.cpu) / IDLE_S) * 100,
    };
  });
}

async function memoryAfterBurst(command: Command, count: number) {
  return await withServant(command, [], async (stub, servant) => {
    await stub.control(`enqueue?n=${count}`);
    await until(async () => (await stub.control<Stats>("stats")).done === count, 50);
    await Bun.sleep(REST_S * 1_000);
    return memory(family(servant.pid));
  });
}

const rows: string[][] = [];
async function row(what: string, of: (command: Command, isPeer: boolean) => Promise<string>) {
  const theirs = peer === undefined ? "not installed" : await of(peer, true);
  rows.push([what, theirs, await of(ours, false)]);
  console.error(rows.at(-1)?.join(" | "));
}
const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0);
const spread = (values: readonly number[], high: number) =>
  `${ms(percentile(values, 0.5))} / ${ms(percentile(values, high))} ms`;
const median = async (runs: number, measure: () => Promise<number>) => {
  const values: number[] = [];
  for (let index = 0; index < runs; index++) values.push(await measure());
  return percentile(values, 0.5);
};

try {
  await row("assignment to result, plain polling, gaps 50-350 ms, p50 / p95", (command) =>
    withServant(command, [], async (stub) =>
      spread(await latencies(stub, GAPS, () => 50 + Math.random() * 300), 0.95),
    ),
  );
  if (LONG_GAPS > 0) {
    await row("the same, gaps of 10 s, p50 / max", (command) =>
      withServant(command, [], async (stub) =>
        spread(await latencies(stub, LONG_GAPS, () => 9_900 + Math.random() * 200), 1),
      ),
    );
  }
  await row(
    `the same, long-polling backend, p50 / p99 of ${LONG_POLLS}`,
    async (command, isPeer) =>
      isPeer
        ? "(cannot)"
        : await withServant(command, ["--hold"], async (stub) =>
            spread(await latencies(stub, LONG_POLLS, () => 20 + Math.random() * 80), 0.99),
          ),
  );
  const bare = await median(3, () =>
    rate((url) => [process.execPath, join(import.meta.dir, "bare-loop.ts"), url], BURST.ours),
  );
  await row(`queued assignments (ours 5000, peer 500), median of 3`, async (command, isPeer) => {
    const perSecond = await median(3, () => rate(command, isPeer ? BURST.peer : BURST.ours));
    const ratio = isPeer
      ? ""
      : `, ${(perSecond / bare).toFixed(2)} of a bare loop (${bare.toFixed(0)} /s)`;
    return `${perSecond.toFixed(0)} /s${ratio}`;
  });
  await row(
    "start to registered, median of 5, first discarded",
    async (command) => `${ms(await startMs(command))} ms`,
  );
  const idleText = async (command: Command, ...stubArgs: string[]) => {
    const { connections, cpuPercent } = await idle(command, stubArgs);
    return `${connections.toFixed(1)} /s, ${cpuPercent.toFixed(2)} %`;
  };
  await row("idle, plain: new connections, CPU", (command) => idleText(command));
  await row("idle, long-polling: new connections, CPU", async (command, isPeer) =>
    isPeer ? "(cannot)" : await idleText(command, "--hold"),
  );
  await row(`memory ${REST_S} s after the burst`, async (command, isPeer) => {
    const { pss, anonymous, rss } = await memoryAfterBurst(
      command,
      isPeer ? BURST.peer : BURST.ours,
    );
    return `${pss.toFixed(0)} MiB PSS, ${anonymous.toFixed(0)} anonymous, ${rss.toFixed(0)} RSS`;
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n| | Python servant 0.2.2 | ours |\n|---|---|---|`);
for (const cells of rows) console.log(`| ${cells.join(" | ")} |`);
