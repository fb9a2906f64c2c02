/** Reads a command's parameters from the command line. */
import { messageOf, ServantError } from "../../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";

/**
 * `volume=5 well=A1 'options={"slow":true}'`: JSON where it is JSON, else text. One word may be the
 * whole object.
 *
 * @throws {ServantError} `usage.invalid`
 */
export function paramsFrom(words: readonly string[]): JsonObject {
  const [first = ""] = words;
  if (words.length === 1 && first.startsWith("{")) return wholeObject(first);
  const params = new Map<string, Json>();
  for (const word of words) {
    const at = word.indexOf("=");
    const key = word.slice(0, at).trim();
    if (at < 1 || key === "") throw bad(word, "write it as key=value");
    if (params.has(key)) throw bad(word, `"${key}" is given twice`);
    params.set(key, readValue(word.slice(at + 1)));
  }
  return Object.fromEntries(params);
}

function wholeObject(text: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw bad(text, messageOf(cause));
  }
  if (isJsonObject(value)) return value;
  throw bad(text, "it is no object");
}

function readValue(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function bad(word: string, reason: string): ServantError {
  return new ServantError("usage.invalid", `Cannot read "${word.slice(0, 200)}": ${reason}`);
}
