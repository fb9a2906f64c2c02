/** One command and how it went, as lines. */
import type { StepResult } from "../../puda/index.ts";
import { durationText, type Output, printable } from "../output.ts";
import { commandText, dataText, whyText } from "./answer-text.ts";

export function tellStep(result: StepResult, out: Output): void {
  const { tookMs, answer } = result;
  const isSuccess = answer?.isSuccess === true;
  const mark = isSuccess ? out.paint.green("✓") : out.paint.red("✗");
  const why = isSuccess ? "" : `: ${whyText(result)}`;
  out.line(`${mark} ${commandText(result)}${why}  ${durationText(tookMs)}`);
  const data = answer === undefined ? undefined : dataText(answer);
  if (data !== undefined) out.line(`  ${data}`);
  if (isSuccess && answer.message) out.line(`  ${printable(answer.message)}`);
}
