/** How long to wait before a failed request is tried again. */

export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 60_000;

/**
 * The wait after the `failures`-th failure in a row: 1, 2, 4 ... 60 s, in milliseconds.
 * The schedule is DYNOS's own.
 */
export function backoffMs(failures: number): number {
  return Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(Math.max(failures - 1, 0), 20), BACKOFF_MAX_MS);
}
