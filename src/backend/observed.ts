/** What servants observed, as far as it makes sense in this world. */
import type { Result } from "../core/assignment.ts";
import { type Atom, atomParts } from "../core/atom.ts";
import { messageOf } from "../core/errors.ts";
import type { World } from "./world.ts";

type Observed = Pick<Result, "observed" | "exclusive">;

/** Believes what was observed: exclusive fluents first lose every grounding. */
export function take(world: World, { observed, exclusive }: Observed): void {
  for (const fluent of exclusive) if (world.vocabulary.fluents.has(fluent)) world.retract(fluent);
  const readable = observed.filter(({ atom }) => faultOf(world, atom) === undefined);
  const of = (truth: boolean) =>
    readable.filter(({ holds }) => holds === truth).map(({ atom }) => atom);
  if (readable.length > 0) world.apply(of(true), of(false));
}

/** What observations, of which the later ones count, say of an atom; undefined: nothing. */
export function sayings(
  world: World,
  observations: readonly Observed[],
): (text: Atom) => boolean | undefined {
  const said = new Map<Atom, boolean>();
  const sole = new Set<string>();
  for (const { observed, exclusive } of observations) {
    for (const fluent of exclusive) {
      sole.add(fluent);
      for (const text of said.keys()) if (atomParts(text).fluent === fluent) said.delete(text);
    }
    for (const { atom, holds } of observed) {
      if (faultOf(world, atom) === undefined) said.set(atom, holds);
    }
  }
  return (text) => said.get(text) ?? (sole.has(atomParts(text).fluent) ? false : undefined);
}

/** What in it makes no sense here, in words. */
export function faultsOf(world: World, { observed, exclusive }: Observed): string[] {
  const unknown = exclusive.filter((fluent) => !world.vocabulary.fluents.has(fluent));
  return [
    ...observed.flatMap(({ atom }) => faultOf(world, atom) ?? []),
    ...unknown.map((fluent) => `there is no fluent "${fluent}"`),
  ];
}

function faultOf(world: World, text: Atom): string | undefined {
  try {
    world.atom(text);
    return undefined;
  } catch (cause) {
    return messageOf(cause);
  }
}
