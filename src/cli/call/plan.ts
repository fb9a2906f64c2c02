/** `agent call plan`: the steps that lead to the goal, or why there are none. */
import { exitCodes } from "../../core/errors.ts";
import { isJsonObject, type Json } from "../../core/json.ts";
import { type Output, printable } from "../output.ts";
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

type Answering = Pick<CallContext, "orchestrator" | "out" | "json">;

/** Says why the last plan came to nothing; the exit code of a failure. `asked` is the command. */
export function reportNoPlan({ orchestrator, out, json }: Answering, asked = "plan"): number {
  const answer = orchestrator.lastPlan();
  if (json) {
    out.json(answer);
    return exitCodes.permanent;
  }
  const { reason = "no_plan_found", detail, relaxation = null } = answer ?? {};
  const isRelaxed = relaxation !== null;
  tellNoPlan({ reason, detail }, isRelaxed ? undefined : `agent call ${asked}`);
  if (isRelaxed) showRelaxation(relaxation, out);
  return exitCodes.permanent;
}

/** With what can be done about it by this command, if it is given. */
export function tellNoPlan(
  { reason, detail }: { readonly reason: string; readonly detail?: string | null | undefined },
  command: string | undefined,
): void {
  const why = detail ? `: ${detail}` : "";
  process.stderr.write(`agent: ${printable(`No plan (${reason})${why}`)}\n`);
  const hint = command === undefined ? undefined : HINTS[reason]?.replace("%s", command);
  if (hint !== undefined) process.stderr.write(`hint: ${printable(hint)}\n`);
}

/** What blocks the goal and what could be reached without it, as our backend says it; others' as it is. */
function showRelaxation(relaxation: Json, out: Output): void {
  const { blocking, goal, plan: steps } = isJsonObject(relaxation) ? relaxation : {};
  if (!Array.isArray(blocking)) {
    out.json(relaxation);
    return;
  }
  for (const each of blocking.filter(isJsonObject)) {
    const { atom, holds, detail } = each;
    const wanted = `${holds === false ? "not " : ""}${String(atom)}`;
    const why = typeof detail === "string" && detail !== "" ? `: ${detail}` : "";
    out.line(`${out.paint.red("✗")} ${printable(wanted + why)}`);
  }
  const rest = Array.isArray(goal) ? goal.map(String) : [];
  if (rest.length === 0) return;
  const reach = Array.isArray(steps) ? countText(steps.length) : "no plan was found in time";
  out.line(`${out.paint.green("✓")} ${printable(rest.join(", "))}: ${reach}`);
}

function countText(steps: number): string {
  return steps === 1 ? "in 1 step" : `in ${steps} steps`;
}

const HINTS: Readonly<Record<string, string>> = {
  no_goal_set: 'set one with `agent call goal "box_at(room_two, box_a)"`',
  goal_unreachable: "see which conditions block it with `%s --relax`",
  planner_timeout: "give it longer with --time-budget, or ask for less",
};
