/** Amounts of cost: numbers, functions that the problem gives values to, and sums of these. */
import { type Atom, bindAtom } from "../../core/atom.ts";
import type { Names, Scope } from "./names.ts";
import type { Walk } from "./walk.ts";

export type Amount =
  | number
  | { readonly value: Atom }
  | { readonly operator: string; readonly parts: readonly Amount[] };

const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
};

/**
 * Reads the amount that comes next.
 *
 * @throws {ServantError} `pddl.malformed`
 */
export function readAmount(names: Names, walk: Walk, scope: Scope): Amount {
  const expected = "a number or a function";
  const form = walk.peek();
  if (form !== undefined && "text" in form && /^-?[\d.]/.test(form.text)) return readNumber(walk);
  const inner = walk.inner(expected);
  const head = inner.token(expected);
  if (!Object.hasOwn(OPERATORS, head.text)) {
    return { value: names.atom(inner, head, scope, names.functions) };
  }
  const parts = [readAmount(names, inner, scope)];
  while (!inner.isDone) parts.push(readAmount(names, inner, scope));
  return { operator: head.text, parts };
}

/** Reads the number that comes next. @throws {ServantError} `pddl.malformed` */
export function readNumber(walk: Walk): number {
  const token = walk.token("a number");
  if (!/^-?(\d+(\.\d*)?|\.\d+)$/.test(token.text)) throw walk.wrong(token, "a number");
  return Number(token.text);
}

/** What it comes to with these parameters; undefined where a value is not given. */
export function amountOf(
  amount: Amount,
  values: ReadonlyMap<Atom, number>,
  parameters: Readonly<Record<string, string>>,
): number | undefined {
  if (typeof amount === "number") return amount;
  if ("value" in amount) return values.get(bindAtom(amount.value, parameters));
  const parts = amount.parts.map((part) => amountOf(part, values, parameters));
  if (parts.includes(undefined)) return undefined;
  const numbers = parts as number[];
  const [first = 0, ...others] = numbers;
  if (others.length === 0) return amount.operator === "-" ? -first : first;
  return others.reduce((a, b) => OPERATORS[amount.operator]?.(a, b) ?? a, first);
}
