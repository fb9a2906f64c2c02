/** A storm: a fleet of servants loses its backend, and comes back to it all at once. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBinary } from "./binary.ts";
import type { FleetState } from "./fleet.ts";
import { start } from "./running.ts";
import { Folder } from "./servant.ts";

/** `fetch` serves 256 requests at once unless told otherwise: the held polls alone are more. */
const REQUESTS_MAX = 4_096;
const FLEET_PROCESSES = 2;
/** A servant that the restarted backend has not heard for 3 s is lost: then its count is true. */
const TRUE_AFTER_MS = 4_000;

export interface StormReport {
  /** Until all servants poll: from their start on, and from the backend's return on. */
  readonly firstUpMs: number;
  readonly backMs: number;
  /** What the backend says of itself afterwards. */
  readonly live: number;
  readonly failures: number;
  readonly registrations: number;
  readonly delivered: number;
  readonly waiting: number;
  readonly ended: readonly string[];
  /** Actions triggered at servants all over the fleet afterwards, and those rightly answered. */
  readonly asked: number;
  readonly answered: number;
  readonly hostMemoryMiB: number;
}

export interface StormOptions {
  readonly servants: number;
  readonly outageMs: number;
  /** The backend forgets its servants: they must register again. */
  readonly isForgetful?: boolean;
  readonly withinMs: number;
  readonly tell?: (line: string) => void;
}

export async function storm(options: StormOptions): Promise<StormReport> {
  const { servants, outageMs, withinMs, isForgetful = false, tell = () => {} } = options;
  using folder = new Folder();
  let host = await startHost(folder, "0", isForgetful);
  const fleet = startFleet(host.url, servants);
  try {
    const firstUpMs = await untilLive(host.url, servants, withinMs);
    tell(`${servants} servants are connected after ${seconds(firstUpMs)}`);
    // Each of these is in hand when the backend goes: its result is delivered to the next one.
    const some = spread(servants, 100);
    const lost = some.map((number) => trigger(host.url, number).catch(() => false));
    await fleet.until("work in hand", ({ delivered }) => delivered > 0, withinMs);
    host.kill("SIGKILL");
    await Promise.all([host.exited, ...lost]);
    await Bun.sleep(outageMs);
    host = await startHost(folder, new URL(host.url).port, isForgetful);
    tell(`the backend is back after ${seconds(outageMs)}`);
    const returnedAtMs = performance.now();
    await Bun.sleep(TRUE_AFTER_MS);
    await untilLive(host.url, servants, withinMs);
    const backMs = performance.now() - returnedAtMs;
    tell(`all servants are back after ${seconds(backMs)}`);
    const answers = await Promise.all(some.map((number) => trigger(host.url, number)));
    const state = await fleet.until("all is delivered", ({ waiting }) => waiting === 0, withinMs);
    const hostMemoryMiB = memoryMiB(host.pid);
    const answered = answers.filter(Boolean).length;
    const live = await liveAt(host.url);
    return { firstUpMs, backMs, live, asked: some.length, answered, hostMemoryMiB, ...state };
  } finally {
    await fleet.stop();
    host.kill("SIGKILL");
    await host.exited;
  }
}

/** How many servants poll, by the backend's own word. */
async function liveAt(url: string): Promise<number> {
  const health = await (await fetch(`${url}/health`)).json();
  return (health as { servants: number }).servants;
}

/** Resolves to how long it took until as many poll. */
async function untilLive(url: string, servants: number, withinMs: number): Promise<number> {
  const startedAtMs = performance.now();
  for (;;) {
    const live = await liveAt(url);
    const tookMs = performance.now() - startedAtMs;
    if (live === servants) return tookMs;
    if (tookMs > withinMs) throw new Error(`only ${live} of ${servants} servants came back`);
    await Bun.sleep(100);
  }
}

/** True when the one servant that can do it did it. */
async function trigger(url: string, number: number): Promise<boolean> {
  const body = JSON.stringify({ action: `work_${number}` });
  const response = await fetch(`${url}/trigger`, { method: "POST", body });
  const { success, telemetry } = (await response.json()) as {
    success?: boolean;
    telemetry?: { number?: number };
  };
  return success === true && telemetry?.number === number;
}

async function startHost({ state }: Folder, port: string, isForgetful: boolean) {
  const kept = isForgetful ? [] : ["--state-dir", state];
  const host = start([await ensureBinary(), "host", "--port", port, "--json", ...kept]);
  const [, url = ""] = await host.until(/"url":"([^"]+)"/);
  return { ...host, url };
}

function startFleet(url: string, servants: number) {
  const each = Math.ceil(servants / FLEET_PROCESSES);
  const parts = Array.from({ length: FLEET_PROCESSES }, (_, at) => {
    const count = Math.min(each, servants - at * each);
    const script = join(import.meta.dir, "fleet.ts");
    const child = Bun.spawn([process.execPath, script, url, `${count}`, `${at * each}`], {
      env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: `${REQUESTS_MAX}` },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    return { child, lines: linesOf(child.stdout) };
  });
  const state = async (): Promise<FleetState> => {
    const states = await Promise.all(
      parts.map(async ({ child, lines }) => {
        child.stdin.write("?\n");
        await child.stdin.flush();
        const { value, done } = await lines.next();
        if (done) throw new Error(`a part of the fleet ended: ${await child.exited}`);
        return JSON.parse(value) as FleetState;
      }),
    );
    return states.reduce((all, one) => ({
      failures: all.failures + one.failures,
      registrations: all.registrations + one.registrations,
      delivered: all.delivered + one.delivered,
      waiting: all.waiting + one.waiting,
      ended: [...all.ended, ...one.ended],
    }));
  };
  const until = async (what: string, holds: (state: FleetState) => boolean, withinMs: number) => {
    const lateAtMs = performance.now() + withinMs;
    for (;;) {
      const now = await state();
      if (holds(now)) return now;
      if (performance.now() > lateAtMs) throw new Error(`never: ${what}: ${JSON.stringify(now)}`);
      await Bun.sleep(50);
    }
  };
  return {
    until,
    async stop(): Promise<void> {
      for (const { child } of parts) child.kill("SIGKILL");
      await Promise.all(parts.map(({ child }) => child.exited));
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  return rest;
}

/** Numbers evenly spread over the fleet. */
function spread(servants: number, count: number): number[] {
  const many = Math.min(count, servants);
  return Array.from({ length: many }, (_, at) => Math.floor((at * servants) / many));
}

function memoryMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
