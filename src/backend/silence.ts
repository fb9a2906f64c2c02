/**
 * What a servant's silence means. One that has nothing to do polls all the time; one that acts may
 * be silent for hours, unless it polls while it acts.
 */
import type { AuditId } from "../core/assignment.ts";
import type { RegisteredServant } from "./servant.ts";

/** Silence with nothing in hand and no poll held, after which a servant is lost. */
export const LOST_MS = 3_000;
/** Silence after which the step of a servant that polls while it acts fails. */
export const LEASE_MS = 30_000;
/** Silence with an action in hand that is told to people; then again at twice as much. */
export const SILENCE_SHOWN_MS = 30_000;

export interface Leases {
  /** See `LEASE_MS`. */
  readonly leaseMs?: number;
  /** The lease of a servant that is silent while it acts; absent: it may take for ever. */
  readonly silentLeaseMs?: number | undefined;
}
export type Verdict =
  | { readonly is: "fine" }
  | { readonly is: "lost"; readonly reason: string }
  | { readonly is: "worth telling"; readonly reason: string; readonly auditId: AuditId };

/** Judges a servant now; what is worth telling is so once, then again at twice as much. */
export function judgeSilence(
  servant: RegisteredServant,
  { leaseMs = LEASE_MS, silentLeaseMs }: Leases,
): Verdict {
  const { silentMs, inHand, asked } = servant;
  const reason = `servant ${servant.id} has been silent for ${Math.round(silentMs / 1000)} s`;
  if (inHand === undefined) {
    return asked.size === 0 && silentMs >= LOST_MS ? { is: "lost", reason } : { is: "fine" };
  }
  const lease = servant.pollsWhileActing ? leaseMs : silentLeaseMs;
  if (lease !== undefined && silentMs >= lease) return { is: "lost", reason };
  if (silentMs < (servant.silenceShownAtMs || SILENCE_SHOWN_MS)) return { is: "fine" };
  servant.silenceShownAtMs = silentMs * 2;
  const { auditId } = inHand.assignment;
  return { is: "worth telling", reason: `${reason}, with an action in hand`, auditId };
}
