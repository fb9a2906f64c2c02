/** What a backend asks of a servant, and what the servant answers. */
import type { Atom } from "./atom.ts";
import type { ErrorCode } from "./errors.ts";
import type { Reconciled } from "./handlers.ts";
import type { Json, JsonObject } from "./json.ts";

declare const auditIdBrand: unique symbol;
/** The identity of an assignment across every log and wire. */
export type AuditId = string & { readonly [auditIdBrand]: true };

/**
 * One request: do an action, or observe a fluent. An assignment that could not be read but had an
 * audit id is "invalid": it never runs, and its answer says what was wrong.
 */
export type Assignment =
  | { kind: "action"; auditId: AuditId; transition: string; params: JsonObject }
  | { kind: "belief"; auditId: AuditId; fluent: string }
  | { kind: "invalid"; auditId: AuditId; code: ErrorCode; problem: string };

export interface Observation {
  readonly atom: Atom;
  readonly holds: boolean;
}

export interface Result {
  readonly auditId: AuditId;
  /** False: the handler ran and could not do it, or `code` says why it did not run to its end. */
  readonly success: boolean;
  readonly message: string;
  readonly telemetry: Json;
  readonly code?: ErrorCode;
  /** It was cut off once: how this result came about all the same. */
  readonly interruption?: "failed" | "rerun" | Reconciled["state"];
  readonly observed: readonly Observation[];
  /** Fluents whose other groundings no longer hold. */
  readonly exclusive: readonly string[];
  /** A belief that could not be observed: what was believed stays. */
  readonly unchecked: boolean;
}

/** A result with nothing to tell but its success. */
export function emptyResult(auditId: AuditId, success: boolean, message = ""): Result {
  return {
    auditId,
    success,
    message,
    telemetry: {},
    observed: [],
    exclusive: [],
    unchecked: false,
  };
}

/** The answer to an assignment that failed for a reason of the error table. */
export function failedResult(auditId: AuditId, code: ErrorCode, message: string): Result {
  return { ...emptyResult(auditId, false, message), code };
}
