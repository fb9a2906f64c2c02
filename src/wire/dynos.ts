/**
 * DYNOS over HTTP, as data: what the servant and the backend send each other. One schema is the
 * type, the check and the documentation. Loose towards peers: unknown members pass. The schemas
 * are zod's small ones: an agent on a vehicle keeps them in memory for months.
 */
import * as z from "zod/mini";
import type { Assignment, AuditId, Result } from "../core/assignment.ts";
import { type Atom, parseAtom } from "../core/atom.ts";
import { isErrorCode } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { Delivery, Offer } from "../core/ports.ts";

export const DEFAULT_PORT = 8421;
/** How long a servant asks a backend to hold an empty poll, in seconds (RFC 7240, `Prefer`). */
export const HOLD_S = 25;

/** What a poll of ours asks for, and what a backend that heeds it answers. Plain ones ignore it. */
export const TAKES_HEADER = "Servant-Takes";
/** The audit ids that a servant has, some of them at least: what was handed out and is not here was lost. */
export const HOLDS_HEADER = "Servant-Holds";
/** More audit ids are not sent, nor read; nor longer ones, in characters. */
export const HOLDS_MAX = 16;
const HELD_ID_MAX_CHARS = 200;

/** What can be handed out on one poll. */
export interface Takes {
  readonly actions: boolean;
  readonly beliefs: boolean;
  readonly cancels: boolean;
}
const TAKES = { actions: "action", beliefs: "belief", cancels: "cancel" } as const;

/** `action, belief, cancel` */
export function takesText(takes: Takes): string {
  const kinds = ["actions", "beliefs", "cancels"] as const;
  return kinds.flatMap((kind) => (takes[kind] ? TAKES[kind] : [])).join(", ");
}

/** Absent: the peer does not know the header. Kinds that nobody knows are passed over. */
export function parseTakes(header: string | null | undefined): Takes | undefined {
  if (header === null || header === undefined) return undefined;
  const named = header.toLowerCase().split(",");
  const has = (kind: string) => named.some((each) => each.trim() === kind);
  return {
    actions: has(TAKES.actions),
    beliefs: has(TAKES.beliefs),
    cancels: has(TAKES.cancels),
  };
}

/** Audit ids may be any text: each is percent-encoded. */
export function holdsText(auditIds: readonly AuditId[]): string {
  return auditIds
    .filter((each) => each.length <= HELD_ID_MAX_CHARS)
    .slice(0, HOLDS_MAX)
    .map((each) => encodeURIComponent(each.toWellFormed()))
    .join(", ");
}

/** Absent, or of no use: the servant does not say what it has. */
export function parseHolds(header: string | null | undefined): ReadonlySet<string> | undefined {
  if (header === null || header === undefined) return undefined;
  const named = header.split(",").map((each) => each.trim());
  if (named.length > HOLDS_MAX) return undefined;
  try {
    return new Set(named.filter((each) => each !== "").map(decodeURIComponent));
  } catch {
    return undefined; // broken escapes
  }
}

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
/**
 * Calls an assignment off. A backend sends it only to a servant that takes cancels, see `Takes`;
 * it comes again until the assignment is answered.
 */
export const CancelDirective = z.looseObject({
  kind: z.literal("cancel"),
  audit_id: Text,
  /** For people; one that is no text takes nothing away from the cancel. */
  reason: z.catch(z.string(), ""),
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

/**
 * A result as DYNOS wants it: an error code travels in the telemetry and in the message, beside it
 * how the result of an action that was cut off came about.
 */
export function fromDelivery({
  kind,
  result,
}: Pick<Delivery, "kind" | "result"> & Partial<Delivery>): WireResult {
  const { auditId, success, code, interruption } = result;
  const message =
    code === undefined || result.message.startsWith(code)
      ? result.message
      : `${code}: ${result.message}`;
  const observed = Object.fromEntries(result.observed.map(({ atom, holds }) => [atom, holds]));
  const marks = {
    ...(code === undefined ? {} : { code }),
    ...(interruption === undefined ? {} : { interruption }),
  };
  const telemetry = withMarks(result.telemetry, marks);
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
      ...(isEmpty(marks) ? {} : { telemetry }),
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
    ...marksOf(wire.telemetry ?? null),
  };
}

export function toAtoms(texts: readonly string[]): Atom[] {
  return texts.map(parseAtom);
}

type Marks = Pick<Result, "code" | "interruption">;
const Interruption = z.enum(["failed", "rerun", "done", "not-done", "partly"]);

/** An object, as the public client demands it. */
function withMarks(telemetry: Json, marks: Marks): JsonObject {
  return isJsonObject(telemetry) ? { ...telemetry, ...marks } : { value: telemetry, ...marks };
}

/** What a servant of ours says in the telemetry; anything else there is the plugin's own. */
function marksOf(telemetry: Json): Marks {
  if (!isJsonObject(telemetry)) return {};
  const { code } = telemetry;
  const interruption = Interruption.safeParse(telemetry.interruption).data;
  return {
    ...(isErrorCode(code) ? { code } : {}),
    ...(interruption === undefined ? {} : { interruption }),
  };
}

function isEmpty(telemetry: Json): boolean {
  return (
    telemetry === null || (typeof telemetry === "object" && Object.keys(telemetry).length === 0)
  );
}
