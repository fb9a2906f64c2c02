/** What a backend answers to a poll, read once: an assignment, a cancel, or neither. */
import type { AuditId } from "../core/assignment.ts";
import type { ErrorCode } from "../core/errors.ts";
import { isJsonObject, isNestedWithin, type Json, type JsonObject } from "../core/json.ts";
import type { Directive } from "../core/ports.ts";
import type { BoundedBody } from "../wire/bounded-body.ts";
import { CancelDirective, toAssignment } from "../wire/dynos.ts";

/**
 * Reads an answer that came to the registration `via` and had at most `maxBytes` to be whole. What
 * cannot be read but names an audit id is an assignment all the same: it gets an answer.
 */
export function readAnswer(
  { text, bytes, auditId }: BoundedBody,
  via: string,
  maxBytes: number,
): Directive {
  if (text === undefined) {
    const problem = `Cannot take an assignment of over ${maxBytes} bytes (${bytes} read)`;
    return invalid("assignment.too-large", auditId, problem, via);
  }
  let body: Json;
  try {
    body = JSON.parse(text) as Json;
  } catch {
    return { type: "malformed", reason: `not JSON: ${JSON.stringify(text.slice(0, 80))}` };
  }
  const named = isJsonObject(body) ? body.audit_id : undefined;
  const id = typeof named === "string" ? named : undefined;
  const problem = `Cannot read the assignment ${text.slice(0, 120)}`;
  if (!isNestedWithin(body)) {
    return invalid("assignment.malformed", id, `${problem}: it nests too deep`, via);
  }
  if (isJsonObject(body) && body.kind === "cancel") return readCancel(body);
  const assignment = toAssignment(body);
  if (assignment !== undefined) return { type: "assign", assignment, via };
  return invalid("assignment.malformed", id, problem, via);
}

/** A cancel is no assignment: one that cannot be read is answered by nobody. */
function readCancel(body: JsonObject): Directive {
  const { data } = CancelDirective.safeParse(body);
  if (data === undefined) {
    const problem = `Cannot read the cancel ${JSON.stringify(body).slice(0, 120)}`;
    return { type: "malformed", reason: problem };
  }
  const { audit_id: auditId, reason } = data;
  const why = reason === "" ? "the backend asks for it" : reason;
  return { type: "cancel", auditId: auditId as AuditId, reason: why };
}

function invalid(
  code: ErrorCode,
  auditId: string | undefined,
  problem: string,
  via: string,
): Directive {
  if (auditId === undefined || auditId === "") return { type: "malformed", reason: problem };
  const assignment = { kind: "invalid", auditId: auditId as AuditId, code, problem } as const;
  return { type: "assign", assignment, via };
}
