/** What may be created as an object: its name, its type, the values it carries. */

import type { FieldKind, ObjectDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { canonicalJson, type Json } from "../core/json.ts";
import type { Vocabulary } from "./vocabulary.ts";

export const NAME_CHARACTERS_MAX = 200;
/** A name stands in atoms, in URLs and in files: no spaces, slashes, commas or parentheses. */
const NAME = /^\w[\w.:-]*$/;
/** On the wire this text stands for an absent parameter. */
const ABSENT = "None";

/**
 * The object as it may enter the world: only declared fields, each of its kind.
 *
 * @throws {ServantError} `object.invalid`, or `object.conflict` when `known` differs.
 */
export function checkObject(
  { name, type, fields }: ObjectDef,
  vocabulary: Vocabulary,
  known: ObjectDef | undefined,
): ObjectDef {
  if (!NAME.test(name) || name.length > NAME_CHARACTERS_MAX || name === ABSENT) {
    throw invalid(name, "use letters, digits, _ . : - and at most 200 characters");
  }
  const declared = vocabulary.type(type);
  if (vocabulary.types.has(name)) {
    throw invalid(name, "an object may not have the name of a type");
  }
  const kept = Object.entries(declared.fields).flatMap(([field, kind]): [string, Json][] => {
    const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (value === undefined || value === null) return [];
    if (!isKind(value, kind)) throw invalid(name, `its field "${field}" is no ${kind}`);
    return [[field, value]];
  });
  if (known === undefined) return { name, type, fields: Object.fromEntries(kept) };
  // Naming a known object again is no conflict, nor is leaving out what it carries.
  const differs = kept.some(
    ([field, value]) => canonicalJson(value) !== canonicalJson(known.fields[field] ?? null),
  );
  if (known.type !== type || differs) {
    throw new ServantError(
      "object.conflict",
      `Cannot create "${name}": there is a ${known.type} of that name with other content`,
    );
  }
  return known;
}

function isKind(value: Json, kind: FieldKind): boolean {
  if (kind === "json") return true;
  const actual: string = typeof value;
  return actual === kind;
}

function invalid(name: string, reason: string): ServantError {
  return new ServantError(
    "object.invalid",
    `Cannot create object "${name.slice(0, NAME_CHARACTERS_MAX)}": ${reason}`,
  );
}
