/** A run's record for those who look at it while it goes: of many tries the last ones. */
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";

const LISTS = ["results", "steps"] as const;

/** Of each list of tries the last so many; `earlier` tells how many more there are before them. */
export function shortened(record: JsonObject, last: number): JsonObject {
  const short: Record<string, Json> = { ...record };
  for (const key of LISTS) {
    const list = record[key];
    if (!Array.isArray(list)) continue;
    const kept = list.slice(Math.max(list.length - last, 0));
    short[key] = kept.map((each: Json) => (isJsonObject(each) ? shortened(each, last) : each));
    if (list.length > last) short.earlier = list.length - last;
  }
  return short;
}
