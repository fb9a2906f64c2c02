/** The child must not outlive its agent, even when it computes and never hears the channel close. */
import { dlopen, FFIType } from "bun:ffi";

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** Asks the kernel to kill this process when its parent dies (Linux; elsewhere does nothing). */
export function dieWithParent(): void {
  if (process.platform !== "linux") return;
  try {
    const libc = dlopen("libc.so.6", {
      prctl: {
        args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64],
        returns: FFIType.i32,
      },
    });
    libc.symbols.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  } catch (cause) {
    // Without that C library the closed channel still ends every child that awaits.
    console.debug("no parent-death signal on this system:", String(cause));
  }
}
