/**
 * What a step does to a state. Conditional effects are judged in the state before the step, and
 * what is added wins over what is removed, wherever the two come from.
 */
import { type Atom, bindAtom } from "./atom.ts";
import { bindCondition, isMet } from "./condition.ts";
import type { ConditionalEffect, StepDef, TransitionDef } from "./domain.ts";

export interface Effects {
  readonly adds: readonly Atom[];
  /** None of them is among `adds`. */
  readonly removes: readonly Atom[];
  /** What happens besides, where its condition holds; absent when there is none. */
  readonly effects?: readonly ConditionalEffect[];
}
/** A transition applied to objects. */
export interface GroundStep extends StepDef, Effects {
  /** What it costs, where that was asked. */
  readonly cost?: number;
}

/**
 * What the step adds and removes when it is taken in this state.
 *
 * @example
 * const { adds, removes } = outcome(step, world.state());
 * world.apply(adds, removes);
 */
export function outcome(
  { adds, removes, effects = [] }: Effects,
  state: ReadonlySet<Atom>,
): Required<Pick<Effects, "adds" | "removes">> {
  const fired = effects.filter(({ when }) => isMet(when, (atom) => state.has(atom)));
  if (fired.length === 0) return { adds, removes };
  const added = new Set([...adds, ...fired.flatMap((each) => each.adds)]);
  const removed = new Set([...removes, ...fired.flatMap((each) => each.removes)]);
  return { adds: [...added], removes: [...removed].filter((atom) => !added.has(atom)) };
}

/** The transition with objects in the places of its parameters; its preconditions are not looked at. */
export function groundStep(
  { name, adds, removes, effects = [] }: TransitionDef,
  parameters: Readonly<Record<string, string>>,
): GroundStep {
  const bind = (atoms: readonly Atom[]) => [
    ...new Set(atoms.map((text) => bindAtom(text, parameters))),
  ];
  const added = bind(adds);
  const bound = effects.map((effect) => ({
    when: bindCondition(effect.when, parameters),
    adds: bind(effect.adds),
    removes: bind(effect.removes),
  }));
  return {
    transition: name,
    parameters,
    adds: added,
    removes: bind(removes).filter((text) => !added.includes(text)),
    ...(bound.length === 0 ? {} : { effects: bound }),
  };
}
