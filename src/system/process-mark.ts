/** What tells a process from another that gets its number later: when it was started. */
import { existsSync, readFileSync } from "node:fs";
import type { ProcessMark } from "../core/session-process.ts";

/** Of `/proc/PID/stat`, counted from what follows the name: the name may hold anything. */
const STAT = { state: 0, userTicks: 11, systemTicks: 12, startTicks: 19 } as const;
/** What Linux counts processor time in, on every machine that we know of. */
const TICKS_PER_S = 100;

/**
 * Undefined when there is no such process, or only what is left of one that has ended.
 *
 * @throws {Error} when it cannot be looked at
 */
export function markOf(pid: number): ProcessMark | undefined {
  if (process.platform !== "linux") return markElsewhere(pid);
  const stat = statOf(pid);
  if (stat === undefined || ["Z", "X"].includes(stat[STAT.state] ?? "X")) return undefined;
  // Ticks since the system's start: those of another start may be the same.
  return { pid, startedAt: `${bootId()}:${stat[STAT.startTicks]}` };
}

export function isSame(a: ProcessMark, b: ProcessMark | undefined): boolean {
  return a.pid === b?.pid && a.startedAt === b.startedAt;
}

/** Whether that very process is there. One that cannot be looked at is: nothing says that it has ended. */
export function isThere(mark: ProcessMark): boolean {
  try {
    return isSame(mark, markOf(mark.pid));
  } catch {
    return true; // too many open files, for one
  }
}

/** Seconds of processor time so far; undefined where the system does not tell. */
export function cpuOf(pid: number): number | undefined {
  const stat = process.platform === "linux" ? readStat(textOf(`/proc/${pid}/stat`)) : undefined;
  if (stat === undefined) return undefined;
  const ticks = Number(stat[STAT.userTicks]) + Number(stat[STAT.systemTicks]);
  return ticks / TICKS_PER_S;
}

/** @throws {Error} when the process is there, and cannot be looked at */
function statOf(pid: number): readonly string[] | undefined {
  try {
    return readStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (cause) {
    if (!existsSync(`/proc/${pid}`)) return undefined;
    throw cause;
  }
}

function readStat(text: string | undefined): readonly string[] | undefined {
  return text?.slice(text.lastIndexOf(") ") + 2).split(" ");
}

let knownBootId: string | undefined;
function bootId(): string {
  knownBootId ??= (textOf("/proc/sys/kernel/random/boot_id") ?? "").trim();
  return knownBootId;
}

function markElsewhere(pid: number): ProcessMark | undefined {
  const { stdout, success } = Bun.spawnSync(["ps", "-o", "stat=,lstart=", "-p", String(pid)], {
    env: { ...process.env, LC_ALL: "C" },
  });
  const [, state = "Z", startedAt] = /^\s*(\S)\S*\s+(.+?)\s*$/.exec(stdout.toString()) ?? [];
  if (!success || startedAt === undefined || state === "Z") return undefined;
  return { pid, startedAt };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // the process has ended
  }
}
