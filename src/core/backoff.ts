/** How long to wait before a failed request is tried again. */
import type { ServantError } from "./errors.ts";

export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 60_000;
/** A server's word counts up to here: one absurd Retry-After must not silence a vehicle. */
export const RETRY_AFTER_MAX_MS = 15 * 60_000;

/**
 * The wait after the `failures`-th failure in a row: 1, 2, 4 ... 60 s, in milliseconds.
 * The schedule is DYNOS's own.
 */
export function backoffMs(failures: number): number {
  return Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(Math.max(failures - 1, 0), 20), BACKOFF_MAX_MS);
}

/** The server's own word on when to try again, within bounds; else the backoff. */
export function retryInMs({ retryAfterMs }: ServantError, failures: number): number {
  if (retryAfterMs === undefined) return backoffMs(failures);
  return Math.min(Math.max(retryAfterMs, BACKOFF_FIRST_MS), RETRY_AFTER_MAX_MS);
}
