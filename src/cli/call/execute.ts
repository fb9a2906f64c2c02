/** `agent call execute`: carries the plan out; on a terminal its steps advance as they happen. */
import type { PlanAnswer, StepAnswer } from "../../client/answers.ts";
import { exitCodes } from "../../core/errors.ts";
import { type CallContext, type CallOptions, withBackend } from "./context.ts";
import { LiveSteps } from "./live-steps.ts";
import { reportNoPlan, tellNoPlan } from "./plan.ts";
import { drawResults, summarize } from "./results.ts";
import { type Step, stepText } from "./step-list.ts";
import { untilDone } from "./until-done.ts";

export function execute(options: CallOptions): Promise<number> {
  return withBackend(options, async (context) => {
    const { out, json, orchestrator } = context;
    if (json) return executeForProgram(context, options);
    const startedAtMs = performance.now();
    let planned: PlanAnswer["plan"] = [];
    let results: readonly StepAnswer[];
    if (out.isTerminal) {
      planned = await orchestrator.plan();
      if (planned === null) return reportNoPlan(context);
      const texts = planned.map(stepText);
      results = texts.length === 0 ? [] : await executeLive(context, options, texts);
    } else {
      results = await untilDone(options, (long) => orchestrator.executePlan(long));
      const [only] = results;
      // Nothing was tried: then this is no list of steps.
      if (only?.code === "plan.none" && results.length === 1) return reportNone(only);
      for (const line of drawResults(results, out)) out.line(line);
    }
    if (results.length === 0) return reportNothingDone(context, planned);
    return summarize(results, performance.now() - startedAtMs, context);
  });
}

async function executeForProgram(context: CallContext, options: CallOptions): Promise<number> {
  const { orchestrator, out } = context;
  const results = await untilDone(options, (long) => orchestrator.executePlan(long));
  out.json(results);
  if (results.length > 0) return results.at(-1)?.success === true ? 0 : exitCodes.permanent;
  const steps = await orchestrator.plan();
  return steps === null ? reportNoPlan({ ...context, json: false }) : 0;
}

async function executeLive(
  context: CallContext,
  options: CallOptions,
  planned: readonly string[],
): Promise<readonly StepAnswer[]> {
  const { orchestrator, out } = context;
  const live = await LiveSteps.open(context, planned);
  try {
    const results = await untilDone(options, (long) => orchestrator.executePlan(long));
    await live.catchUp();
    const over = live.steps.filter(({ phase }) => phase === "done" || phase === "failed");
    const known = (index: number): Partial<Step> | undefined => {
      if (over.length === results.length) return over[index];
      const text = planned[index];
      return text === undefined ? undefined : { text };
    };
    // What the log told is drawn again from the results, which are what counts.
    live.end(drawResults(results, out, known));
    return results;
  } catch (cause) {
    live.end();
    throw cause;
  }
}

/** Of the result of an execution that had no plan to begin with: `reason: detail`. */
function reportNone({ message }: StepAnswer): number {
  const [, reason = "no_plan_found", detail] = /^(\w+): (.*)$/s.exec(message ?? "") ?? [];
  tellNoPlan({ reason, detail: detail ?? message }, "agent call plan");
  return exitCodes.permanent;
}

/** Nothing was carried out: because the goal holds, or because there is no plan. */
async function reportNothingDone(
  context: CallContext,
  planned: PlanAnswer["plan"],
): Promise<number> {
  const steps = context.out.isTerminal ? planned : await context.orchestrator.plan();
  if (steps === null) return reportNoPlan(context);
  if (steps.length === 0) {
    context.out.line("The goal already holds: nothing to do.");
    return 0;
  }
  process.stderr.write("agent: The backend carried out nothing, though there is a plan\n");
  return exitCodes.permanent;
}
