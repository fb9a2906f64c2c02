/** Carries one assignment to its result, through whatever cuts its handler off on the way. */
import { type Assignment, emptyResult, failedResult, type Result } from "../core/assignment.ts";
import { describeAssignment } from "../core/entry.ts";
import { type ErrorCode, type ServantError, toServantError } from "../core/errors.ts";
import type { Reconciled } from "../core/handlers.ts";
import type { Runner } from "../core/ports.ts";
import type { Work } from "./hand.ts";
import { verdictInDoubt } from "./recovery.ts";

export interface AttemptPorts {
  readonly runner: Pick<Runner, "run" | "reconcile" | "rules">;
  /** Waits for the turn and records one more start; false when it must not start any more. */
  startAgain(work: Work): Promise<boolean>;
}

/** Runs the handler; never rejects but for what `startAgain` throws. */
export async function attempt(ports: AttemptPorts, work: Work): Promise<Result> {
  const { auditId } = work.assignment;
  if (work.cancelled !== undefined) return neverStarted(work, work.cancelled);
  try {
    const result = await ports.runner.run(work.assignment, work.abort.signal);
    const interruption = work.starts > 1 ? ({ interruption: "rerun" } as const) : {};
    return { ...result, ...interruption, auditId };
  } catch (cause) {
    const error = toServantError(cause);
    if (isDoubt(error)) return await resumeAttempt(ports, work, error);
    return failedResult(auditId, error.code, error.message);
  }
}

/** Its handler started and was cut off: finds out what became of it, or starts it once more. */
export async function resumeAttempt(
  ports: AttemptPorts,
  work: Work,
  { code, message }: Pick<ServantError, "code" | "message">,
): Promise<Result> {
  const { assignment } = work;
  const { auditId } = assignment;
  if (assignment.kind !== "action") return failedResult(auditId, code, message);
  const failed = { ...failedResult(auditId, code, message), interruption: "failed" } as const;
  const verdict = verdictInDoubt(work, ports.runner.rules[assignment.transition]);
  if (verdict === "rerun") {
    return (await ports.startAgain(work)) ? await attempt(ports, work) : failed;
  }
  if (verdict === "fail") return failed;
  try {
    const { signal } = new AbortController(); // it only looks: a cancel need not stop it
    return reconciledResult(assignment, await ports.runner.reconcile(assignment, signal), code);
  } catch (cause) {
    const reason = toServantError(cause).message;
    return { ...failed, message: `${message}; its reconcile could not tell either: ${reason}` };
  }
}

/** The answer to what was called off before its handler saw it. */
export function neverStarted(
  { assignment, starts }: Pick<Work, "assignment" | "starts">,
  reason: string,
): Result {
  const so = starts > 1 ? "it did not start again" : "it never started";
  const problem = `Cannot do ${describeAssignment(assignment)}: ${reason}; ${so}`;
  const result = failedResult(assignment.auditId, "handler.cancelled", problem);
  return starts > 1 ? { ...result, interruption: "failed" } : result;
}

function reconciledResult(
  assignment: Extract<Assignment, { kind: "action" }>,
  { state, message }: Reconciled,
  code: ErrorCode,
): Result {
  const { auditId } = assignment;
  const said = message === "" ? "" : `: ${message}`;
  const what = describeAssignment(assignment);
  if (state === "done") {
    const told = `${what} was cut off and is done all the same${said}`;
    return { ...emptyResult(auditId, true, told), interruption: state };
  }
  const found = state === "partly" ? "partly done" : "not done";
  const told = `${what} was cut off and is ${found}${said}`;
  return { ...failedResult(auditId, code, told), interruption: state };
}

function isDoubt({ code }: ServantError): boolean {
  return code === "handler.crashed" || code === "handler.interrupted";
}
