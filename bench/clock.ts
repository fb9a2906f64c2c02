/** One clock for several processes: what the runtime offers is off by a millisecond between them. */
import { FFIType } from "bun:ffi";
import { openLibc } from "../src/system/libc.ts";

const CLOCK_MONOTONIC = 1;
const { clock_gettime: read } = openLibc({
  clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
});
const time = new BigInt64Array(2);

/** Milliseconds since the machine's start. */
export function machineMs(): number {
  read(CLOCK_MONOTONIC, time);
  return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
}
