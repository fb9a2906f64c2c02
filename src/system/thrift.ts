/**
 * Gives memory back at rest. A start touches code that is never needed again, and a burst leaves
 * the heap as large as it was at its height; on a vehicle others need that memory.
 */
import { FFIType } from "bun:ffi";
import { readFileSync, readlinkSync } from "node:fs";
import { openLibc } from "./libc.ts";

/** How long nothing may have happened before memory is given back, in milliseconds. */
export const REST_MS = 5_000;
/** Giving back after less work than this costs more than it brings, unless it is said otherwise. */
const WORTH_IT = 500;

/** A heap that has grown by so many bytes is worth it after a single piece of work. */
const GROWN_BYTES = 2 * 2 ** 20;

export interface Thrift {
  /** Adds a full garbage collection, which stops whatever else the process does for some milliseconds. */
  readonly heap: boolean;
  /** How many pieces of work are worth it. */
  readonly worthIt?: number;
}

/**
 * Returns a function to call at the start and after each piece of work: some seconds after the
 * last call memory is given back: the first time, and then when there was much work or what was done needed
 * much of it.
 */
export function givingBackAtRest({ heap, worthIt = WORTH_IT }: Thrift): () => void {
  let timer: Timer | undefined;
  let worked = worthIt;
  let heapBytes = 0;
  const rest = () => {
    timer = undefined;
    const hasGrown = heap && heapTotal() > heapBytes + GROWN_BYTES;
    if (worked < worthIt && !hasGrown) return;
    worked = 0;
    if (heap) {
      Bun.gc(true);
      Bun.shrink();
      heapBytes = heapTotal();
    }
    try {
      unmapIdleCode();
    } catch {
      // A courtesy: who holds every file descriptor of this process must not end it with that.
    }
  };
  return () => {
    worked += 1;
    timer ??= setTimeout(rest, REST_MS).unref();
    timer.refresh();
  };
}

/** 0 where it cannot be told: to look reads a file, and somebody may hold every descriptor. */
function heapTotal(): number {
  try {
    return process.memoryUsage().heapTotal;
  } catch {
    return 0;
  }
}

const MADV_DONTNEED = 4;

/**
 * Lets go of the program's code pages; those that are needed come back by themselves. They are
 * clean pages of a file either way, but the kernel keeps mapped code longest when memory is short.
 * Linux only. A mapping that was written to is left alone.
 */
function unmapIdleCode(): void {
  if (process.platform !== "linux") return;
  const program = readlinkSync("/proc/self/exe");
  const { u64, i32 } = FFIType;
  const libc = openLibc({ madvise: { args: [u64, u64, i32], returns: i32 } });
  for (const mapping of readFileSync("/proc/self/smaps", "utf8").split(/\n(?=[0-9a-f]+-)/)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \S+ +(.+)\n/.exec(mapping);
    if (head?.[3] !== program || !/^Anonymous: +0 kB$/m.test(mapping)) continue;
    const [from, to] = [BigInt(`0x${head[1]}`), BigInt(`0x${head[2]}`)];
    libc.madvise(from, to - from, MADV_DONTNEED);
  }
}
