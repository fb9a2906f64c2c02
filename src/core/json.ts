/** JSON values, as they stand on a wire and in the journal. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/** True for a plain JSON object: neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One text for each value, whatever the order of its keys: equal values have equal texts. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_key, inner: Json) =>
    isJsonObject(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** True when its JSON has about so many characters at most; looks at no more of it than that. */
export function isShorterThan(value: Json, chars: number): boolean {
  return remainder(value, chars) > 0;
}

/** What is left of so many characters; characters that are escaped count as one. */
function remainder(value: Json, chars: number): number {
  if (typeof value === "string") return chars - value.length - 2;
  if (typeof value !== "object" || value === null) return chars - String(value).length;
  let left = chars - 2;
  for (const name in value) {
    if (left <= 0) return left;
    left = remainder((value as JsonObject)[name] ?? null, left - name.length - 4);
  }
  return left;
}

/** The deepest nesting that is taken from anybody: writing deeper JSON overflows the stack. */
export const JSON_DEPTH_MAX = 200;

/** True when arrays and objects nest at most `levels` deep. Works on any depth itself. */
export function isNestedWithin(value: Json, levels = JSON_DEPTH_MAX): boolean {
  let level: Json[] = [value];
  for (let depth = 0; depth <= levels; depth++) {
    const inner: Json[] = [];
    for (const each of level) {
      if (typeof each !== "object" || each === null) continue;
      for (const member of Object.values(each)) inner.push(member);
    }
    if (inner.length === 0) return true;
    level = inner;
  }
  return level.every((each) => typeof each !== "object" || each === null);
}
