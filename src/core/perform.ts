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
import { messageOf, ServantError } from "./errors.ts";
import { BELIEF_RESULT, type HandlerContext, type HandlerMark } from "./handlers.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import type { Handler, Plugin } from "./plugin.ts";
import { objectRef } from "./vocabulary.ts";

/** The largest telemetry of one result, in characters of JSON. */
export const TELEMETRY_MAX_CHARS = 4 * 1024 * 1024;
/** The longest message of one result, in characters; the rest is cut. */
export const MESSAGE_MAX_CHARS = 64 * 1024;

/** Never rejects: see the file's first lines. */
export async function perform(
  plugin: Plugin,
  assignment: Assignment,
  ctx: HandlerContext,
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
  try {
    if (assignment.kind === "belief") {
      return beliefResult(auditId, await call(handler, [ctx]));
    }
    const params = toParams(handler.mark, assignment.params);
    return actionResult(auditId, await call(handler, [params, ctx]));
  } catch (cause) {
    if (cause instanceof ServantError && cause.code !== "agent.internal") {
      return failedResult(auditId, cause.code, cut(cause.message));
    }
    if (ctx.signal.aborted) {
      return failedResult(auditId, abortCode(ctx.signal), cut(messageOf(cause)));
    }
    ctx.log.error(stackOf(cause));
    return failedResult(auditId, "handler.threw", cut(messageOf(cause)));
  }
}

function call({ instance, mark }: Handler, args: readonly unknown[]): unknown {
  const method = (instance as Record<string | symbol, unknown>)[mark.method];
  if (typeof method !== "function") {
    throw new ServantError("handler.threw", `Cannot call "${String(mark.method)}": no method`);
  }
  return method.apply(instance, args);
}

/** A transition's parameters arrive as names and become references; a schema checks its own. */
function toParams(mark: HandlerMark, params: JsonObject): unknown {
  if (mark.kind !== "action") return params;
  if (mark.transition === undefined) {
    if (mark.schema === undefined) return params;
    const checked = mark.schema.safeParse(params);
    if (checked.success) return checked.data;
    throw badParams(mark.name, checked.error.message.replace(/\s+/g, " ").trim());
  }
  const references = mark.transition.def.params.map(({ name, type }) => {
    const value = params[name];
    const object = isJsonObject(value) ? value.name : value;
    if (typeof object !== "string" || object === "") {
      const found = value === undefined ? "it is missing" : `it is ${JSON.stringify(value)}`;
      throw badParams(mark.name, `parameter "${name}" must name a ${type}, ${found.slice(0, 200)}`);
    }
    return [name, objectRef(object, type)] as const;
  });
  return Object.fromEntries(references);
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
  if (typeof success !== "boolean") throw badResult('returned an object without boolean "success"');
  return {
    ...emptyResult(auditId, success, toMessage(message)),
    telemetry: toTelemetry(telemetry),
    observed: toObservations(observed),
  };
}

function beliefResult(auditId: AuditId, returned: unknown): Result {
  const marked = typeof returned === "object" && returned !== null && BELIEF_RESULT in returned;
  if (!marked) throw badResult(`a belief returned ${kindOf(returned)}, not a BeliefResult`);
  const { kind, observed, message } = returned as Record<string, unknown>;
  const observations = toObservations(observed);
  const exclusive = kind === "sole" ? observations.map((each) => atomParts(each.atom).fluent) : [];
  return {
    ...emptyResult(auditId, kind !== "failed", toMessage(message)),
    observed: observations,
    exclusive,
    unchecked: kind === "unchecked",
  };
}

function toMessage(message: unknown): string {
  if (message === undefined || message === null) return "";
  return cut(typeof message === "string" ? message : messageOf(message));
}

/** Telemetry must survive JSON: cycles, BigInts and functions are the handler's fault. */
function toTelemetry(telemetry: unknown): Json {
  if (telemetry === undefined || telemetry === null) return {};
  let text: string | undefined;
  try {
    text = JSON.stringify(telemetry);
  } catch (cause) {
    throw badResult(`its telemetry is not JSON: ${messageOf(cause).split("\n")[0]}`);
  }
  if (text === undefined) throw badResult(`its telemetry is ${kindOf(telemetry)}`);
  if (text.length > TELEMETRY_MAX_CHARS) {
    throw badResult(`its telemetry has ${text.length} characters, over ${TELEMETRY_MAX_CHARS}`);
  }
  const plain = JSON.parse(text) as Json;
  return isJsonObject(plain) ? plain : { value: plain };
}

function toObservations(observed: unknown): Observation[] {
  if (observed === undefined || observed === null) return [];
  if (Array.isArray(observed)) {
    return observed.map((each) => ({ atom: observedAtom(each), holds: true }));
  }
  if (typeof observed !== "object") throw badResult(`"observed" is ${kindOf(observed)}`);
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
    throw badResult(messageOf(cause));
  }
}

function badResult(reason: string): ServantError {
  return new ServantError("handler.bad-result", `Cannot use the handler's result: ${reason}`);
}

function abortCode(signal: AbortSignal): "handler.timeout" | "handler.cancelled" {
  const reason: unknown = signal.reason;
  return reason instanceof ServantError && reason.code === "handler.timeout"
    ? "handler.timeout"
    : "handler.cancelled";
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function stackOf(cause: unknown): string {
  const stack = cause instanceof Error ? cause.stack : undefined;
  return typeof stack === "string" ? cut(stack) : messageOf(cause);
}

function cut(text: string): string {
  return text.length <= MESSAGE_MAX_CHARS ? text : `${text.slice(0, MESSAGE_MAX_CHARS)}...`;
}
