/** More requests at once than the runtime allows by itself: a gateway holds a poll for each servant. */
import { ptr as address, FFIType } from "bun:ffi";
import { openLibc } from "../system/libc.ts";
import { selfCommand } from "./self-command.ts";

/** The runtime's limit is 256, unless this says otherwise when the process starts. */
const LIMIT = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const REQUESTS_MAX = 65_535;

/**
 * Begins this program anew, under the same process id, with the limit lifted: setting it later does
 * nothing. To be called before anything is opened. Where it cannot be done the limit stays.
 */
export function ensureManyRequests(): void {
  if (process.env[LIMIT] !== undefined || process.platform === "win32") return;
  const { cstring, i32, ptr } = FFIType;
  const libc = openLibc({
    setenv: { args: [cstring, cstring, i32], returns: i32 },
    execv: { args: [cstring, ptr], returns: i32 },
  });
  const text = (each: string) => Buffer.from(`${each}\0`);
  const command = [...selfCommand(), ...process.argv.slice(2)].map(text);
  const addresses = new BigUint64Array([...command.map((each) => BigInt(address(each))), 0n]);
  libc.setenv(text(LIMIT), text(String(REQUESTS_MAX)), 1);
  libc.execv(command[0] ?? text(""), addresses);
  // It comes back only when it failed: 256 at once will have to do.
}
