/** What becomes of assignments that were cut off: by a crash of the agent, or of their process. */
import { describeAssignment, type Entry } from "../core/entry.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { ActionRules } from "../core/handlers.ts";
import { SANE_CLOCK_MS } from "../core/retention.ts";

/** An accepted assignment may start after a restart only while it is this young. */
export const START_WITHIN_MS = 30_000;
/** How often a handler that may run again is started for one assignment, the first time included. */
export const STARTS_MAX = 3;

export type Verdict =
  /** It never started and still may. */
  | { is: "run" }
  /** It started: `verdictInDoubt` tells what is to become of it. */
  | { is: "doubt"; problem: string }
  | { is: "answer"; code: ErrorCode; problem: string };

/** What an action in doubt is owed; `starts` counts those that were. */
export function verdictInDoubt(
  { starts, cancelled }: Pick<Entry, "starts" | "cancelled">,
  rules: ActionRules | undefined,
): "fail" | "rerun" | "reconcile" {
  const wish = rules?.onInterrupted ?? "fail";
  // What was called off must not move again, whatever its handler allows.
  if (wish === "rerun" && (cancelled !== undefined || starts >= STARTS_MAX)) return "fail";
  return wish;
}

/**
 * After a crash nothing physical repeats unasked: what had started is in doubt; what had not may
 * still run while it is fresh by a clock that makes sense.
 */
export function verdictAfterRestart(entry: Entry, nowMs: number): Verdict {
  const what = describeAssignment(entry.assignment);
  const answer = (code: ErrorCode, problem: string) => ({ is: "answer", code, problem }) as const;
  if (entry.phase === "started" || entry.assignment.kind === "belief") {
    const problem = `Cannot tell how ${what} ended: the agent stopped while it ran`;
    return { is: "doubt", problem };
  }
  if (entry.cancelled !== undefined) {
    return answer("handler.cancelled", `Cannot start ${what}: it was called off`);
  }
  const ageMs = nowMs - entry.acceptedAtMs;
  const isSane = entry.acceptedAtMs >= SANE_CLOCK_MS && ageMs >= 0;
  if (isSane && ageMs < START_WITHIN_MS) return { is: "run" };
  const reason = isSane
    ? `it was accepted more than ${START_WITHIN_MS / 1000} s ago`
    : "the clock cannot tell how long ago it was accepted";
  return answer("assignment.stale", `Cannot start ${what}: ${reason}`);
}
