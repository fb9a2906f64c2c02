/**
 * Keep-outs. `no_entry(X)` says that no step may end in X. A step ends in X when it adds an atom
 * that says where something is: a fluent whose only argument is X, such as `robot_at(X)` of a
 * move. `box_at(X, box)` has two arguments and does not count: the robot that places a box in X
 * was there before. A fluent of one argument that is no place (`inspected(X)`) is refused too:
 * erring on that side costs a plan, erring on the other a machine.
 */
import { type Atom, atom, atomParts } from "../core/atom.ts";
import type { GroundStep } from "../planner/plan.ts";

export const NO_ENTRY = "no_entry";

/** The object that the step must not enter; undefined when it enters none. */
export function keptOut(
  step: Pick<GroundStep, "adds">,
  state: ReadonlySet<Atom>,
): string | undefined {
  for (const added of step.adds) {
    const { fluent, args } = atomParts(added);
    const [place] = args;
    if (fluent === NO_ENTRY || args.length !== 1 || place === undefined) continue;
    if (state.has(atom(NO_ENTRY, [place]))) return place;
  }
  return undefined;
}
