/**
 * Arguments of a scenario's action. OSC2 has types that msgpack has not; what came tells them apart,
 * since a list of OSC2 holds one type only. Quantities are bare numbers of the SI base unit, and the
 * same one comes as an integer or with a fraction, as its author wrote it: both are numbers here.
 */
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";

export type Argument =
  /** A parameter without a default that was not given. */
  | { readonly kind: "nil" }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** A count, a quantity in SI units, a ratio. */
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  /** A member of an enumeration, and its number. */
  | { readonly kind: "enum"; readonly name: string; readonly number: number }
  | { readonly kind: "list"; readonly items: readonly Argument[] }
  /** Its fields with their defaults; of an actor also its `name` in the scenario. */
  | { readonly kind: "struct"; readonly fields: ReadonlyMap<string, Argument> };

/** What an action is executed with: `exec` wins where both name it, also with nil. */
export function mergedArguments(init: JsonObject, exec: JsonObject): JsonObject {
  return { ...init, ...exec };
}

/** The value as what it is in OSC2. */
export function argumentOf(value: Json): Argument {
  if (value === null) return { kind: "nil" };
  if (typeof value === "boolean") return { kind: "boolean", value };
  if (typeof value === "number") return { kind: "number", value };
  if (typeof value === "string") return { kind: "text", value };
  if (isEnumMember(value)) return { kind: "enum", name: value[0], number: value[1] };
  if (isJsonObject(value)) {
    const fields = Object.entries(value).map(([name, each]) => [name, argumentOf(each)] as const);
    return { kind: "struct", fields: new Map(fields) };
  }
  return { kind: "list", items: (value as readonly Json[]).map(argumentOf) };
}

/**
 * The arguments as handlers of every dialect take parameters: a member of an enumeration is its
 * name, and what was not given is left out, so that a schema's default holds. In a list nil keeps its
 * place.
 */
export function paramsOf(args: JsonObject): JsonObject {
  const given = Object.entries(args).filter(([, value]) => isGiven(value));
  return Object.fromEntries(given.map(([name, value]) => [name, paramOf(value)]));
}

function paramOf(value: Json): Json {
  if (isEnumMember(value)) return value[0];
  if (isJsonObject(value)) return paramsOf(value);
  return Array.isArray(value) ? value.map(paramOf) : value;
}

/** A struct that was not given comes as its fields, each nil; so does a whole list of structs. */
function isGiven(value: Json): boolean {
  if (!isJsonObject(value)) return value !== null;
  const fields = Object.values(value);
  return fields.length === 0 || fields.some(isGiven);
}

function isEnumMember(value: Json): value is readonly [string, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  return typeof value[0] === "string" && Number.isSafeInteger(value[1]);
}
