/**
 * When two objects of a type are one. Its domain may say so. Where no domain does, what has a
 * latitude and a longitude is one with what carries the same: latitude, longitude, frame, altitude,
 * depth. What has no such place never merges.
 */
import type { ObjectDef } from "../core/domain.ts";
import { canonicalJson, type Json } from "../core/json.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Equal for objects that are one; undefined for what is only itself. */
export function identityOf(
  object: ObjectDef,
  { domains, types }: Pick<Vocabulary, "domains" | "types">,
): string | undefined {
  const { type, fields } = object;
  const own = domains.find(
    (domain) => domain.identity !== undefined && domain.types.some(({ name }) => name === type),
  );
  if (own?.identity !== undefined) {
    const said = own.identity(object);
    return said === undefined ? undefined : `${type} ${said}`;
  }
  const { latitude, longitude } = fields;
  if (typeof latitude !== "number" || typeof longitude !== "number") return undefined;
  const declared = Object.keys(types.get(type)?.fields ?? {});
  const values = declared.map((field): Json => fields[field] ?? null);
  return `${type} ${canonicalJson(values)}`;
}
