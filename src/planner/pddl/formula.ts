/**
 * Formulas as conditions: `not` stands before atoms alone, quantifiers are spelled out over the
 * objects. A variable that must only exist for an action to be possible becomes one more parameter,
 * which costs far less than spelling it out.
 */
import { atom } from "../../core/atom.ts";
import type { Condition } from "../../core/condition.ts";
import { EQUALS, type Names, type Scope } from "./names.ts";
import type { Token } from "./source.ts";
import type { Typed, Walk } from "./walk.ts";

export const TRUE: Condition = { and: [] };
export const FALSE: Condition = { or: [] };

/** A parameter: its name with `?`, and the types of which it must be one. */
export interface Parameter {
  readonly name: string;
  readonly types: readonly string[];
}

/** Where variables go that only need to exist. */
export type Lift = (parameter: Parameter) => void;

/** All of them hold. */
export function all(conditions: readonly Condition[]): Condition {
  const parts = conditions.flatMap((each) => ("and" in each ? each.and : [each]));
  if (parts.some(isFalse)) return FALSE;
  return parts.length === 1 ? (parts[0] as Condition) : { and: parts };
}

function some(conditions: readonly Condition[]): Condition {
  const parts = conditions.flatMap((each) => ("or" in each ? each.or : [each]));
  if (parts.some(isTrue)) return TRUE;
  return parts.length === 1 ? (parts[0] as Condition) : { or: parts };
}

export function isTrue(condition: Condition): boolean {
  return "and" in condition && condition.and.length === 0;
}

function isFalse(condition: Condition): boolean {
  return "or" in condition && condition.or.length === 0;
}

/**
 * Reads the list of a formula; with `holds` false, its contrary.
 *
 * @throws {ServantError} `pddl.malformed`, `pddl.unsupported`
 */
export function readFormula(
  names: Names,
  walk: Walk,
  scope: Scope,
  lift?: Lift,
  holds = true,
): Condition {
  if (walk.isDone) return holds ? TRUE : FALSE; // () asks for nothing
  const head = walk.token('a predicate or "and", "or", "not", "imply", "forall", "exists"');
  switch (head.text) {
    case "and":
    case "or":
      return junction(names, walk, scope, head.text === "and", lift, holds);
    case "not": {
      const inner = walk.inner("a formula");
      walk.end();
      return readFormula(names, inner, scope, lift, !holds);
    }
    case "imply": {
      const further = holds ? undefined : lift;
      const first = readFormula(names, walk.inner("a formula"), scope, further, !holds);
      const second = readFormula(names, walk.inner("a formula"), scope, further, holds);
      walk.end();
      return holds ? some([first, second]) : all([first, second]);
    }
    case "forall":
    case "exists":
      return quantified(names, walk, scope, head.text === "exists", lift, holds);
    case EQUALS:
      return equality(names, walk, head, scope, holds);
    case "<":
    case "<=":
    case ">":
    case ">=":
    case "preference":
      throw walk.source.unsupported(head.at, `"${head.text}" in a condition`);
    default:
      return { atom: names.atom(walk, head, scope, names.predicates), holds };
  }
}

function junction(
  names: Names,
  walk: Walk,
  scope: Scope,
  isAnd: boolean,
  lift: Lift | undefined,
  holds: boolean,
): Condition {
  const isAll = isAnd === holds;
  const parts: Condition[] = [];
  while (!walk.isDone) {
    const part = walk.inner("a formula");
    parts.push(readFormula(names, part, scope, isAll ? lift : undefined, holds));
  }
  return isAll ? all(parts) : some(parts);
}

function quantified(
  names: Names,
  walk: Walk,
  scope: Scope,
  isExists: boolean,
  lift: Lift | undefined,
  holds: boolean,
): Condition {
  const variables = walk.inner("variables such as (?x - type)").typed("variable");
  const body = walk.inner("a formula");
  walk.end();
  const isSome = isExists === holds;
  if (isSome && lift !== undefined) {
    return readFormula(names, body, lifting(names, walk, variables, scope, lift), lift, holds);
  }
  const parts: Condition[] = [];
  for (const bound of names.scopes(walk, variables, scope)) {
    parts.push(readFormula(names, body.again(), bound, undefined, holds));
  }
  return isSome ? some(parts) : all(parts);
}

/** Makes parameters of the variables. */
function lifting(
  names: Names,
  walk: Walk,
  variables: readonly Typed[],
  scope: Scope,
  lift: Lift,
): Scope {
  const inside = new Map(scope);
  for (const variable of variables) {
    const name = names.lifted(variable.name.text);
    lift({ name, types: names.types.names(walk, variable) });
    inside.set(variable.name.text, name);
  }
  return inside;
}

function equality(names: Names, walk: Walk, { at }: Token, scope: Scope, holds: boolean) {
  const form = walk.peek();
  if (form !== undefined && "items" in form) {
    throw walk.source.unsupported(at, "a comparison of numbers");
  }
  const [first = "", second = "", ...more] = names.args(walk, scope);
  if (second === "" || more.length > 0) throw walk.source.fault(at, '"=" takes 2 arguments');
  if (first === second) return holds ? TRUE : FALSE;
  const isOpen = [first, second].some((each) => each.startsWith("?"));
  if (!isOpen) return holds ? FALSE : TRUE;
  names.comparesObjects = true;
  return { atom: atom(EQUALS, [first, second]), holds };
}
