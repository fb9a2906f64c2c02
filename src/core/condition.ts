/**
 * What must hold, over atoms: a literal, or literals joined by and, or, not. In a definition its
 * atoms stand over parameters (`?start`); `bindCondition` puts objects in their places.
 */
import { type Atom, bindAtom } from "./atom.ts";

/** An atom and whether it is to hold. */
export interface Literal {
  readonly atom: Atom;
  readonly holds: boolean;
}
export type Condition =
  | Literal
  | { readonly and: readonly Condition[] }
  | { readonly or: readonly Condition[] }
  | { readonly not: Condition };

/** A condition as it is written: an atom by itself is one that holds. */
export type Wanted = Atom | Condition;

/** All of them hold; of none, always. */
export function and(...conditions: readonly Wanted[]): Condition {
  return { and: conditions.map(toCondition) };
}

/** One of them holds, or more; of none, never. */
export function or(...conditions: readonly Wanted[]): Condition {
  return { or: conditions.map(toCondition) };
}

/** It does not hold. Of an atom it is a literal. */
export function not(condition: Atom): Literal;
export function not(condition: Wanted): Condition;
export function not(condition: Wanted): Condition {
  return typeof condition === "string" ? { atom: condition, holds: false } : { not: condition };
}

export function toCondition(condition: Wanted): Condition {
  return typeof condition === "string" ? { atom: condition, holds: true } : condition;
}

/** True when the condition holds where `holds` says which atoms do. */
export function isMet(condition: Condition, holds: (atom: Atom) => boolean): boolean {
  if ("atom" in condition) return holds(condition.atom) === condition.holds;
  if ("not" in condition) return !isMet(condition.not, holds);
  if ("and" in condition) return condition.and.every((each) => isMet(each, holds));
  return condition.or.some((each) => isMet(each, holds));
}

/** The condition with objects in the places of its parameters. */
export function bindCondition(
  condition: Condition,
  parameters: Readonly<Record<string, string>>,
): Condition {
  const bind = (each: Condition) => bindCondition(each, parameters);
  if ("atom" in condition) {
    return { atom: bindAtom(condition.atom, parameters), holds: condition.holds };
  }
  if ("not" in condition) return { not: bind(condition.not) };
  if ("and" in condition) return { and: condition.and.map(bind) };
  return { or: condition.or.map(bind) };
}

/** Every atom that the condition is about. */
export function atomsOf(condition: Condition): readonly Atom[] {
  if ("atom" in condition) return [condition.atom];
  if ("not" in condition) return atomsOf(condition.not);
  return ("and" in condition ? condition.and : condition.or).flatMap(atomsOf);
}

/**
 * The ways in which a condition can hold: each a list of literals that hold together, none of which
 * contradicts another (disjunctive normal form).
 */
export function waysToHold(condition: Condition, holds = true): readonly (readonly Literal[])[] {
  if ("atom" in condition) return [[{ ...condition, holds: condition.holds === holds }]];
  if ("not" in condition) return waysToHold(condition.not, !holds);
  const [parts, isAll] = "and" in condition ? [condition.and, holds] : [condition.or, !holds];
  const ways = parts.map((part) => waysToHold(part, holds));
  if (!isAll) return ways.flat();
  return ways.reduce<readonly (readonly Literal[])[]>(
    (sofar, next) => sofar.flatMap((way) => next.flatMap((more) => together(way, more))),
    [[]],
  );
}

function together(way: readonly Literal[], more: readonly Literal[]): Literal[][] {
  const torn = more.some(({ atom, holds }) =>
    way.some((each) => each.atom === atom && each.holds !== holds),
  );
  const fresh = more.filter(({ atom }) => way.every((each) => each.atom !== atom));
  return torn ? [] : [[...way, ...fresh]];
}

/** In words: `robot_at(room_one) and not (holding(box_a) or holding(box_b))`. */
export function conditionText(condition: Condition): string {
  if ("atom" in condition) return `${condition.holds ? "" : "not "}${condition.atom}`;
  if ("not" in condition) return `not ${inBrackets(condition.not)}`;
  const [parts, word, ofNone] =
    "and" in condition ? [condition.and, " and ", "always"] : [condition.or, " or ", "never"];
  return parts.length === 0 ? ofNone : parts.map(inBrackets).join(word);
}

function inBrackets(condition: Condition): string {
  const text = conditionText(condition);
  return "atom" in condition || "not" in condition ? text : `(${text})`;
}
