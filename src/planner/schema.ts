/**
 * Transitions as patterns over numbered atoms, one schema for each way in which the preconditions
 * can hold: a schema needs literals, all of them, and so does each of its conditional effects.
 */
import type { Atom } from "../core/atom.ts";
import { type Condition, type Literal, waysToHold } from "../core/condition.ts";
import type { ArgDef, TransitionDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import type { Atoms, Pattern } from "./atoms.ts";

/** Ways in which the conditions of one transition may hold; each one costs a schema or an effect. */
export const WAYS_MAX = 256;

export interface LiteralPatterns {
  readonly positive: readonly Pattern[];
  readonly negative: readonly Pattern[];
}
export interface EffectPatterns {
  readonly adds: readonly Pattern[];
  readonly removes: readonly Pattern[];
}
export interface Schema extends LiteralPatterns, EffectPatterns {
  readonly def: TransitionDef;
  /** Those that a planner binds: what may be left out is left out. */
  readonly params: readonly ArgDef[];
  readonly effects: readonly (LiteralPatterns & EffectPatterns)[];
}

/**
 * The schemas of a transition.
 *
 * @throws {ServantError} `domain.invalid` when its conditions can hold in more than `WAYS_MAX` ways.
 */
export function toSchemas(atoms: Atoms, def: TransitionDef): Schema[] {
  const params = def.params.filter(({ optional }) => optional !== true);
  const names = params.map(({ name }) => name);
  const patterns = (texts: readonly Atom[]) => texts.map((text) => atoms.pattern(text, names));
  const literals = (way: readonly Literal[]): LiteralPatterns => ({
    positive: patterns(way.filter(({ holds }) => holds).map((each) => each.atom)),
    negative: patterns(way.filter(({ holds }) => !holds).map((each) => each.atom)),
  });
  const effects = (def.effects ?? []).flatMap(({ when, adds, removes }) =>
    boundedWays(def, when).map((way) => ({
      ...literals(way),
      adds: patterns(adds),
      removes: patterns(removes),
    })),
  );
  const always = { def, params, effects, adds: patterns(def.adds), removes: patterns(def.removes) };
  return boundedWays(def, { and: def.preconditions }).map((way) => ({
    ...always,
    ...literals(way),
  }));
}

function boundedWays({ name }: TransitionDef, condition: Condition) {
  const ways = countWays(condition, true);
  if (ways <= WAYS_MAX) return waysToHold(condition);
  throw new ServantError(
    "domain.invalid",
    `Cannot plan with "${name}": a condition of it can hold in more than ${WAYS_MAX} ways`,
  );
}

/** How many ways there are at most, found without writing them down: they multiply. */
function countWays(condition: Condition, holds: boolean): number {
  if ("atom" in condition) return 1;
  if ("not" in condition) return countWays(condition.not, !holds);
  const [parts, isAll] = "and" in condition ? [condition.and, holds] : [condition.or, !holds];
  const counts = parts.map((part) => countWays(part, holds));
  return isAll ? counts.reduce((a, b) => a * b, 1) : counts.reduce((a, b) => a + b, 0);
}
