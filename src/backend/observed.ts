/** What servants observed, as far as it makes sense in this world. */
import type { Result } from "../core/assignment.ts";
import { type Atom, atomParts } from "../core/atom.ts";
import { messageOf } from "../core/errors.ts";
import type { World } from "./world.ts";

/** Atoms and fluents that make no sense are named up to so many: each looks for the nearest name. */
const EXPLAINED_MAX = 5;

type Observed = Pick<Result, "observed" | "exclusive">;

/** Believes what was observed: of an exclusive fluent nothing else holds then. */
export function take(world: World, observation: Observed): void {
  const readable = readableOf(world, observation);
  const of = (truth: boolean) =>
    readable.filter(({ holds }) => holds === truth).map(({ atom }) => atom);
  const seen = of(true);
  const kept = new Set(seen);
  const sole = soleOf(world, observation);
  const denied = [...(sole.size === 0 ? [] : world.state())].filter(
    (text) => sole.has(atomParts(text).fluent) && !kept.has(text),
  );
  const removes = [...of(false), ...denied];
  if (seen.length + removes.length > 0) world.apply(seen, removes);
}

/** What observations, of which the later ones count, say of an atom; undefined: nothing. */
export function sayings(
  world: World,
  observations: readonly Observed[],
): (text: Atom) => boolean | undefined {
  const said = new Map<Atom, boolean>();
  const sole = new Set<string>();
  for (const each of observations) {
    for (const fluent of soleOf(world, each)) {
      sole.add(fluent);
      for (const text of said.keys()) if (atomParts(text).fluent === fluent) said.delete(text);
    }
    for (const { atom, holds } of readableOf(world, each)) said.set(atom, holds);
  }
  return (text) => said.get(text) ?? (sole.has(atomParts(text).fluent) ? false : undefined);
}

/** What in it makes no sense here, in words: the first of it, and how much more there is. */
export function faultsOf(world: World, { observed, exclusive }: Observed): string[] {
  const stray = observed.filter(({ atom }) => !world.isAtom(atom));
  const unknown = exclusive.filter((fluent) => !world.vocabulary.fluents.has(fluent));
  const left =
    Math.max(stray.length - EXPLAINED_MAX, 0) + Math.max(unknown.length - EXPLAINED_MAX, 0);
  return [
    ...stray.slice(0, EXPLAINED_MAX).flatMap(({ atom }) => faultOf(world, atom) ?? []),
    ...unknown.slice(0, EXPLAINED_MAX).map((fluent) => `there is no fluent "${fluent}"`),
    ...(left === 0 ? [] : [`and ${left} more`]),
  ];
}

function readableOf(world: World, { observed }: Observed): Observed["observed"] {
  return observed.filter(({ atom }) => world.isAtom(atom));
}

/** The fluents of which only what was seen holds: because it was said, or by their nature. */
function soleOf(world: World, observation: Observed): Set<string> {
  const byNature = readableOf(world, observation).filter(
    ({ atom, holds }) => holds && world.definitionOf(atom)?.exclusive,
  );
  return new Set([...observation.exclusive, ...byNature.map(({ atom }) => atomParts(atom).fluent)]);
}

function faultOf(world: World, text: Atom): string | undefined {
  try {
    world.atom(text);
    return undefined;
  } catch (cause) {
    return messageOf(cause);
  }
}
