/** What may be an object: its name, its type, the values it carries. */
import type { FieldKind, ObjectDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { canonicalJson, type Json } from "../core/json.ts";
import type { Vocabulary } from "./vocabulary.ts";

export const NAME_CHARACTERS_MAX = 200;
/** A name stands in atoms, in URLs and in files: no spaces, slashes, commas or parentheses. */
const NAME = /^\w[\w.:-]*$/;
/** On the wire this text stands for an absent parameter. */
const ABSENT = "None";

/** @throws {ServantError} `object.invalid` */
export function checkName(name: string, { types }: Vocabulary): void {
  if (!NAME.test(name) || name.length > NAME_CHARACTERS_MAX || name === ABSENT) {
    throw invalid(name, "use letters, digits, _ . : - and at most 200 characters");
  }
  if (types.has(name)) throw invalid(name, "an object may not have the name of a type");
}

/**
 * The declared fields that have a value, each of its kind.
 *
 * @throws {ServantError} `object.invalid`, or `object.conflict` when `known` differs. Naming a known
 *   object again is no conflict, nor is leaving out what it carries.
 */
export function checkFields(
  { name, type, fields }: ObjectDef,
  vocabulary: Vocabulary,
  known: ObjectDef | undefined,
): Record<string, Json> {
  const kept: [string, Json][] = [];
  for (const [field, kind] of Object.entries(vocabulary.type(type).fields)) {
    const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (value === undefined || value === null) continue;
    if (!isKind(value, kind)) throw invalid(name, `its field "${field}" is no ${kind}`);
    kept.push([field, value]);
  }
  const differs = kept.some(
    ([field, value]) => canonicalJson(value) !== canonicalJson(known?.fields[field] ?? null),
  );
  if (known !== undefined && (known.type !== type || differs)) {
    throw new ServantError(
      "object.conflict",
      `Cannot create "${name}": there is a ${known.type} of that name with other content`,
    );
  }
  return Object.fromEntries(kept);
}

/** @throws {ServantError} `object.invalid` when a domain that declares its type has no use for it */
export function checkUse(object: ObjectDef, { domains }: Vocabulary): void {
  for (const { types, checkObject } of domains) {
    if (types.some(({ name }) => name === object.type)) checkObject?.(object);
  }
}

function isKind(value: Json, kind: FieldKind): boolean {
  if (kind === "json") return true;
  if (kind === "number") return Number.isFinite(value);
  const actual: string = typeof value;
  return actual === kind;
}

function invalid(name: string, reason: string): ServantError {
  const shown = name.slice(0, NAME_CHARACTERS_MAX);
  return new ServantError("object.invalid", `Cannot use object "${shown}": ${reason}`);
}
