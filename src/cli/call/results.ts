/** What was carried out, as lines: each attempt with a mark, the steps of blocks and scripts below it. */
import type { StepAnswer } from "../../client/answers.ts";
import { exitCodes } from "../../core/errors.ts";
import { isJsonObject } from "../../core/json.ts";
import { durationText, type Output, printable } from "../output.ts";
import type { CallContext } from "./context.ts";
import { drawSteps, type Step, stepText } from "./step-list.ts";

/** One line for each result and each of its steps; `known` has what is known of the first ones. */
export function drawResults(
  results: readonly StepAnswer[],
  out: Output,
  known: (index: number) => Partial<Step> | undefined = () => undefined,
): string[] {
  const steps = results.flatMap((result, index) => {
    const { text = `step ${index + 1}`, ...rest } = known(index) ?? {};
    return [{ ...rest, ...stepOf(result, text) }, ...within(result, "  ")];
  });
  return drawSteps(steps, 0, out.paint, out.isTerminal ? out.columns : Number.POSITIVE_INFINITY);
}

function stepOf(result: StepAnswer, otherwise: string, indent = ""): Step {
  return {
    text: indent + (nameOf(result) ?? otherwise),
    phase: result.success ? "done" : result.under_way === true ? "running" : "failed",
    message: result.message ?? "",
  };
}

/** The steps of a plan block or a script, the results of an order block. */
function within(result: StepAnswer, indent: string): Step[] {
  const inner = [result.steps, result.results].find(Array.isArray) ?? [];
  return inner.filter(isJsonObject).flatMap((each): Step[] => {
    const { success } = each;
    const answer = {
      ...each,
      success: success === true,
      under_way: success === null,
    } as StepAnswer;
    return [stepOf(answer, "step", indent), ...within(answer, `${indent}  `)];
  });
}

/** What a result says it is of; undefined when it does not. */
function nameOf(result: StepAnswer): string | undefined {
  const names = [result.action_name, result.transition, result.action];
  if (names.some((name) => name !== undefined)) return stepText(result);
  const { type, goal, name } = result;
  if (Array.isArray(goal)) return printable(`plan for ${goal.join(", ")}`);
  if (type === "order" && typeof name === "string" && name !== "") return printable(name);
  return typeof type === "string" && type !== "action" ? printable(type) : undefined;
}

/** The last line and the exit code. */
export function summarize(
  results: readonly StepAnswer[],
  tookMs: number,
  { out }: CallContext,
  unit: "step" | "block" = "step",
): number {
  const last = results.at(-1);
  const took = durationText(tookMs);
  if (last?.success === true) {
    const done = results.filter(({ success }) => success).length;
    const failed = results.length - done;
    const note = failed === 0 ? "" : `, ${failed} failed on the way`;
    const count = done === 1 ? `1 ${unit}` : `${done} ${unit}s`;
    out.line(`${out.paint.green("done")}: ${count} in ${took}${note}`);
    return 0;
  }
  const why = last?.message ? `: ${printable(last.message)}` : "";
  process.stderr.write(
    `agent: The ${unit === "step" ? "plan" : "mission"} failed after ${took}${why}\n`,
  );
  return exitCodes.permanent;
}
