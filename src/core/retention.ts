/**
 * How long the journal keeps what is closed: first the whole story, then only what is needed never
 * to run it again, then nothing. What still waits for the backend is no part of this: it stays.
 */

/** How long a closed entry keeps its content, and its audit id from then on, in milliseconds. */
export const KEPT_MS = 30 * 24 * 3_600_000;
/** Of how many entries at most the audit id is kept. */
export const IDS_MAX = 1_000_000;
/** Of how many closed entries the content is kept, unless somebody asks for more or less. */
export const KEEP_DEFAULT = 10_000;
/**
 * A clock that reads an earlier time was never set (many boards boot in 1970): the difference of
 * two of its readings says nothing, for a power cut may lie between them.
 */
export const SANE_CLOCK_MS = Date.UTC(2024, 0, 1);

export interface Closed {
  readonly isCompacted: boolean;
  /** When it was closed, or when it was compacted. */
  readonly atMs: number;
  /** How many of its kind are newer. */
  readonly newer: number;
}

/** What is to become of a closed entry. */
export function fateOf(
  { isCompacted, atMs, newer }: Closed,
  keep: number,
  nowMs: number,
): "keep" | "compact" | "forget" {
  const isBeyond = newer >= (isCompacted ? IDS_MAX : keep);
  if (!isBeyond && !isOld(atMs, nowMs)) return "keep";
  return isCompacted ? "forget" : "compact";
}

/** By clocks that make sense only: else it is neither old nor young, and goes by its rank. */
export function isOld(atMs: number, nowMs: number): boolean {
  return atMs >= SANE_CLOCK_MS && nowMs - atMs > KEPT_MS;
}
