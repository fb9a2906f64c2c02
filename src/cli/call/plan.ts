/** `agent call plan`: the steps that lead to the goal, or why there are none. */
import { exitCodes } from "../../core/errors.ts";
import { printable } from "../output.ts";
import { type CallContext, type CallOptions, withBackend } from "./context.ts";
import { stepText } from "./step-list.ts";

export type PlanCommandOptions = CallOptions & {
  readonly relax?: boolean;
  /** Seconds. */
  readonly timeBudget?: number;
};

export function plan(options: PlanCommandOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const { relax, timeBudget } = options;
    const steps = await orchestrator.plan({ relax, timeBudgetS: timeBudget });
    if (steps === null) return reportNoPlan({ orchestrator, out, json });
    if (json) out.json(steps);
    else if (steps.length === 0) out.line("The goal already holds: nothing to do.");
    else steps.forEach((step, index) => void out.line(`${index + 1}. ${stepText(step)}`));
    return 0;
  });
}

/** Says why the last plan came to nothing; the exit code of a failure. */
export function reportNoPlan({ orchestrator, out, json }: CallContext): number {
  const answer = orchestrator.lastPlan();
  if (json) {
    out.json(answer);
    return exitCodes.permanent;
  }
  const { reason = "no_plan_found", detail, relaxation } = answer ?? {};
  const why = detail ? `: ${detail}` : "";
  process.stderr.write(`agent: ${printable(`No plan (${reason})${why}`)}\n`);
  if (relaxation !== undefined && relaxation !== null) out.json(relaxation);
  const hint = HINTS[reason];
  if (hint !== undefined) process.stderr.write(`hint: ${hint}\n`);
  return exitCodes.permanent;
}

const HINTS: Readonly<Record<string, string>> = {
  no_goal_set: 'set one with `agent call goal "box_at(room_two, box_a)"`',
  goal_unreachable: "see which conditions block it with `agent call plan --relax`",
  planner_timeout: "give it longer with --time-budget, or ask for less",
};
