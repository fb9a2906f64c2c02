/**
 * The planner: finds steps that lead from a state to a goal. Pure: it is handed a clock, works
 * in short slices between turns of the event loop, and checks every plan before it returns it.
 *
 * @example
 * const { reason, plan } = await findPlan(
 *   { ...domain, state, goal: [{ atom: parseAtom("robot_at(room_one)"), holds: true }] },
 *   { clock },
 * );
 */
import type { Clock } from "../core/ports.ts";
import { OutOfMemory, OutOfTime, Pace } from "./pace.ts";
import type { Blocked, GroundStep, Problem, Relaxation } from "./problem.ts";
import { relaxed } from "./relax.ts";
import { Solver, spell } from "./solve.ts";

export type { Blocked, Blocker, GroundStep, Problem, Relaxation } from "./problem.ts";

/** Time to look for a plan, in milliseconds, unless the caller says otherwise. */
export const BUDGET_MS = 10_000;
/** States that a search may keep, unless the caller says otherwise. */
export const NODES_MAX = 1_000_000;
/** Parts of a goal that a detail tells of; the relaxation tells of all. */
const PARTS_TOLD = 5;

export interface PlanOptions {
  readonly clock: Clock;
  readonly budgetMs?: number;
  /** Ends the work at its next pause, as if the time were up. */
  readonly signal?: AbortSignal;
  readonly nodesMax?: number;
  /** Where the goal cannot be had, says what stands against it and plans for the rest. */
  readonly relax?: boolean;
}

export interface PlanOutcome {
  readonly reason: /** The goal is empty. */
    | "no_goal_set"
    | "goal_already_satisfied"
    | "plan_found"
    /** Every reachable state was seen. */
    | "no_plan_found"
    /** A part of the goal cannot come about even if nothing were ever lost, or excludes another. */
    | "goal_unreachable"
    | "planner_timeout"
    | "planner_memout";
  /** Empty when the goal is satisfied already, null when there is none. */
  readonly plan: readonly GroundStep[] | null;
  /** What the plan's steps cost together; null when there is no plan. */
  readonly cost: number | null;
  /** The outcome in plain words. */
  readonly detail: string;
  /** With `relax`, when the goal cannot be had: why, and what can be had. Else null. */
  readonly relaxation: Relaxation | null;
}

/**
 * Looks for a plan. The same problem gives the same plan; it is cheap but not always cheapest.
 *
 * @throws {ServantError} `atom.malformed` when a definition, the state or the goal is not text
 *   that reads as atoms; `domain.invalid` when conditions branch too much or a cost is none.
 */
export async function findPlan(problem: Problem, options: PlanOptions): Promise<PlanOutcome> {
  const { clock, budgetMs = BUDGET_MS, signal } = options;
  const { goal, state } = problem;
  if (goal.length === 0) return failure("no_goal_set", "There is no goal: set one first");
  if (goal.every(({ atom, holds }) => state.has(atom) === holds)) {
    const nothing = { plan: [], cost: 0, relaxation: null };
    return { reason: "goal_already_satisfied", ...nothing, detail: "The goal holds already" };
  }
  try {
    const pace = new Pace(clock, budgetMs, signal);
    await pace.rest();
    return await look(problem, pace, options);
  } catch (cause) {
    if (cause instanceof OutOfMemory) return failure("planner_memout", cause.message);
    if (!(cause instanceof OutOfTime)) throw cause;
    const detail =
      cause.why === "aborted" ? "Planning was stopped" : `No plan within ${budgetMs} ms`;
    return failure("planner_timeout", detail);
  }
}

async function look(
  problem: Problem,
  pace: Pace,
  { nodesMax = NODES_MAX, relax = false }: PlanOptions,
): Promise<PlanOutcome> {
  const { goal } = problem;
  const solver = await Solver.of(problem, pace, nodesMax);
  const obstacles = solver.obstacles(goal);
  const found = obstacles.length > 0 ? undefined : await solver.solve(goal);
  if (found !== undefined) {
    const detail = `A plan of ${count(found.plan.length, "step")}`;
    return { reason: "plan_found", ...found, detail, relaxation: null };
  }
  const outcome =
    obstacles.length > 0
      ? failure("goal_unreachable", explain(obstacles))
      : failure("no_plan_found", "Every reachable state was seen: none satisfies the goal");
  return relax ? { ...outcome, relaxation: await relaxed(solver, goal, obstacles) } : outcome;
}

function failure(reason: PlanOutcome["reason"], detail: string): PlanOutcome {
  return { reason, plan: null, cost: null, detail, relaxation: null };
}

function explain(obstacles: readonly Blocked[]): string {
  const told = obstacles
    .slice(0, PARTS_TOLD)
    .map((each) => `${spell(each)} (${each.detail})`)
    .join(", ");
  const more = obstacles.length - PARTS_TOLD;
  return `No allowed sequence of steps can reach ${told}${more > 0 ? ` and ${more} more` : ""}`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
