/** What stands against a step in the present state: it may not be what was planned for. */
import { bindCondition, conditionText, isMet } from "../core/condition.ts";
import type { ErrorCode } from "../core/errors.ts";
import { keepOuts } from "./keep-out.ts";
import type { Ready } from "./scene.ts";
import type { World } from "./world.ts";

export interface Obstacle {
  readonly reason: string;
  /** `step.keep-out`, if it is that. */
  readonly code?: ErrorCode;
}

export function obstacleOf(
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
  if (unmet !== undefined) return { reason: `${conditionText(unmet)} is required` };
  const reason = keepOuts(world, scene)(step);
  return reason === undefined ? undefined : { reason, code: "step.keep-out" };
}
