/** Steps as they are taken in the world of one moment. */
import type { Atom } from "../core/atom.ts";
import type { Scene, StepDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { type GroundStep, groundStep, outcome } from "../core/outcome.ts";
import { checkedParams } from "./ground-step.ts";
import { stepText } from "./progress.ts";
import type { World } from "./world.ts";

/** The world with another state. */
export function sceneOf(world: World, state: ReadonlySet<Atom>): Scene {
  return { ...world.scene(), state };
}

/**
 * A step of this world: its transition is known, its parameters are objects of their types.
 *
 * @throws {ServantError} `transition.unknown`, `assignment.bad-params`
 */
export function stepOf(world: World, { transition, parameters }: StepDef): GroundStep {
  const def = world.vocabulary.transition(transition);
  return groundStep(def, checkedParams(def, parameters, world));
}

/** A step that is about to start. */
export interface Ready {
  readonly step: GroundStep;
  /** What its preconditions may take for granted. */
  readonly assumes: readonly Atom[];
}

/**
 * The step as it is to be taken in the scene: a leg starts where the vehicle is.
 *
 * @throws {ServantError} as `stepOf`, and what the domain's code throws
 */
export function readied(world: World, step: StepDef, scene = world.scene()): Ready {
  const settled = world.vocabulary.codeOf(step.transition)?.settle?.(step, scene);
  return settled === undefined
    ? { step: stepOf(world, step), assumes: [] }
    : { step: stepOf(world, settled), assumes: settled.assumes };
}

/** What the step adds and removes when it is taken in the scene. */
export function effectsOf(world: World, step: GroundStep, scene: Scene) {
  const effects = outcome(step, scene.state);
  const more = world.vocabulary.codeOf(step.transition)?.alsoRemoves?.(step, scene) ?? [];
  const added = new Set(effects.adds);
  const removes = new Set([...effects.removes, ...more.filter((text) => !added.has(text))]);
  return { adds: effects.adds, removes: [...removes] };
}

/** The state after the step, on paper. */
export function afterStep(world: World, step: GroundStep, scene: Scene): ReadonlySet<Atom> {
  const state = new Set(scene.state);
  const { adds, removes } = effectsOf(world, step, scene);
  for (const text of removes) state.delete(text);
  for (const text of adds) state.add(text);
  return state;
}

/**
 * What a step costs, zero or more.
 *
 * @throws {ServantError} `domain.invalid` when the domain's code gives no such number.
 */
export function costOf(world: World, step: StepDef, scene: Scene): number {
  const { vocabulary } = world;
  const def = vocabulary.transitions.get(step.transition);
  const cost = vocabulary.codeOf(step.transition)?.cost?.(step, scene) ?? def?.cost ?? 1;
  if (Number.isFinite(cost) && cost >= 0) return cost;
  throw new ServantError("domain.invalid", `Cannot use the cost of ${stepText(step)}: ${cost}`);
}
