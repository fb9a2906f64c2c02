/**
 * A mission planned on paper: each block from the state that the ones before it would leave. What a
 * servant makes on the way (an object, an observation) is not known yet: then there is no such plan.
 */
import type { Atom } from "../core/atom.ts";
import { isServantError } from "../core/errors.ts";
import type { Block } from "../core/mission.ts";
import type { GroundStep } from "../core/outcome.ts";
import { blockText } from "./blocks.ts";
import { paramTexts } from "./ground-step.ts";
import { prepare } from "./obstacle.ts";
import type { Planned, Plans, PlanWish } from "./plans.ts";
import { afterStep, readied, sceneOf } from "./scene.ts";
import type { World } from "./world.ts";

export interface PaperPorts {
  readonly world: World;
  readonly plans: Plans;
}
export type MissionPlan = Pick<Planned, "plan" | "reason" | "detail" | "relaxation">;

/** Plans every block; never rejects. */
export async function planMission(
  { world, plans }: PaperPorts,
  blocks: readonly Block[],
  wish: PlanWish,
): Promise<MissionPlan> {
  const steps: GroundStep[] = [];
  let state = world.state();
  const take = (step: GroundStep) => {
    state = afterStep(world, step, sceneOf(world, state));
    steps.push(step);
  };
  for (const block of leaves(blocks)) {
    try {
      const failure =
        block.type === "plan"
          ? await planGoal(block.goal)
          : planAction(block.action, paramTexts(block.params));
      if (failure !== undefined) return none(block, failure);
    } catch (cause) {
      if (!isServantError(cause)) throw cause;
      return none(block, { reason: "planner_error", detail: cause.message });
    }
  }
  const detail = `${steps.length} steps for ${blocks.length} blocks`;
  const reason = steps.length > 0 ? "plan_found" : "goal_already_satisfied";
  return { plan: steps, reason, detail, relaxation: null };

  async function planGoal(goal: readonly string[]) {
    const atoms: Atom[] = goal.map((text) => world.atom(text));
    const planned = await plans.for(atoms, { ...wish, state });
    if (planned.plan === null) return planned;
    for (const step of planned.plan) take(readied(world, step, sceneOf(world, state)).step);
    return undefined;
  }

  function planAction(transition: string, parameters: Readonly<Record<string, string>>) {
    const prepared = prepare(world, { transition, parameters }, sceneOf(world, state));
    if ("step" in prepared) return take(prepared.step);
    return { reason: "no_plan_found" as const, detail: prepared.obstacle.message };
  }
}

type Failure = Pick<Planned, "reason" | "detail"> & Partial<Pick<Planned, "relaxation">>;

function none(block: Block, { reason, detail, relaxation = null }: Failure): MissionPlan {
  return { plan: null, reason, detail: `${blockText(block)}: ${detail}`, relaxation };
}

/** The blocks that are carried out, in their order. */
function leaves(blocks: readonly Block[]): Exclude<Block, { type: "order" }>[] {
  return blocks.flatMap((block) => (block.type === "order" ? leaves(block.children) : [block]));
}
