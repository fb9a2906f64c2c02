/** Makes this process the parent of whoever loses theirs below it. */
import { FFIType, ptr } from "bun:ffi";
import { openLibc } from "./libc.ts";

const PR_SET_NAME = 15;
const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;

export interface Orphans {
  adoptOrphans(): void;
  /** Takes note of the end of a child that nobody here waits for. */
  reap(pid: number): void;
}

/**
 * Linux only; elsewhere its functions do nothing. `name` is what this process is called from then
 * on: whoever ends all processes of the agent by name must leave this one to do its work.
 */
export function orphansAs(name: string): Orphans {
  if (process.platform !== "linux") return { adoptOrphans() {}, reap() {} };
  const { i32, ptr: pointer, u64 } = FFIType;
  const libc = openLibc({
    prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
    waitpid: { args: [i32, pointer, i32], returns: i32 },
  });
  const nameBytes = Buffer.from(`${name}\0`);
  return {
    adoptOrphans() {
      libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
      libc.prctl(PR_SET_NAME, ptr(nameBytes), 0, 0, 0);
    },
    reap: (pid) => void libc.waitpid(pid, null, WNOHANG),
  };
}
