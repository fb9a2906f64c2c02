/** Calling off what runs: one assignment, or the execution and everything handed out. */
import type { Hono } from "hono";
import type { AuditId } from "../../core/assignment.ts";
import { ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { CancelRequest } from "../../wire/direct.ts";
import type { Cancelled } from "../cancel.ts";
import type { Parts } from "../parts.ts";
import { bodyOf } from "./request.ts";

const UNSAID = "asked for by a client";

export function cancelRoutes(app: Hono, { executor, servants, log }: Parts): void {
  app.post("/cancel", async (context) => {
    const { audit_id, reason: given } = await bodyOf(context, CancelRequest);
    const auditId = (audit_id ?? undefined) as AuditId | undefined;
    const reason = given?.trim() || UNSAID;
    // First the execution: the end of its step must not let the next one out.
    const execution = executor.cancel(auditId, reason);
    const cancelled = servants.cancel(auditId, reason);
    if (auditId !== undefined && cancelled.length === 0 && !execution) {
      throw new ServantError(
        "assignment.not-open",
        `Cannot cancel "${auditId.slice(0, 100)}": it is unknown or answered`,
      );
    }
    if (execution) log("info", `the execution is cancelled: ${reason}`, {});
    return context.json({ cancelled: cancelled.map(describe), execution });
  });
}

function describe({ auditId, servantId, what, handedOut, told }: Cancelled): JsonObject {
  return { audit_id: auditId, servant_id: servantId, what, handed_out: handedOut, told };
}
