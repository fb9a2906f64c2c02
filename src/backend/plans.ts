/** Planning over the world: the present state and goal, keep-outs included, the last plan kept. */
import type { Atom } from "../core/atom.ts";
import { messageOf } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { findPlan, type GroundStep, type PlanOutcome } from "../planner/plan.ts";
import { keptOut } from "./keep-out.ts";
import type { World } from "./world.ts";

/** Time to look for a plan unless the client says otherwise: below its own 30 s. */
export const PLAN_BUDGET_MS = 20_000;

export interface Planned {
  readonly reason: PlanOutcome["reason"] | "no_goal_set" | "planner_error";
  /** Empty when the goal holds already; null when there is none. */
  readonly plan: readonly GroundStep[] | null;
  readonly detail: string;
}
export interface PlanWish {
  readonly budgetMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Beside the keep-outs: steps that this refuses are not used. */
  readonly allowed?: (step: GroundStep) => boolean;
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
    if (goal.length === 0) {
      return { reason: "no_goal_set", plan: null, detail: "There is no goal: set one first" };
    }
    const { budgetMs = PLAN_BUDGET_MS, signal, allowed = () => true } = wish;
    const { vocabulary } = this.#world;
    try {
      const state = this.#world.state();
      const problem = {
        transitions: [...vocabulary.transitions.values()],
        fluents: [...vocabulary.fluents.values()],
        objects: this.#world.objects(),
        state,
        goal: goal.map((atom) => ({ atom, holds: true })),
        allowed: (step: GroundStep) => keptOut(step, state) === undefined && allowed(step),
      };
      const options = { clock: this.#clock, budgetMs };
      return await findPlan(problem, signal === undefined ? options : { ...options, signal });
    } catch (cause) {
      return { reason: "planner_error", plan: null, detail: messageOf(cause) };
    }
  }

  #key(): string {
    return `${this.#world.revision} ${this.#world.goal.join(" & ")}`;
  }
}
