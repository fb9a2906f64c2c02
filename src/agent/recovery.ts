/** What becomes of assignments that a restart found unfinished. */
import type { ErrorCode } from "../core/errors.ts";
import { describeAssignment, type Entry } from "../core/ledger.ts";

/** An accepted assignment may start after a restart only while it is this young. */
export const START_WITHIN_MS = 30_000;

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
  if (ageMs >= 0 && ageMs < START_WITHIN_MS) return { verdict: "run", problem: "" };
  return {
    verdict: "assignment.stale",
    problem: `Cannot start ${what}: it was accepted more than ${START_WITHIN_MS / 1000} s ago`,
  };
}
