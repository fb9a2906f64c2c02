/** A plugin's process must not outlive its agent, even when it computes and never hears it end. */
import { FFIType } from "bun:ffi";
import { openLibc } from "./libc.ts";

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** Asks the kernel to kill this process when its parent dies (Linux; elsewhere does nothing). */
export function dieWithParent(): void {
  if (process.platform !== "linux") return;
  const { i32, u64 } = FFIType;
  const libc = openLibc({ prctl: { args: [i32, u64, u64, u64, u64], returns: i32 } });
  libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}
