/** Planning over the world: the present state and goal, keep-outs included, the last plan kept. */
import { type Atom, atomParts } from "../core/atom.ts";
import type { Literal } from "../core/condition.ts";
import type { Scene, View } from "../core/domain.ts";
import { messageOf } from "../core/errors.ts";
import type { GroundStep } from "../core/outcome.ts";
import type { Clock } from "../core/ports.ts";
import { type CausalLinks, causalLinks } from "../planner/causal-links.ts";
import { findPlan, type PlanOptions, type PlanOutcome, type Problem } from "../planner/plan.ts";
import { keepOuts } from "./keep-out.ts";
import { describeStep } from "./progress.ts";
import { costOf, sceneOf, stepOf } from "./scene.ts";
import type { Servants } from "./servants.ts";
import type { Traces } from "./traces.ts";
import type { World } from "./world.ts";

/** Time to look for a plan unless the client says otherwise: below its own 30 s. */
export const PLAN_BUDGET_MS = 20_000;

export interface Planned extends Omit<PlanOutcome, "reason"> {
  /** Why each step of the plan is in it, as the planner saw the world. */
  readonly links: readonly CausalLinks[];
  readonly reason: PlanOutcome["reason"] | "planner_error";
}
export interface PlanWish extends Pick<PlanOptions, "relax"> {
  readonly budgetMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Beside the keep-outs: a step of which this is not true is not used; a text says why. */
  readonly allowed?: NonNullable<Problem["allowed"]>;
  /** What the plan is for, as traces say it. */
  readonly why?: string;
  readonly runId?: string;
  /** Another state than the present one: what is planned is not to be done now. */
  readonly state?: ReadonlySet<Atom>;
}
export interface PlansPorts {
  readonly world: World;
  readonly servants: Pick<Servants, "list" | "providerOf">;
  readonly clock: Clock;
  readonly traces: Traces;
  /** Transitions that a servant is going to provide: planned with as if it did. */
  readonly expected?: readonly string[] | undefined;
}

export interface KeptPlan {
  readonly planned: Planned;
  /** Epoch milliseconds. */
  readonly madeAtMs: number;
}

export class Plans {
  readonly #ports: PlansPorts;
  #kept: (KeptPlan & { readonly key: string }) | undefined;

  constructor(ports: PlansPorts) {
    this.#ports = ports;
  }

  /** Plans for the goal from the present state; never rejects. A plan that is found is kept. */
  async make(wish: PlanWish = {}): Promise<Planned> {
    const key = this.#key();
    const planned = await this.for(this.#ports.world.goal, wish);
    const madeAtMs = this.#ports.clock.now();
    if (planned.plan !== null) this.#kept = { key, planned, madeAtMs };
    return planned;
  }

  /** The kept plan when state, objects and goal are what it was made for, else a new one. */
  async current(wish: PlanWish = {}): Promise<Planned> {
    return this.kept?.planned ?? this.make(wish);
  }

  /** The kept plan, unless it is out of date. */
  get kept(): KeptPlan | undefined {
    return this.#kept?.key === this.#key() ? this.#kept : undefined;
  }

  /** The plan that was made last, whatever has changed since. */
  get last(): Planned | undefined {
    return this.#kept?.planned;
  }

  forget(): void {
    this.#kept = undefined;
  }

  /** Plans for any goal from the present state; never rejects and keeps nothing. */
  async for(goal: readonly Atom[], wish: PlanWish = {}): Promise<Planned> {
    const { why = "asked for by a client", runId } = wish;
    const about = { goal, why, run_id: runId ?? null };
    this.#ports.traces.add("plan_start", `${why}: ${goal.join(", ") || "no goal"}`, about);
    const planned = await this.#find(goal, wish);
    const { reason, detail, plan } = planned;
    this.#ports.traces.add("plan_end", `${reason}: ${detail}`, {
      ...{ ...about, reason, detail },
      plan: plan === null ? null : plan.map(describeStep),
    });
    return planned;
  }

  async #find(goal: readonly Atom[], wish: PlanWish): Promise<Planned> {
    const { budgetMs = PLAN_BUDGET_MS, relax = false, signal, allowed = () => true } = wish;
    const { world, clock } = this.#ports;
    try {
      const scene = wish.state === undefined ? world.scene() : sceneOf(world, wish.state);
      const view = this.#view(scene, goal);
      const keptOut = keepOuts(world, scene);
      // Costs are those of the present scene: a plan is made anew when its state is another.
      const problem: Problem = {
        transitions: view.transitions,
        fluents: world.vocabulary.fluentDefs(),
        objects: view.objects,
        state: view.state,
        goal: goal.map((atom) => ({ atom, holds: true })),
        allowed: (step) => view.allows(step) && (keptOut(step) ?? allowed(step)),
        cost: (step) => costOf(world, step, scene),
      };
      const options = { clock, budgetMs, relax, ...(signal && { signal }) };
      const { plan, relaxation, ...found } = await findPlan(problem, options);
      const inWorld = (steps: readonly GroundStep[]) =>
        steps.map(
          (step): GroundStep => ({ ...stepOf(world, view.restore(step)), cost: step.cost ?? 1 }),
        );
      return {
        ...found,
        plan: plan && inWorld(plan),
        links: plan === null ? [] : causalLinks(problem, plan).map((each) => linksIn(world, each)),
        relaxation: relaxation && {
          ...relaxation,
          plan: relaxation.plan && inWorld(relaxation.plan),
        },
      };
    } catch (cause) {
      const nothing = { plan: null, links: [], cost: null, relaxation: null };
      return { reason: "planner_error", ...nothing, detail: messageOf(cause) };
    }
  }

  /** The world as the domains would have the planner look at it, each after the other. */
  #view({ objects, state }: Scene, goal: readonly Atom[]): View {
    const { world, servants, expected = [] } = this.#ports;
    const isProvided = (name: string) =>
      expected.includes(name) || servants.providerOf(name) !== undefined;
    const transitions = [...world.vocabulary.transitions.values()];
    const whole: View = {
      ...{ objects, state, transitions },
      allows: () => true,
      restore: (step) => step,
    };
    return world.vocabulary.domains.reduce<View>((outer, { view }) => {
      if (view === undefined) return outer;
      const inner = view(outer, { goal, isProvided });
      return {
        ...inner,
        allows: (step) => outer.allows(step) && inner.allows(step),
        restore: (step) => outer.restore(inner.restore(step)),
      };
    }, whole);
  }

  /** Who provides what changes what is planned, too. */
  #key(): string {
    const { world, servants } = this.#ports;
    const there = servants.list().flatMap(({ isLost, order }) => (isLost ? [] : [order]));
    return `${world.revision} ${there.join(",")} ${world.goal.join(" & ")}`;
  }
}

/** Without what only the planner's view of the world has, such as places that stand for others. */
function linksIn(world: World, { needs, serves }: CausalLinks): CausalLinks {
  const isThere = ({ atom }: Literal) =>
    atomParts(atom).args.every((name) => world.object(name) !== undefined);
  return { needs: needs.filter(isThere), serves: serves.filter(isThere) };
}
