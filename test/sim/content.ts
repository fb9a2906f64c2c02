/** What assignments and results say, as texts to compare. Each is frozen, so its text stays true. */
import type { Assignment, Result } from "../../src/core/assignment.ts";
import { canonicalJson } from "../../src/core/json.ts";

/** Putting them into words costs more than all else that is checked: each is done once. */
const texts = new WeakMap<object, string>();

/** One text for each content of an assignment. */
export function contentOf(assignment: Assignment): string {
  return textOf(assignment, canonicalJson);
}

/** Everything a result says but its audit id. */
export function outcomeOf(result: Result): string {
  return textOf(result, inWords);
}

function textOf<T extends object>(value: T, write: (value: T) => string): string {
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = write(value);
  if (Object.isFrozen(value)) texts.set(value, text);
  return text;
}

function inWords(result: Result): string {
  const { success, code, message, interruption, unchecked, telemetry } = result;
  const observed = result.observed.map(({ atom, holds }) => `${atom}=${holds}`);
  const words = [success, unchecked, code, interruption, message, result.exclusive, ...observed];
  return `${words.join("|")}|${JSON.stringify(telemetry)}`;
}

/** Neither the value nor anything in it can be changed from here on. */
export function frozen<T extends object>(value: T): T {
  for (const each of Object.values(value)) {
    if (typeof each === "object" && each !== null) frozen(each);
  }
  return Object.freeze(value);
}
