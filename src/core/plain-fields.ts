/** What a plugin logs or tells along with its words, fit to be sent: nothing of it may fail the handler. */
import { bytesAsText } from "./bytes.ts";
import { messageOf } from "./errors.ts";
import { isJsonObject, isNestedWithin, type Json, type JsonObject } from "./json.ts";

/** A plugin in JavaScript says what it likes. */
export function textOf(message: unknown): string {
  return typeof message === "string" ? message : String(messageOf(message));
}

/** What is not JSON is told as text; bytes travel by their mark. */
export function plainFields(fields: unknown): JsonObject {
  try {
    const plain = JSON.parse(JSON.stringify(fields ?? {}, bytesAsText)) as Json;
    if (!isNestedWithin(plain)) return { unprintable: "it nests too deep" };
    return isJsonObject(plain) ? plain : { value: plain };
  } catch (cause) {
    return { unprintable: textOf(cause) };
  }
}
