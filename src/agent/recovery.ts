/** What becomes of assignments that a restart found unfinished. */

import { describeAssignment, type Entry } from "../core/entry.ts";
import type { ErrorCode } from "../core/errors.ts";

/** An accepted assignment may start after a restart only while it is this young. */
export const START_WITHIN_MS = 30_000;
/**
 * A clock that reads an earlier time was never set (many boards boot in 1970): the difference of
 * two of its readings says nothing, for a power cut may lie between them.
 */
export const SANE_CLOCK_MS = Date.UTC(2024, 0, 1);

/**
 * After a crash nothing physical repeats unasked: what had started is answered failed; what had
 * not may still run while it is fresh by a clock that makes sense.
 */
export function verdictAfterRestart(
  entry: Entry,
  nowMs: number,
): { verdict: "run" | ErrorCode; problem: string } {
  const what = describeAssignment(entry.assignment);
  if (entry.assignment.kind === "belief" || entry.phase === "started") {
    return {
      verdict: "handler.interrupted",
      problem: `Cannot tell how ${what} ended: the agent stopped while it ran`,
    };
  }
  const ageMs = nowMs - entry.acceptedAtMs;
  const isSane = entry.acceptedAtMs >= SANE_CLOCK_MS && ageMs >= 0;
  if (isSane && ageMs < START_WITHIN_MS) return { verdict: "run", problem: "" };
  const reason = isSane
    ? `it was accepted more than ${START_WITHIN_MS / 1000} s ago`
    : "the clock cannot tell how long ago it was accepted";
  return { verdict: "assignment.stale", problem: `Cannot start ${what}: ${reason}` };
}
