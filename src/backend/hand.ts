/**
 * What a servant has in hand by its own word: its polls may list the audit ids that it has. What is
 * over here and not there is given up; what is over here and still there fills its hand.
 */
import { type AuditId, emptyResult, failedResult, type Result } from "../core/assignment.ts";
import type { Clock } from "../core/ports.ts";
import type { RegisteredServant } from "./servant.ts";
import type { Log } from "./servants.ts";
import { assignmentOf, type Unanswered } from "./unanswered.ts";

/** What a servant has been told to call off and does not have this long after, it never had. */
export const NEVER_HAD_MS = 5_000;

/** Answers whoever waits for an assignment; false when nobody does. */
type Settle = (servant: RegisteredServant, auditId: AuditId, result: Result) => boolean;

export interface HandPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly unanswered?: Unanswered;
  readonly settle: Settle;
}

/** Heeds what a poll says that the servant has; nothing when it does not say. */
export function noteHolds(
  servant: RegisteredServant,
  holds: ReadonlySet<string> | undefined,
  ports: HandPorts,
): void {
  if (holds === undefined) return;
  noteGone(servant, holds, ports);
  noteEarlier(servant, holds, ports);
}

/** What was called off, or given up, and is not there leaves the servant's hand free again. */
function noteGone(
  servant: RegisteredServant,
  holds: ReadonlySet<string>,
  { clock, settle }: HandPorts,
): void {
  const nowMs = clock.monotonic();
  servant.untellWhatIsOver(holds);
  for (const { assignment, settled, isCancelled, handedOutAtMs } of servant.handedOut) {
    const { auditId } = assignment;
    const isOver = (settled || isCancelled) && handedOutAtMs + NEVER_HAD_MS <= nowMs;
    if (!isOver || holds.has(auditId)) continue;
    const reason = `it was cancelled, and servant ${servant.id} does not have it`;
    servant.untell(auditId);
    settle(servant, auditId, failedResult(auditId, "execution.cancelled", reason));
    if (servant.inHand?.assignment.auditId === auditId) servant.release(); // settled before
  }
}

/** By its own word it has a step that is over here: it gets no other one beside it. */
function noteEarlier(
  servant: RegisteredServant,
  holds: ReadonlySet<string>,
  { unanswered, log, settle }: HandPorts,
): void {
  if (unanswered === undefined || servant.inHand !== undefined) return;
  const [held] = [...holds].flatMap((auditId) => unanswered.get(auditId) ?? []);
  if (held !== undefined) {
    const assignment = assignmentOf(held);
    const over = { settled: true, isCancelled: false, handedOutAtMs: -Infinity, settle: () => {} };
    servant.inHand = { assignment, ...over };
    recall(servant, settle);
    const { auditId } = held;
    log("warn", `servant ${servant.id} is still at a step of an earlier run`, { auditId });
  }
  for (const { servantId, auditId } of unanswered.open()) {
    if (servantId !== servant.id || holds.has(auditId)) continue;
    unanswered.forget(auditId);
    const reason = `how it ended stays unknown: servant ${servantId} no longer has it`;
    log("warn", reason, { auditId, servantId });
  }
}

/** What a plan chose and has not gone out is to be chosen anew. */
export function recall(servant: RegisteredServant, settle: Settle): void {
  const waiting = servant.queue.filter(({ isRecallable }) => isRecallable);
  for (const { assignment } of waiting) {
    const { auditId } = assignment;
    const reason = "it was not begun: its servant still had an earlier step";
    settle(servant, auditId, emptyResult(auditId, false, reason));
  }
}
