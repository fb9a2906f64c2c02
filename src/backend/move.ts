/** Where a leg is to begin: things are not always where the leg before it should have left them. */
import { type Atom, atomParts } from "../core/atom.ts";
import type { StepDef, TransitionDef } from "../core/domain.ts";
import type { World } from "./world.ts";

/**
 * The next leg from where things are: one that was missed begins there. One that would begin where
 * the leg before it ended, while something has come elsewhere since, is preceded by the way back:
 * the line between its ends is what is wanted, not only its end.
 */
export function aimed(
  world: World,
  legs: readonly StepDef[],
  at: number,
  isRetry: boolean,
): { readonly leg: StepDef; readonly isApproach: boolean } {
  const leg = legs[at] as StepDef;
  const move = moveOf(world.vocabulary.transitions.get(leg.transition));
  const [start, end] =
    move === undefined ? [] : [leg.parameters[move.from], leg.parameters[move.to]];
  if (move === undefined || start === undefined || end === undefined) {
    return { leg, isApproach: false };
  }
  const bound = (from: string, to: string): StepDef => ({
    ...leg,
    parameters: { ...leg.parameters, [move.from]: from, [move.to]: to },
  });
  const places = placesOf(world.state(), move.fluent);
  if (places.includes(start)) return { leg, isApproach: false };
  const [place, ...others] = places;
  if (place === undefined) return { leg: bound(end, end), isApproach: false };
  if (others.length > 0) return { leg, isApproach: false };
  const before = legs[at - 1];
  const endBefore = before?.transition === leg.transition ? before.parameters[move.to] : undefined;
  if (!isRetry && endBefore === start) return { leg: bound(place, start), isApproach: true };
  return { leg: bound(place, end), isApproach: false };
}

interface Move {
  /** Says where it is. */
  readonly fluent: string;
  /** Its parameters. */
  readonly from: string;
  readonly to: string;
}

/** A transition that takes something from one place to another: what it adds of one, it removes of the other. */
export function moveOf(def: TransitionDef | undefined): Move | undefined {
  for (const removed of def?.removes ?? []) {
    const left = atomParts(removed);
    const [from] = left.args;
    if (left.args.length !== 1 || !from?.startsWith("?")) continue;
    for (const added of def?.adds ?? []) {
      const { fluent, args } = atomParts(added);
      const [to] = args;
      if (fluent !== left.fluent || args.length !== 1 || !to?.startsWith("?") || to === from)
        continue;
      return { fluent, from: from.slice(1), to: to.slice(1) };
    }
  }
  return undefined;
}

function placesOf(state: ReadonlySet<Atom>, fluent: string): string[] {
  return atomsOf(state, [fluent]).flatMap((text) => atomParts(text).args);
}

export function atomsOf(state: ReadonlySet<Atom>, fluents: readonly string[]): Atom[] {
  return [...state].filter((text) => fluents.includes(atomParts(text).fluent));
}
