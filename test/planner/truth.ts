/** Compares our verdicts and plans with those of other planners, task by task. */
import fc from "fast-check";
import { PddlSource, planText, readPddl } from "../../src/planner/pddl/read.ts";
import { findPlan, type PlanOutcome } from "../../src/planner/plan.ts";
import { validatePlan } from "../../src/planner/validate.ts";
import { systemClock } from "../../src/system/clock.ts";
import type { Judge } from "../support/planners.ts";
import { pddlInstance } from "./pddl-instances.ts";
import { type PddlTexts, pddlTask } from "./pddl-tasks.ts";
import { problems } from "./tasks.ts";
import { writePddl } from "./write-pddl.ts";

/** Every task is small; longer than this, on a crowded machine too, is a fault. */
const BUDGET_MS = 20_000;
const DECIDED: readonly PlanOutcome["reason"][] = [
  "plan_found",
  "goal_already_satisfied",
  "no_plan_found",
  "goal_unreachable",
];

export interface Truth {
  /** What Fast Downward says; undefined when it failed. */
  readonly verdict: "plan" | "none" | undefined;
  readonly steps: number;
  /** What our plan costs, and what the cheapest does. */
  readonly cost: number;
  readonly cheapest: number;
  /** True when unified-planning would not judge our plan. */
  readonly undecided: boolean;
  /** Everything in which we are wrong. */
  readonly faults: readonly string[];
}

/**
 * The task of a seed: one in three is a random domain in PDDL, one a random `Problem` written as PDDL, one
 * a random problem for a domain that makes sense.
 */
export function taskOf(seed: number): PddlTexts {
  if (seed % 3 === 0) return pddlTask(seed);
  if (seed % 3 === 1) return pddlInstance(seed);
  const [drawn] = fc.sample(problems, { seed, numRuns: 1 });
  if (drawn === undefined) throw new Error(`there is no task ${seed}`);
  const { allowed: _, ...problem } = drawn; // PDDL knows no keep-outs
  return writePddl(`task-${seed}`, problem);
}

/** Has everybody judge a task. */
export async function compare(judge: Judge, { domain, problem }: PddlTexts): Promise<Truth> {
  const task = readPddl(new PddlSource("domain", domain), new PddlSource("problem", problem));
  const outcome = await findPlan(task.problem, { clock: systemClock, budgetMs: BUDGET_MS });
  const { reason, plan } = outcome;
  const cost = outcome.cost ?? 0;
  const theirs = await judge.ask({ domain, problem, plan: plan && planText(task, plan, cost) });
  const cheapest = theirs.cost ?? 0;
  const faults = [...(theirs.faults ?? [])];
  if (theirs.error !== undefined) faults.push(theirs.error);
  if (!DECIDED.includes(reason)) faults.push(`we gave up: ${reason}`);
  if ((plan === null ? "none" : "plan") !== theirs.verdict) {
    faults.push(`we say ${reason}, they say ${theirs.verdict}`);
  }
  if (plan !== null) {
    const ours = validatePlan(task.problem, plan);
    if (!ours.valid) faults.push(`our validator: ${ours.why}`);
    if (cost < cheapest) faults.push(`${cost} is cheaper than the cheapest, ${cheapest}`);
  }
  return {
    verdict: theirs.verdict,
    steps: plan?.length ?? 0,
    cost,
    cheapest,
    undecided: theirs.undecided === true,
    faults,
  };
}
