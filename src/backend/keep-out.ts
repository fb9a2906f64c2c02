/**
 * Keep-outs. `no_entry(X)` says that no step may end in X. A step ends in X when it adds an atom
 * that says where something is: a fluent whose only argument is X, such as `robot_at(X)` of a
 * move. `box_at(X, box)` has two arguments and does not count: the robot that places a box in X
 * was there before. A fluent of one argument that is no place (`inspected(X)`) is refused too:
 * erring on that side costs a plan, erring on the other a machine. Beside this rule a domain's code
 * may say that a step enters X: a track that crosses a zone.
 */
import { atomParts } from "../core/atom.ts";
import type { ObjectDef, Scene } from "../core/domain.ts";
import { messageOf } from "../core/errors.ts";
import type { GroundStep } from "../core/outcome.ts";
import type { World } from "./world.ts";

export const NO_ENTRY = "no_entry";

/** Says why a step is kept out; undefined when it is not. */
export type KeepOut = (step: GroundStep) => string | undefined;

/** The keep-outs of a world, by its present state unless another is given. */
export function keepOuts(world: World, scene = world.scene()): KeepOut {
  const places = forbidden(scene);
  if (places.length === 0) return () => undefined;
  const closed = new Map(places.map(({ name }) => [`(${name})`, name]));
  return (step) => {
    const ends = endsIn(step, closed);
    if (ends !== undefined) return `no_entry(${ends}) holds`;
    const { enters } = world.vocabulary.codeOf(step.transition) ?? {};
    if (enters === undefined) return undefined;
    for (const place of places) {
      try {
        if (enters(step, place, scene)) return `no_entry(${place.name}) holds`;
      } catch (cause) {
        // A place of which nobody can tell where it is may be anywhere.
        return `no_entry(${place.name}) holds, and it cannot be judged: ${messageOf(cause)}`;
      }
    }
    return undefined;
  };
}

function forbidden(scene: Scene): ObjectDef[] {
  const places: ObjectDef[] = [];
  for (const text of scene.state) {
    if (!text.startsWith(NO_ENTRY)) continue;
    const { fluent, args } = atomParts(text);
    const [name = ""] = args;
    const place = fluent === NO_ENTRY && args.length === 1 ? scene.object(name) : undefined;
    if (place !== undefined) places.push(place);
  }
  return places;
}

/**
 * What a step may add counts as added, whatever the state: what is believed now may have changed
 * when the step is taken. A plan asks this of every possible step: atoms, which are canonical, are
 * not read but looked at, as `closed` has their ends.
 */
function endsIn(
  { adds, effects = [] }: GroundStep,
  closed: ReadonlyMap<string, string>,
): string | undefined {
  for (const added of [...adds, ...effects.flatMap((effect) => effect.adds)]) {
    const place = closed.get(added.slice(added.indexOf("(")));
    if (place !== undefined && !added.startsWith(`${NO_ENTRY}(`)) return place;
  }
  return undefined;
}
