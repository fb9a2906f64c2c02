/**
 * Runs one assignment on a plugin's handler and brings whatever the handler did into a Result. A
 * handler's own failure never throws from here: it is a failed result.
 */
import {
  type Assignment,
  type AuditId,
  emptyResult,
  failedResult,
  type Observation,
  type Result,
} from "./assignment.ts";
import { type Atom, atomParts, parseAtom } from "./atom.ts";
import { bytesAsText, isBytes } from "./bytes.ts";
import { type ErrorCode, messageOf, ServantError } from "./errors.ts";
import { BELIEF_RESULT, type HandlerContext, type HandlerMark } from "./handlers.ts";
import {
  isJsonObject,
  isNestedWithin,
  JSON_DEPTH_MAX,
  type Json,
  type JsonObject,
} from "./json.ts";
import type { Handler, Plugin } from "./plugin.ts";
import { objectRef } from "./vocabulary.ts";

/** The largest telemetry of one result, in characters of JSON. */
export const TELEMETRY_MAX_CHARS = 4 * 1024 * 1024;
/** The longest message of one result, in characters; the rest is cut. */
export const MESSAGE_MAX_CHARS = 64 * 1024;

/**
 * Never rejects: see the file's first lines. `starting` is called right before the handler is, in
 * the same turn; when it throws the handler is not called.
 */
export async function perform(
  plugin: Pick<Plugin, "actions" | "beliefs">,
  assignment: Assignment,
  ctx: HandlerContext,
  starting: () => void = () => {},
): Promise<Result> {
  const { auditId } = assignment;
  if (assignment.kind === "invalid") {
    return failedResult(auditId, assignment.code, assignment.problem);
  }
  const name = assignment.kind === "action" ? assignment.transition : assignment.fluent;
  const handlers = assignment.kind === "action" ? plugin.actions : plugin.beliefs;
  const handler = handlers.get(name);
  if (handler === undefined) {
    return failedResult(auditId, "assignment.unknown", `Cannot do "${name}": no handler for it`);
  }
  if (ctx.signal.aborted) return abortedResult(auditId, ctx.signal);
  let returned: unknown;
  try {
    const args = assignment.kind === "belief" ? [] : [toParams(handler.mark, assignment.params)];
    starting();
    returned = await call(handler, [...args, ctx]);
  } catch (cause) {
    const code = codeOf(cause);
    if (code !== undefined) return failedResult(auditId, code, cut(textOf(cause)));
    if (ctx.signal.aborted) {
      return failedResult(auditId, abortCode(ctx.signal), cut(textOf(cause)));
    }
    ctx.log.error(stackOf(cause));
    return failedResult(auditId, "handler.threw", cut(textOf(cause)));
  }
  try {
    return assignment.kind === "belief"
      ? beliefResult(auditId, returned)
      : actionResult(auditId, returned);
  } catch (cause) {
    const problem = codeOf(cause) === undefined ? badResult(cut(textOf(cause))) : cause;
    return failedResult(auditId, "handler.bad-result", cut(textOf(problem)));
  }
}

/** The answer to an assignment whose signal aborted before its handler started. */
export function abortedResult(auditId: AuditId, signal: AbortSignal): Result {
  return failedResult(auditId, abortCode(signal), cut(textOf(signal.reason)));
}

/** The code of an error of ours; a handler may throw anything, even what throws when looked at. */
export function codeOf(cause: unknown): ErrorCode | undefined {
  try {
    return cause instanceof ServantError && cause.code !== "agent.internal"
      ? cause.code
      : undefined;
  } catch {
    return undefined;
  }
}

/** Calls the marked method. */
export function call({ instance, mark }: Handler, args: readonly unknown[]): unknown {
  const method = (instance as Record<string | symbol, unknown>)[mark.method];
  if (typeof method !== "function") {
    throw new ServantError("handler.threw", `Cannot call "${String(mark.method)}": no method`);
  }
  return method.apply(instance, args);
}

/** How an optional parameter that is left out arrives; "None" is how Python writes it. */
const ABSENT: readonly unknown[] = [undefined, null, "", "None"];

/** A number or a truth value, written out. */
const WRITTEN = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false)$/;

/** A backend that only knows names of objects sends a number as its text: `refused` says which. */
function withReadTexts(params: JsonObject, refused: readonly Issue[]): JsonObject {
  const names = refused.map(({ path }) => path?.[0]);
  const read = ([name, value]: [string, Json]) => {
    const isText = typeof value === "string" && names.includes(name) && WRITTEN.test(value);
    return [name, isText ? (JSON.parse(value) as Json) : value];
  };
  return Object.fromEntries(Object.entries(params).map(read));
}

/** A transition's parameters arrive as names and become references; a schema checks its own. */
export function toParams(mark: HandlerMark, params: JsonObject): unknown {
  if (mark.kind !== "action" && mark.kind !== "reconcile") return params;
  if (mark.transition === undefined) {
    if (mark.schema === undefined) return params;
    const checked = mark.schema.safeParse(params);
    if (checked.success) return checked.data;
    const read = mark.schema.safeParse(withReadTexts(params, issuesOf(checked.error)));
    if (read.success) return read.data;
    throw badParams(mark.name, schemaProblem(checked.error));
  }
  const references = mark.transition.def.params.flatMap(({ name, type, optional }) => {
    const value = params[name];
    const object = isJsonObject(value) ? value.name : value;
    if (optional && ABSENT.includes(object)) return [];
    if (typeof object !== "string" || object === "") {
      const found = value === undefined ? "it is missing" : `it is ${JSON.stringify(value)}`;
      throw badParams(mark.name, `parameter "${name}" must name a ${type}, ${found.slice(0, 200)}`);
    }
    return [[name, objectRef(object, type)] as const];
  });
  return Object.fromEntries(references);
}

interface SchemaError {
  readonly message: string;
  readonly issues?: unknown;
}
interface Issue {
  readonly path?: readonly unknown[];
  readonly message?: string;
}

/** None of a schema that is not zod's. */
function issuesOf({ issues }: SchemaError): readonly Issue[] {
  return Array.isArray(issues) ? (issues as Issue[]) : [];
}

/** zod's own message is a page of JSON; its issues say the same in a line each. */
function schemaProblem(error: SchemaError): string {
  const issues = issuesOf(error);
  if (issues.length === 0) return error.message;
  return issues
    .map(({ path = [], message = "" }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`,
    )
    .join("; ");
}

function badParams(name: string, reason: string): ServantError {
  return new ServantError("assignment.bad-params", `Cannot do "${name}": ${reason}`);
}

function actionResult(auditId: AuditId, returned: unknown): Result {
  if (returned === undefined || returned === null) return emptyResult(auditId, true);
  if (typeof returned === "boolean") return emptyResult(auditId, returned);
  if (typeof returned !== "object" || Array.isArray(returned)) {
    throw badResult(`returned ${kindOf(returned)}`);
  }
  const { success, message, telemetry, observed } = returned as Record<string, unknown>;
  if (typeof success !== "boolean") {
    const way = "return { success: true, telemetry: { ... } }";
    throw badResult(`returned an object without boolean "success": ${way}`);
  }
  return {
    ...emptyResult(auditId, success, toMessage(message)),
    telemetry: toTelemetry(telemetry),
    observed: toObservations(observed),
  };
}

const BELIEF_KINDS: readonly unknown[] = ["acquired", "sole", "unchecked", "failed"];

function beliefResult(auditId: AuditId, returned: unknown): Result {
  const marked = typeof returned === "object" && returned !== null && BELIEF_RESULT in returned;
  if (!marked) throw badResult(`a belief returned ${kindOf(returned)}, not a BeliefResult`);
  const { kind, observed, message } = returned as Record<string, unknown>;
  if (!BELIEF_KINDS.includes(kind)) throw badResult("a BeliefResult of an unknown kind");
  const observations = toObservations(observed);
  const exclusive = kind === "sole" ? observations.map((each) => atomParts(each.atom).fluent) : [];
  return {
    ...emptyResult(auditId, kind !== "failed", toMessage(message)),
    observed: observations,
    exclusive,
    unchecked: kind === "unchecked",
  };
}

/** Any value as the message of a result. */
export function toMessage(message: unknown): string {
  if (message === undefined || message === null) return "";
  return cut(typeof message === "string" ? message : textOf(message));
}

/**
 * Telemetry must survive JSON: cycles, BigInts and functions are the handler's fault. Bytes and
 * typed arrays travel by their mark, and are bytes again wherever a reader can take them.
 */
function toTelemetry(telemetry: unknown): Json {
  if (telemetry === undefined || telemetry === null) return {};
  let text: string | undefined;
  try {
    text = JSON.stringify(isBytes(telemetry) ? { value: telemetry } : telemetry, bytesAsText);
  } catch (cause) {
    throw badResult(`its telemetry is not JSON: ${textOf(cause).split("\n")[0]}`);
  }
  if (text === undefined) throw badResult(`its telemetry is ${kindOf(telemetry)}`);
  if (text.length > TELEMETRY_MAX_CHARS) {
    throw badResult(`its telemetry has ${text.length} characters, over ${TELEMETRY_MAX_CHARS}`);
  }
  const plain = JSON.parse(text) as Json;
  if (!isNestedWithin(plain)) {
    throw badResult(`its telemetry nests deeper than ${JSON_DEPTH_MAX} levels`);
  }
  return plain;
}

function toObservations(observed: unknown): Observation[] {
  if (observed === undefined || observed === null) return [];
  if (Array.isArray(observed)) {
    return observed.map((each) => ({ atom: observedAtom(each), holds: true }));
  }
  // A Map, or a promise nobody awaited, has no entries: it must not pass for nothing seen.
  if (!isRecord(observed)) throw badResult(`"observed" is ${kindOf(observed)}`);
  return Object.entries(observed).map(([text, holds]) => {
    if (typeof holds !== "boolean") throw badResult(`"observed" says ${kindOf(holds)} of ${text}`);
    return { atom: observedAtom(text), holds };
  });
}

function observedAtom(text: unknown): Atom {
  if (typeof text !== "string") throw badResult(`"observed" has ${kindOf(text)} for an atom`);
  try {
    return parseAtom(text);
  } catch (cause) {
    throw badResult(textOf(cause));
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

export function badResult(reason: string): ServantError {
  return new ServantError("handler.bad-result", `Cannot use the handler's result: ${reason}`);
}

function abortCode(signal: AbortSignal): "handler.timeout" | "handler.cancelled" {
  const reason: unknown = signal.reason;
  return reason instanceof ServantError && reason.code === "handler.timeout"
    ? "handler.timeout"
    : "handler.cancelled";
}

/** "an array", "a number": what a value that is none of ours is. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (value instanceof Promise) return "a promise: await it";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** `messageOf`, and text even where an error's own message is none. */
function textOf(cause: unknown): string {
  const said: unknown = messageOf(cause);
  if (typeof said === "string") return said;
  return typeof said === "object" ? "an error without a message" : String(said);
}

/** Where it was thrown, as far as it tells; never throws itself. */
export function stackOf(cause: unknown): string {
  try {
    const stack: unknown = cause instanceof Error ? cause.stack : undefined;
    return typeof stack === "string" ? cut(stack) : cut(textOf(cause));
  } catch {
    return cut(textOf(cause));
  }
}

function cut(text: string): string {
  return text.length <= MESSAGE_MAX_CHARS ? text : `${text.slice(0, MESSAGE_MAX_CHARS)}...`;
}
