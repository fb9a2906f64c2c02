/** What a person should know of a parameter, from its schema; each note on one line. */
import type { Json, JsonObject } from "../core/json.ts";
import { meaningOf } from "./quantities.ts";

const NOTE_MAX_CHARS = 400;

/** Its description, its limits, and the unit that OSC2 has no word for. */
export function notesOf(schema: JsonObject): string[] {
  const { description, pattern, unit } = schema;
  const notes = typeof description === "string" ? [description] : [];
  if (typeof unit === "string" && meaningOf(unit).is === "unknown") notes.push(`in ${unit}`);
  const limits = limitsOf(schema);
  if (limits !== undefined) notes.push(limits);
  if (typeof pattern === "string") notes.push(`as ${pattern}`);
  return notes.map(oneLine).filter((note) => note !== "");
}

/** A comment ends with its line, whatever a machine takes for one. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  return plain.length <= NOTE_MAX_CHARS ? plain : `${plain.slice(0, NOTE_MAX_CHARS - 3)}...`;
}

function limitsOf(schema: JsonObject): string | undefined {
  const { exclusiveMaximum, exclusiveMinimum, maximum, minimum } = schema;
  const low = limit("at least", minimum) ?? limit("above", exclusiveMinimum);
  const high = limit("at most", maximum) ?? limit("below", exclusiveMaximum);
  const told = [low, high].filter((each) => each !== undefined);
  return told.length === 0 ? undefined : told.join(", ");
}

function limit(word: string, value: Json | undefined): string | undefined {
  // Every integer has the limits of a safe one.
  if (typeof value !== "number" || Math.abs(value) >= Number.MAX_SAFE_INTEGER) return undefined;
  return `${word} ${value}`;
}
