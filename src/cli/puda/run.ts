/** `agent puda run`: a batch of commands; on a terminal its steps advance as they happen. */
import { readFileSync } from "node:fs";
import { messageOf, ServantError } from "../../core/errors.ts";
import {
  type BatchCommand,
  type BatchResult,
  readBatch,
  type StepResult,
} from "../../puda/index.ts";
import { drawSteps, StepList } from "../call/step-list.ts";
import { LiveBlock } from "../live-block.ts";
import { durationText, type Output, printable } from "../output.ts";
import { codeOf, commandText, dataText, doubtText, stepJson, whyText } from "./answer-text.ts";
import { type PudaCommandOptions, type PudaContext, withService } from "./context.ts";
import { tellStep } from "./tell-step.ts";

export interface RunOptions extends PudaCommandOptions {
  readonly runId?: string;
}

export async function run(file: string, options: RunOptions): Promise<number> {
  const batch = readBatch(textIn(file)); // before anything is asked of a server
  return withService(options, async (context) => {
    const { service, out, json, stop, timeoutMs } = context;
    const startedAtMs = performance.now();
    const display = json ? silent : out.isTerminal ? live(context, batch.commands) : lines(out);
    let result: BatchResult;
    try {
      const { runId } = options;
      const waiting = { runId, timeoutMs, signal: stop };
      const { started: onStart, finished: onStep } = display;
      result = await service.sendQueueCommands(batch, { ...waiting, onStart, onStep });
    } finally {
      display.end();
    }
    if (json) out.json(resultJson(result));
    else summarize(result, performance.now() - startedAtMs, out);
    if (result.isSuccess) return 0;
    const failed = result.steps.find(({ answer }) => answer?.isSuccess !== true);
    return failed === undefined ? 1 : codeOf(failed, stop);
  });
}

function textIn(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (cause) {
    throw new ServantError("usage.invalid", `Cannot read "${file}": ${messageOf(cause)}`);
  }
}

function resultJson({ runId, isSuccess, steps, total, notCompleted }: BatchResult) {
  return {
    run_id: runId,
    success: isSuccess,
    total,
    steps: steps.map(stepJson),
    not_completed: notCompleted,
  };
}

function summarize(result: BatchResult, tookMs: number, { line, paint }: Output): void {
  const { steps, total, isSuccess, runId } = result;
  const done = steps.filter(({ answer }) => answer?.isSuccess === true).length;
  const told = `${done} of ${total} ${total === 1 ? "step" : "steps"} in ${durationText(tookMs)}`;
  line(isSuccess ? paint.green(told) : paint.red(told));
  for (const step of steps) {
    const doubt = doubtText(step, runId);
    if (doubt !== undefined) line(doubt);
  }
  line(paint.dim(`run ${printable(runId)}`));
}

interface Display {
  readonly started: (command: BatchCommand) => void;
  readonly finished: (result: StepResult) => void;
  readonly end: () => void;
}

const silent: Display = { started: () => {}, finished: () => {}, end: () => {} };

function lines(out: Output): Display {
  return { ...silent, finished: (result) => tellStep(result, out) };
}

/** All steps at the foot of the terminal; above them what each has measured, once it is over. */
function live({ out, leaveNoticesTo }: PudaContext, commands: readonly BatchCommand[]): Display {
  const list = new StepList();
  list.planned(commands.map(commandText));
  const draw = () => drawSteps(list.steps, performance.now(), out.paint, out.columns);
  const block = new LiveBlock(out, draw);
  leaveNoticesTo((text) => block.above(text));
  return {
    started: (command) => {
      const now = performance.now();
      list.started(commandText(command), now, now);
    },
    finished: (result) => {
      const { answer } = result;
      const text = commandText(result);
      list.finished(text, answer?.isSuccess === true, whyText(result), performance.now());
      const data = answer === undefined ? undefined : dataText(answer);
      if (data !== undefined) block.above(`${out.paint.dim(text)}\n  ${data}\n`);
    },
    end: () => {
      leaveNoticesTo(undefined);
      block.end();
    },
  };
}
