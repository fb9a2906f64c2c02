/**
 * DYNOS over HTTP, as data: what the servant and the backend send each other. One schema is the
 * type, the check and the documentation. Loose towards peers: unknown members pass. The schemas
 * are zod's small ones: an agent on a vehicle keeps them in memory for months.
 */
import * as z from "zod/mini";
import type { Assignment, AuditId, Result } from "../core/assignment.ts";
import { type Atom, parseAtom } from "../core/atom.ts";
import type { Json } from "../core/json.ts";
import type { Delivery, Offer } from "../core/ports.ts";

export const DEFAULT_PORT = 8421;
/** How long a servant asks a backend to hold an empty poll, in seconds (RFC 7240, `Prefer`). */
export const HOLD_S = 25;

/** A member that may hold anything: what `JSON.parse` gave is JSON, and need not be walked again. */
export const JsonValue: z.ZodMiniType<Json> = z.custom<Json>((value) => value !== undefined);
/** Text that says something. */
const Text = z.string().check(z.minLength(1));
const JsonRecord = z.record(z.string(), JsonValue);

export const ActionAssignment = z.looseObject({
  kind: z.nullish(z.literal("action")),
  audit_id: Text,
  transition_name: Text,
  params_json: z.nullish(JsonRecord),
});
export const BeliefAssignment = z.looseObject({
  kind: z.literal("belief"),
  audit_id: Text,
  fluent_name: Text,
});
/** Absent and null are both none. */
const Names = z.pipe(
  z.nullish(z.array(z.string())),
  z.transform((names) => names ?? []),
);
export const RegisterRequest = z.looseObject({
  transitions: z.array(z.string()),
  beliefs: Names,
  domain_modules: Names,
  anonymous_actions: Names,
});
export type RegisterRequest = z.infer<typeof RegisterRequest>;
export const RegisterReply = z.looseObject({ servant_id: Text });

/** The answer to an action or a belief: a belief's has is_unchecked and exclusive_fluents. */
export const WireResult = z.looseObject({
  audit_id: z.string(),
  success: z.boolean(),
  message: z._default(z.string(), ""),
  telemetry: z.optional(JsonValue),
  /** `[]` when a Python belief raised. */
  observed_state: z.nullish(z.union([z.record(z.string(), z.boolean()), z.array(z.string())])),
  is_unchecked: z._default(z.boolean(), false),
  exclusive_fluents: z._default(z.array(z.string()), []),
});
export type WireResult = z.infer<typeof WireResult>;

export const AtomsOf = {
  start: z.looseObject({ start: z.array(z.string()) }),
  goal: z.looseObject({ goal: z.array(z.string()) }),
  state: z.looseObject({ state: z.array(z.string()) }),
};
export const PlanRequest = z.looseObject({
  relax: z._default(z.boolean(), false),
  time_budget_s: z.optional(z.number().check(z.positive(), z.maximum(3600))),
});
export const TriggerRequest = z.looseObject({
  action: Text,
  params: z.nullish(JsonRecord),
});
export const CreateObject = z.looseObject({
  type: Text,
  name: Text,
});

/**
 * An assignment of the wire as the core's; undefined when it is none. `"None"` and null stand for
 * an absent parameter.
 */
export function toAssignment(body: unknown): Assignment | undefined {
  if ((body as { kind?: unknown } | null)?.kind === "belief") {
    const { data } = BeliefAssignment.safeParse(body);
    return data && { kind: "belief", auditId: data.audit_id as AuditId, fluent: data.fluent_name };
  }
  const { data } = ActionAssignment.safeParse(body);
  if (data === undefined) return undefined;
  const params = Object.entries(data.params_json ?? {}).filter(
    ([, value]) => value !== null && value !== "None",
  );
  return {
    kind: "action",
    auditId: data.audit_id as AuditId,
    transition: data.transition_name,
    params: Object.fromEntries(params),
  };
}

export function toRegisterRequest(offer: Offer): RegisterRequest {
  return {
    transitions: [...offer.transitions],
    beliefs: [...offer.fluents],
    domain_modules: [...offer.domainModules],
    anonymous_actions: [],
  };
}

/** A result as DYNOS wants it: an error code travels in the telemetry and in the message. */
export function fromDelivery({ kind, result }: Delivery): WireResult {
  const { auditId, success, code } = result;
  const message =
    code === undefined || result.message.startsWith(code)
      ? result.message
      : `${code}: ${result.message}`;
  const observed = Object.fromEntries(result.observed.map(({ atom, holds }) => [atom, holds]));
  const telemetry = code === undefined ? result.telemetry : withCode(result.telemetry, code);
  const wire: WireResult = {
    audit_id: auditId,
    success,
    message,
    is_unchecked: result.unchecked,
    exclusive_fluents: [...result.exclusive],
  };
  if (kind === "belief") {
    return {
      ...wire,
      observed_state: observed,
      ...(code === undefined ? {} : { telemetry }),
    };
  }
  const { is_unchecked: _unchecked, exclusive_fluents: _exclusive, ...plain } = wire;
  return {
    ...plain,
    ...(isEmpty(telemetry) ? {} : { telemetry }),
    ...(result.observed.length === 0 ? {} : { observed_state: observed }),
  } as WireResult;
}

/** A result of the wire as the core's. @throws {ServantError} `atom.malformed` */
export function toResult(wire: WireResult): Result {
  const observed = wire.observed_state ?? {};
  const pairs: [string, boolean][] = Array.isArray(observed)
    ? observed.map((text) => [text, true])
    : Object.entries(observed);
  return {
    auditId: wire.audit_id as AuditId,
    success: wire.success,
    message: wire.message,
    telemetry: wire.telemetry ?? {},
    observed: pairs.map(([text, holds]) => ({ atom: parseAtom(text), holds })),
    exclusive: wire.exclusive_fluents,
    unchecked: wire.is_unchecked,
  };
}

export function toAtoms(texts: readonly string[]): Atom[] {
  return texts.map(parseAtom);
}

function withCode(telemetry: Json, code: string): Json {
  return typeof telemetry === "object" && telemetry !== null && !Array.isArray(telemetry)
    ? { ...telemetry, code }
    : { value: telemetry, code };
}

function isEmpty(telemetry: Json): boolean {
  return (
    telemetry === null || (typeof telemetry === "object" && Object.keys(telemetry).length === 0)
  );
}
