/** How long to wait before a failed request is tried again. */
import type { ServantError } from "./errors.ts";

/** The first window; each failure in a row doubles it. */
export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 60_000;
/** However the dice fall: no request follows its failure at once. */
export const BACKOFF_FLOOR_MS = 50;
/** A server's word counts up to here: one absurd Retry-After must not silence a vehicle. */
export const RETRY_AFTER_MAX_MS = 15 * 60_000;
/** A server tells its whole fleet the same: each adds up to this part of it, or this long. */
const RETRY_AFTER_SPREAD = { share: 0.1, leastMs: 1_000 } as const;

/** At least 0, below 1: a port, so that a simulation can repeat its dice. */
export type Random = () => number;

/**
 * The wait after the `failures`-th failure in a row: anywhere in a window of 1, 2, 4 ... 60 s, in
 * milliseconds ("full jitter"). The windows are DYNOS's own schedule; spread over them, a thousand
 * servants that lost one backend do not come back to it in the same instant.
 */
export function backoffMs(failures: number, random: Random): number {
  return Math.max(Math.round(random() * windowMs(failures)), BACKOFF_FLOOR_MS);
}

/** 1, 2, 4 ... 60 s, in milliseconds: what nobody else waits for needs no dice. */
export function windowMs(failures: number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 20);
  return Math.min(BACKOFF_FIRST_MS * 2 ** doublings, BACKOFF_MAX_MS);
}

/** The server's own word on when to try again, within bounds and never sooner; else the backoff. */
export function retryInMs(
  { retryAfterMs }: ServantError,
  failures: number,
  random: Random,
): number {
  if (retryAfterMs === undefined) return backoffMs(failures, random);
  const askedMs = Math.min(Math.max(retryAfterMs, BACKOFF_FIRST_MS), RETRY_AFTER_MAX_MS);
  const { share, leastMs } = RETRY_AFTER_SPREAD;
  return askedMs + Math.round(random() * Math.max(askedMs * share, leastMs));
}
