/** What a process uses of its machine, cheap enough to be asked for each second. */
import { readFile } from "node:fs/promises";
import type { ProcessUse } from "../core/session-process.ts";
import { cpuOf } from "./process-mark.ts";

/**
 * How long a figure of memory is told again, in milliseconds. The system walks all memory of a process for
 * it, 1 to 3 ms each: of 100 processes in each second that would be a fifth of a processor.
 */
const MEMORY_FRESH_MS = 10_000;

/** Reads what a process uses; empty where the system does not tell. */
export function useReader(
  pid: number,
  nowMs: () => number = () => performance.now(),
): () => Promise<ProcessUse> {
  let memory: Promise<number | undefined> | undefined;
  let readAtMs = 0;
  return async () => {
    const cpuS = cpuOf(pid);
    if (cpuS === undefined) return {};
    if (memory === undefined || nowMs() - readAtMs >= MEMORY_FRESH_MS) {
      memory = memoryOf(pid);
      readAtMs = nowMs();
    }
    const memoryBytes = await memory;
    return { cpuS, ...(memoryBytes === undefined ? {} : { memoryBytes }) };
  };
}

/** Its proportional share, in bytes. Not read on the thread that answers requests. */
async function memoryOf(pid: number): Promise<number | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    const share = /^Pss: +(\d+) kB$/m.exec(text);
    return share === null ? undefined : Number(share[1]) * 1_024;
  } catch {
    return undefined; // the process has ended, or is not ours to look at
  }
}
