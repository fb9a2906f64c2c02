/**
 * A session's end of the pipe that its gateway has started it with: the secret comes in, how the
 * start went goes out. What stands in argv or in the environment others on the machine may read.
 */
import { closeSync, readSync, writeSync } from "node:fs";
import type { StartReport } from "../core/session-process.ts";

/** Far more than a secret is; in bytes. */
const SECRET_MAX_BYTES = 256;

/**
 * Waits for the line with the secret. Undefined when the gateway has gone before it sent one: nobody
 * would ever know of this process.
 */
export function receiveSecret(fd: number): string | undefined {
  const bytes = Buffer.alloc(SECRET_MAX_BYTES);
  for (let length = 0; length < bytes.length; ) {
    const count = readSync(fd, bytes, length, bytes.length - length, null);
    if (count === 0) return undefined;
    length += count;
    const end = bytes.indexOf("\n");
    if (end >= 0) return bytes.toString("utf8", 0, end);
  }
  return undefined;
}

/** Tells the gateway how the start went, and lets go of the pipe. It may have gone meanwhile. */
export function reportStart(fd: number, report: StartReport): void {
  try {
    writeSync(fd, `${JSON.stringify(report)}\n`);
    closeSync(fd);
  } catch {
    // A gateway that is gone finds this process by its port, or never: then it ends as an orphan.
  }
}
