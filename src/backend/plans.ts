/** Planning over the world: the present state and goal, keep-outs included, the last plan kept. */
import type { Atom } from "../core/atom.ts";
import { messageOf } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { findPlan, type PlanOptions, type PlanOutcome, type Problem } from "../planner/plan.ts";
import { keptOut, NO_ENTRY } from "./keep-out.ts";
import type { World } from "./world.ts";

/** Time to look for a plan unless the client says otherwise: below its own 30 s. */
export const PLAN_BUDGET_MS = 20_000;

export interface Planned extends Omit<PlanOutcome, "reason"> {
  readonly reason: PlanOutcome["reason"] | "planner_error";
}
export interface PlanWish extends Pick<PlanOptions, "relax"> {
  readonly budgetMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Beside the keep-outs: a step of which this is not true is not used; a text says why. */
  readonly allowed?: NonNullable<Problem["allowed"]>;
}

export class Plans {
  readonly #world: World;
  readonly #clock: Clock;
  #kept: { readonly key: string; readonly planned: Planned } | undefined;

  constructor(world: World, clock: Clock) {
    this.#world = world;
    this.#clock = clock;
  }

  /** Plans for the goal from the present state; never rejects. A plan that is found is kept. */
  async make(wish: PlanWish = {}): Promise<Planned> {
    const key = this.#key();
    const planned = await this.for(this.#world.goal, wish);
    if (planned.plan !== null) this.#kept = { key, planned };
    return planned;
  }

  /** The kept plan when state, objects and goal are what it was made for, else a new one. */
  async current(wish: PlanWish = {}): Promise<Planned> {
    return this.#kept?.key === this.#key() ? this.#kept.planned : this.make(wish);
  }

  forget(): void {
    this.#kept = undefined;
  }

  /** Plans for any goal from the present state; never rejects and keeps nothing. */
  async for(goal: readonly Atom[], wish: PlanWish = {}): Promise<Planned> {
    const { budgetMs = PLAN_BUDGET_MS, relax = false, signal, allowed = () => true } = wish;
    try {
      const options = { clock: this.#clock, budgetMs, relax, ...(signal && { signal }) };
      return await findPlan(this.#problem(goal, allowed), options);
    } catch (cause) {
      const nothing = { plan: null, cost: null, relaxation: null };
      return { reason: "planner_error", ...nothing, detail: messageOf(cause) };
    }
  }

  /** Costs are those of the present scene: a plan is made anew when its state is another. */
  #problem(goal: readonly Atom[], allowed: NonNullable<Problem["allowed"]>): Problem {
    const { vocabulary } = this.#world;
    const scene = this.#world.scene();
    return {
      transitions: [...vocabulary.transitions.values()],
      fluents: vocabulary.fluentDefs(),
      objects: scene.objects,
      state: scene.state,
      goal: goal.map((atom) => ({ atom, holds: true })),
      allowed: (step) => {
        const place = keptOut(step, scene.state);
        return place === undefined ? allowed(step) : `${NO_ENTRY}(${place}) holds`;
      },
      cost: (step) =>
        vocabulary.codeOf(step.transition)?.cost?.(step, scene) ??
        vocabulary.transition(step.transition).cost ??
        1,
    };
  }

  #key(): string {
    return `${this.#world.revision} ${this.#world.goal.join(" & ")}`;
  }
}
