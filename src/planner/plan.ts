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
import { atomParts } from "../core/atom.ts";
import type { Literal } from "../core/condition.ts";
import { assert } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { type Grounding, ground, literal, toGroundStep } from "./ground.ts";
import { Heuristic } from "./heuristic.ts";
import { improve } from "./improve.ts";
import { OutOfMemory, OutOfTime, Pace } from "./pace.ts";
import type { GroundStep, Problem, Relaxation } from "./problem.ts";
import { search } from "./search.ts";
import { shorten } from "./shorten.ts";
import { pack } from "./task.ts";
import { validatePlan } from "./validate.ts";

export type { Blocked, Blocker, GroundStep, Problem, Relaxation } from "./problem.ts";

/** Time to look for a plan, in milliseconds, unless the caller says otherwise. */
export const BUDGET_MS = 10_000;
/** States that a search may keep, unless the caller says otherwise. */
export const NODES_MAX = 1_000_000;

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
    /** A goal atom cannot come about even if nothing were ever lost. */
    | "goal_unreachable"
    | "planner_timeout"
    | "planner_memout";
  /** Empty when the goal is satisfied already, null when there is none. */
  readonly plan: readonly GroundStep[] | null;
  /** What the plan's steps cost together; null when there is no plan. */
  readonly cost: number | null;
  /** The outcome in plain words. */
  readonly detail: string;
  /** With `relax`, when there is no plan: why, and what can be had. Else null. */
  readonly relaxation: Relaxation | null;
}

/**
 * Looks for a plan. The same problem gives the same plan; it is short but not always shortest.
 *
 * @throws {ServantError} `atom.malformed` when a definition, the state or the goal is not text
 *   that reads as atoms.
 */
export async function findPlan(problem: Problem, options: PlanOptions): Promise<PlanOutcome> {
  const { clock, budgetMs = BUDGET_MS, signal, nodesMax = NODES_MAX } = options;
  if (problem.goal.length === 0) {
    return failure("no_goal_set", "There is no goal: set one first");
  }
  if (isSatisfied(problem)) {
    const nothing = { plan: [], cost: 0, detail: "The goal holds already", relaxation: null };
    return { reason: "goal_already_satisfied", ...nothing };
  }
  try {
    const pace = new Pace(clock, budgetMs, signal);
    await pace.rest();
    return await look(problem, pace, nodesMax);
  } catch (cause) {
    if (cause instanceof OutOfMemory) return failure("planner_memout", cause.message);
    if (!(cause instanceof OutOfTime)) throw cause;
    const detail =
      cause.why === "aborted" ? "Planning was stopped" : `No plan within ${budgetMs} ms`;
    return failure("planner_timeout", detail);
  }
}

async function look(problem: Problem, pace: Pace, nodesMax: number): Promise<PlanOutcome> {
  const grounding = await ground(problem, pace);
  const goal = problem.goal.map(({ atom, holds }) => ({
    number: grounding.atoms.number(grounding.atoms.pattern(atom)),
    atom,
    holds,
  }));
  const unreachable = goal.filter(({ number, holds }) => !grounding.canBe(literal(number, holds)));
  if (unreachable.length > 0) return failure("goal_unreachable", explain(problem, unreachable));
  const wanted = new Set(goal.map(({ number, holds }) => literal(number, holds)));
  const torn = goal.filter(({ number, holds }) => wanted.has(literal(number, !holds)));
  if (torn.length > 0) {
    return failure("goal_unreachable", `The goal wants ${torn[0]?.atom} both true and false`);
  }
  const task = pack(grounding, [...wanted]);
  const heuristic = new Heuristic(task);
  const found = await search(task, heuristic, pace, nodesMax);
  if (found === undefined) {
    return failure("no_plan_found", "Every reachable state was seen: none satisfies the goal");
  }
  const first = await shorten(task, found, pace);
  const operators = await shorten(task, await improve(task, first, heuristic, pace), pace);
  const plan = operators.map((index) => priced(problem, step(grounding, task.operators[index])));
  const validation = validatePlan(problem, plan);
  assert(validation.valid, `a found plan is valid: ${JSON.stringify(validation)}`);
  const detail = `A plan of ${count(plan.length, "step")}`;
  return { reason: "plan_found", plan, cost: validation.cost, detail, relaxation: null };
}

function step({ atoms }: Grounding, operator: Grounding["operators"][number] | undefined) {
  assert(operator !== undefined, "a plan is made of known operators");
  return toGroundStep(atoms, operator.schema, operator.binding);
}

function priced({ cost, transitions }: Problem, taken: GroundStep): GroundStep {
  const def = transitions.find(({ name }) => name === taken.transition);
  return { ...taken, cost: cost?.(taken) ?? def?.cost ?? 1 };
}

function isSatisfied({ goal, state }: Problem): boolean {
  return goal.every(({ atom, holds }) => state.has(atom) === holds);
}

function failure(reason: PlanOutcome["reason"], detail: string): PlanOutcome {
  return { reason, plan: null, cost: null, detail, relaxation: null };
}

function explain(problem: Problem, unreachable: readonly Literal[]): string {
  const reasons = unreachable.map(({ atom, holds }) => {
    const { fluent, args } = atomParts(atom);
    const unknown = args.find((arg) => problem.objects.every(({ name }) => name !== arg));
    if (problem.fluents.every(({ name }) => name !== fluent)) {
      return `${atom} (there is no fluent "${fluent}")`;
    }
    if (unknown !== undefined) return `${atom} (there is no object "${unknown}")`;
    return holds ? atom : `not ${atom}`;
  });
  return `No allowed sequence of steps can reach ${reasons.join(", ")}`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
