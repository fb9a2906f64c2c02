/** `agent call execute`: carries the plan out; on a terminal its steps advance as they happen. */
import type { PlanAnswer, StepAnswer } from "../../client/answers.ts";
import { exitCodes } from "../../core/errors.ts";
import { durationText, printable } from "../output.ts";
import { type CallContext, type CallOptions, withBackend } from "./context.ts";
import { LiveSteps } from "./live-steps.ts";
import { reportNoPlan } from "./plan.ts";
import { drawSteps, type Step, stepText } from "./step-list.ts";

export function execute(options: CallOptions): Promise<number> {
  return withBackend(options, async (context) => {
    const { out, json } = context;
    if (json) return executeForProgram(context);
    const startedAtMs = performance.now();
    let planned: PlanAnswer["plan"] = [];
    let results: readonly StepAnswer[];
    if (out.isTerminal) {
      planned = await context.orchestrator.plan();
      if (planned === null) return reportNoPlan(context);
      results = planned.length === 0 ? [] : await executeLive(context, planned.map(stepText));
    } else {
      results = await context.orchestrator.executePlan();
      for (const line of drawResults(results, [], context)) out.line(line);
    }
    if (results.length === 0) return reportNothingDone(context, planned);
    return summarize(results, performance.now() - startedAtMs, context);
  });
}

async function executeForProgram(context: CallContext): Promise<number> {
  const results = await context.orchestrator.executePlan();
  context.out.json(results);
  if (results.length > 0) return results.at(-1)?.success === true ? 0 : exitCodes.permanent;
  const steps = await context.orchestrator.plan();
  return steps === null ? reportNoPlan({ ...context, json: false }) : 0;
}

async function executeLive(
  context: CallContext,
  planned: readonly string[],
): Promise<readonly StepAnswer[]> {
  const leave = () => {
    process.stderr.write(
      "\nagent: the plan goes on at the backend: see `agent call live-log -f`\n",
    );
    process.exit(130);
  };
  process.once("SIGINT", leave);
  const live = await LiveSteps.open(context.orchestrator, context.out, planned);
  try {
    const results = await context.orchestrator.executePlan();
    await live.catchUp();
    // What the log told is drawn again from the results, which are what counts.
    live.end(drawResults(results, planned, context, live.steps));
    return results;
  } catch (cause) {
    live.end();
    throw cause;
  } finally {
    process.removeListener("SIGINT", leave);
  }
}

function drawResults(
  results: readonly StepAnswer[],
  planned: readonly string[],
  { out }: CallContext,
  seen: readonly Step[] = [],
): string[] {
  const over = seen.filter(({ phase }) => phase === "done" || phase === "failed");
  const steps = results.map((result, index): Step => {
    const known = over.length === results.length ? over[index] : undefined;
    return {
      ...known,
      text: nameOf(result) ?? known?.text ?? planned[index] ?? `step ${index + 1}`,
      phase: result.success ? "done" : "failed",
      message: result.message ?? "",
    };
  });
  return drawSteps(steps, 0, out.paint, out.isTerminal ? out.columns : Number.POSITIVE_INFINITY);
}

/** What a result says it is of; undefined when it does not. */
function nameOf(result: StepAnswer): string | undefined {
  const names = [result.action_name, result.transition, result.action];
  if (names.some((name) => name !== undefined)) return stepText(result);
  const { type } = result;
  return typeof type === "string" && type !== "action" ? printable(type) : undefined;
}

function summarize(results: readonly StepAnswer[], tookMs: number, { out }: CallContext): number {
  const last = results.at(-1);
  const took = durationText(tookMs);
  if (last?.success === true) {
    const done = results.filter(({ success }) => success).length;
    const failed = results.length - done;
    const note = failed === 0 ? "" : `, ${failed} failed on the way`;
    const count = done === 1 ? "1 step" : `${done} steps`;
    out.line(`${out.paint.green("done")}: ${count} in ${took}${note}`);
    return 0;
  }
  const why = last?.message ? `: ${printable(last.message)}` : "";
  process.stderr.write(`agent: The plan failed after ${took}${why}\n`);
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
