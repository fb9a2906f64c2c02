/** Effects: what an action makes true and false, always or on a condition, and what it costs. */
import type { Atom } from "../../core/atom.ts";
import type { Condition } from "../../core/condition.ts";
import type { ConditionalEffect } from "../../core/domain.ts";
import { type Amount, readAmount } from "./amount.ts";
import { all, isTrue, readFormula, TRUE } from "./formula.ts";
import { EQUALS, type Names, type Scope } from "./names.ts";
import type { Token } from "./source.ts";
import type { Walk } from "./walk.ts";

export interface Effects {
  readonly adds: Atom[];
  readonly removes: Atom[];
  /** One for each condition. */
  readonly conditional: ConditionalEffect[];
  /** What is added to `total-cost`. */
  readonly costs: Amount[];
}

/** Where in an effect something stands. */
interface Place {
  readonly scope: Scope;
  readonly when: Condition;
  /** The simple effects of one condition are kept together. */
  readonly adds: Atom[];
  readonly removes: Atom[];
}

/**
 * Reads the list of an effect.
 *
 * @throws {ServantError} `pddl.malformed`, `pddl.unsupported`
 */
export function readEffect(names: Names, walk: Walk, scope: Scope): Effects {
  const effects: Effects = { adds: [], removes: [], conditional: [], costs: [] };
  const { adds, removes } = effects;
  take(names, walk, { scope, when: TRUE, adds, removes }, effects);
  return effects;
}

function take(names: Names, walk: Walk, place: Place, into: Effects): void {
  if (walk.isDone) return; // () does nothing
  const head = walk.token('a predicate or "and", "not", "when", "forall", "increase"');
  switch (head.text) {
    case "and":
      while (!walk.isDone) take(names, walk.inner("an effect"), place, into);
      return;
    case "not": {
      const inner = walk.inner("an atom");
      walk.end();
      place.removes.push(simple(names, inner, inner.token("a predicate"), place.scope));
      return;
    }
    case "when":
      takeWhen(names, walk, place, into);
      return;
    case "forall": {
      const variables = walk.inner("variables such as (?x - type)").typed("variable");
      const body = walk.inner("an effect");
      walk.end();
      for (const scope of names.scopes(walk, variables, place.scope)) {
        take(names, body.again(), { ...place, scope }, into);
      }
      return;
    }
    case "increase":
      takeIncrease(names, walk, head, place, into);
      return;
    case "assign":
    case "decrease":
    case "scale-up":
    case "scale-down":
      throw walk.source.unsupported(head.at, `"${head.text}" in an effect`);
    default:
      place.adds.push(simple(names, walk, head, place.scope));
  }
}

function simple(names: Names, walk: Walk, head: Token, scope: Scope): Atom {
  if (head.text === EQUALS) throw walk.wrong(head, "a predicate that can change");
  return names.atom(walk, head, scope, names.predicates);
}

function takeWhen(names: Names, walk: Walk, place: Place, into: Effects): void {
  const condition = readFormula(names, walk.inner("a condition"), place.scope);
  const body = walk.inner("an effect");
  walk.end();
  const when = all([place.when, condition]);
  if (isTrue(when)) {
    take(names, body, place, into);
    return;
  }
  const inner: Place = { scope: place.scope, when, adds: [], removes: [] };
  take(names, body, inner, into);
  if (inner.adds.length + inner.removes.length > 0) {
    into.conditional.push({ when, adds: inner.adds, removes: inner.removes });
  }
}

function takeIncrease(names: Names, walk: Walk, head: Token, place: Place, into: Effects): void {
  const { source } = walk;
  const target = walk.inner('"(total-cost)"');
  const name = target.name('"total-cost"');
  target.end();
  if (name.text !== "total-cost") {
    throw source.unsupported(name.at, `a number that changes, "${name.text}",`);
  }
  if (!isTrue(place.when)) throw source.unsupported(head.at, "a cost on a condition");
  into.costs.push(readAmount(names, walk, place.scope));
  walk.end();
}
