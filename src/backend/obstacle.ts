/** What stands against a step in the present state: it may not be what was planned for. */
import { bindCondition, conditionText, isMet } from "../core/condition.ts";
import type { StepDef } from "../core/domain.ts";
import { type ErrorCode, toServantError } from "../core/errors.ts";
import type { GroundStep } from "../core/outcome.ts";
import { keepOuts } from "./keep-out.ts";
import { stepText } from "./progress.ts";
import { type Ready, readied } from "./scene.ts";
import type { World } from "./world.ts";

export interface Obstacle {
  /** Which step, and why. */
  readonly message: string;
  readonly code?: ErrorCode;
}

/** The step as it is to be taken in the scene, or what stands against it. Never throws. */
export function prepare(
  world: World,
  step: StepDef,
  scene = world.scene(),
): { readonly step: GroundStep } | { readonly obstacle: Obstacle } {
  try {
    const ready = readied(world, step, scene);
    const obstacle = obstacleOf(world, ready, scene);
    return obstacle === undefined ? { step: ready.step } : { obstacle };
  } catch (cause) {
    const { code, message } = toServantError(cause); // an object may have gone since it was planned
    return { obstacle: { code, message } };
  }
}

function obstacleOf(
  world: World,
  { step, assumes }: Ready,
  scene = world.scene(),
): Obstacle | undefined {
  const unmet = world.vocabulary.transitions
    .get(step.transition)
    ?.preconditions.map((condition) => bindCondition(condition, step.parameters))
    .find(
      (condition) => !isMet(condition, (atom) => assumes.includes(atom) || scene.state.has(atom)),
    );
  const impossible = `${stepText(step)} is not possible now`;
  if (unmet !== undefined) return { message: `${impossible}: ${conditionText(unmet)} is required` };
  const reason = keepOuts(world, scene)(step);
  if (reason === undefined) return undefined;
  return { message: `${impossible}: ${reason}`, code: "step.keep-out" };
}
