/**
 * Calling assignments off. Cancelling is not cancelled: what a servant has in hand ends when the
 * servant says so, and may well end in success.
 */
import { type AuditId, emptyResult, failedResult, type Result } from "../core/assignment.ts";
import { describeAssignment } from "../core/entry.ts";
import type { Pending, RegisteredServant } from "./servant.ts";

export interface Cancelled {
  readonly auditId: AuditId;
  readonly servantId: string;
  /** The assignment, in words. */
  readonly what: string;
  /** False: it still waited here, and never goes out. */
  readonly handedOut: boolean;
  /**
   * The servant is told, now or at its next poll, and the step waits for its answer. False for one
   * that was handed out: nobody can tell the servant, so nobody waits for it any more; the action
   * stays in its hand until it answers, and no other one goes to it.
   */
  readonly told: boolean;
}

/**
 * Calls off what a servant was given or is to be given, all of it without an audit id. `settle`
 * answers whoever waits.
 */
export function cancelHeldBy(
  servant: RegisteredServant,
  auditId: AuditId | undefined,
  reason: string,
  settle: (auditId: AuditId, result: Result) => void,
): Cancelled[] {
  const isMeant = ({ assignment }: Pending) =>
    auditId === undefined || assignment.auditId === auditId;
  const one = ({ assignment }: Pending, handedOut: boolean): Cancelled => ({
    auditId: assignment.auditId,
    servantId: servant.id,
    what: describeAssignment(assignment),
    handedOut,
    told: handedOut && servant.takesCancels,
  });
  // The queue first: an empty hand would let the next action out.
  const queued = servant.queue.filter(isMeant).map((pending) => {
    settle(pending.assignment.auditId, unstarted(pending, reason));
    return one(pending, false);
  });
  const given = servant.handedOut.filter(isMeant).map((pending) => {
    const cancelled = one(pending, true);
    pending.isCancelled = true;
    if (cancelled.told) servant.tell(cancelled.auditId, reason);
    abandon(pending, cancelled, reason, settle);
    return cancelled;
  });
  return [...given, ...queued];
}

/** Ends the wait for what cannot be told, and for an observation that nobody wants now. */
function abandon(
  pending: Pending,
  { auditId, servantId, told }: Cancelled,
  reason: string,
  settle: (auditId: AuditId, result: Result) => void,
): void {
  if (pending.assignment.kind === "belief") {
    settle(auditId, unstarted(pending, reason));
  } else if (!told && !pending.settled) {
    const problem = `cancelled: ${reason}; servant ${servantId} cannot be told and may go on`;
    pending.settled = true; // it stays in hand: the servant is not free
    pending.settle(failedResult(auditId, "execution.cancelled", problem));
  }
}

function unstarted({ assignment: { kind, auditId } }: Pending, reason: string): Result {
  const message = `cancelled: ${reason}`;
  if (kind === "action") return failedResult(auditId, "execution.cancelled", message);
  return { ...emptyResult(auditId, true, message), unchecked: true };
}
