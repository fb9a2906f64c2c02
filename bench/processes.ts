/** Starts what is measured and reads what it costs, from /proc (Linux). */
import { readdirSync, readFileSync } from "node:fs";

export interface Stub {
  readonly url: string;
  control<T>(path: string): Promise<T>;
  stop(): Promise<void>;
}
export interface Stats {
  readonly done: number;
  readonly polls: number;
  readonly results: number;
  readonly connections: number;
  readonly registeredAtMs: number;
}

export async function startStub(...args: string[]): Promise<Stub> {
  const stub = Bun.spawn([process.execPath, `${import.meta.dir}/stub-backend.ts`, ...args], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await stub.stdout.getReader().read();
  const url = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`;
  return {
    url,
    control: async <T>(path: string) => (await (await fetch(`${url}/control/${path}`)).json()) as T,
    stop: () => end(stub),
  };
}

/** Starts a servant; its output goes nowhere, its end without being asked is an error. */
export function start(command: readonly string[]): Bun.Subprocess {
  return Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
}

export async function end(child: Bun.Subprocess): Promise<void> {
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await child.exited;
  clearTimeout(late);
}

/** Milliseconds since the epoch, finer than `Date.now()`. */
export const nowMs = () => performance.timeOrigin + performance.now();

/** The process and all it started. */
export function family(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" "),
  );
  return [pid, ...children.filter((each) => each !== "").flatMap((each) => family(Number(each)))];
}

/** Seconds of processor that the processes' threads have used, from the scheduler's own books. */
export function cpuSeconds(pids: readonly number[]): number {
  const threads = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`),
  );
  const ranNs = threads.map((path) => Number(readFileSync(path, "utf8").split(" ")[0]));
  return ranNs.reduce((sum, each) => sum + each, 0) / 1e9;
}

/** Memory in MiB: proportional share, its anonymous part, and what is resident. */
export function memory(pids: readonly number[]): Record<"pss" | "anonymous" | "rss", number> {
  const read = (name: string) =>
    pids.reduce((sum, pid) => {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      return sum + Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0) / 1024;
    }, 0);
  return { pss: read("Pss"), anonymous: read("Pss_Anon"), rss: read("Rss") };
}

/** The value below which `share` of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN;
}

export async function until(holds: () => Promise<boolean>, everyMs: number): Promise<void> {
  while (!(await holds())) await Bun.sleep(everyMs);
}
