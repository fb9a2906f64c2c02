/** `agent puda send`: one command and its answer. */
import { ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { nearest } from "../../core/nearest.ts";
import type { StepResult } from "../../puda/index.ts";
import { IMMEDIATE_NAMES } from "../../wire/puda.ts";
import { warn } from "../output.ts";
import { codeOf, doubtText, stepJson } from "./answer-text.ts";
import { type PudaCommandOptions, type PudaContext, withService } from "./context.ts";
import { paramsFrom } from "./params.ts";
import { tellStep } from "./tell-step.ts";

export interface SendOptions extends PudaCommandOptions {
  readonly immediate?: boolean;
  readonly queue?: boolean;
  readonly runId?: string;
  readonly step?: number;
}

/** Those that say of which run they are, and mean nothing without. */
const OF_A_RUN: readonly string[] = ["start", "complete", "cancel"];

export async function send(
  machine: string,
  name: string,
  words: readonly string[],
  options: SendOptions,
): Promise<number> {
  const params = paramsFrom(words); // before anything is asked of a server
  const isImmediate = actsAtOnce(name, options);
  if (isImmediate && OF_A_RUN.includes(name.toLowerCase()) && options.runId === undefined) {
    const where = `\`agent puda watch ${machine}\` shows the one that is open`;
    const problem = `Cannot send "${name}": name its run with --run-id; ${where}`;
    throw new ServantError("usage.invalid", problem);
  }
  return withService(options, async (context) => {
    const { out, json, stop } = context;
    const result = await exchanged(context, { machine, name, params, isImmediate }, options);
    if (json) out.json({ run_id: result.runId, ...stepJson(result.step) });
    else tellStep(result.step, out);
    const doubt = doubtText(result.step, result.runId ?? "");
    if (doubt !== undefined) warn(doubt);
    return result.step.answer?.isSuccess === true ? 0 : codeOf(result.step, stop);
  });
}

function actsAtOnce(name: string, { immediate = false, queue = false }: SendOptions): boolean {
  if (immediate && queue) {
    throw new ServantError("usage.invalid", "Cannot send it both ways: --immediate or --queue");
  }
  const names: readonly string[] = IMMEDIATE_NAMES;
  if (!immediate) return !queue && names.includes(name.toLowerCase());
  if (names.includes(name.toLowerCase())) return true;
  const near = nearest(name, names);
  const advice = near === undefined ? `there are ${names.join(", ")}` : `did you mean ${near}?`;
  throw new ServantError(
    "usage.invalid",
    `Cannot send "${name}" as an immediate command: ${advice}`,
  );
}

interface Wanted {
  readonly machine: string;
  readonly name: string;
  readonly params: JsonObject;
  readonly isImmediate: boolean;
}

async function exchanged(
  { service, stop, timeoutMs }: PudaContext,
  { isImmediate, ...command }: Wanted,
  { runId, step = 1 }: SendOptions,
): Promise<{ runId: string | null; step: StepResult }> {
  const waiting = { timeoutMs, signal: stop };
  if (!isImmediate && runId === undefined) {
    const result = await service.sendQueueCommands([{ ...command, step }], waiting);
    return { runId: result.runId, step: result.steps[0] as StepResult };
  }
  const startedAtMs = performance.now();
  const answer = isImmediate
    ? await service.sendImmediateCommand({ ...command, runId, step: 0 }, waiting)
    : await service.sendQueueCommand({ ...command, runId: runId ?? "", step }, waiting);
  const tookMs = performance.now() - startedAtMs;
  const told = { ...command, step: answer.step, tookMs, answer, failure: undefined };
  return { runId: answer.runId, step: told };
}
