/** How `agent puda` shows commands and their answers. */
import { exitCodes, isServantError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { type Answer, type BatchCommand, failureOf, type StepResult } from "../../puda/index.ts";
import { printable } from "../output.ts";
import { INTERRUPTED } from "./context.ts";

/** `balance weigh(settle_ms=2000)` */
export function commandText({ machine, name, params = {} }: BatchCommand): string {
  const given = Object.entries(params).map(([key, value]) => `${key}=${plain(value)}`);
  return printable(`${machine} ${name}(${given.join(", ")})`);
}

function plain(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a machine measured, on one line; undefined when it is nothing. */
export function dataText({ data }: Answer): string | undefined {
  return data === null || Object.keys(data).length === 0
    ? undefined
    : printable(JSON.stringify(data));
}

/** An answer as a program reads it, in the words of the wire. */
export function answerJson(answer: Answer): JsonObject {
  const { isSuccess, code, message, data, completedAt } = answer;
  const status = isSuccess ? "success" : "error";
  return { status, code, message, data, completed_at: completedAt };
}

export function stepJson(result: StepResult): JsonObject {
  const { machine, name, step, tookMs, answer, failure } = result;
  return {
    machine_id: machine,
    name,
    step_number: step,
    took_ms: Math.round(tookMs),
    response: answer === undefined ? null : answerJson(answer),
    ...(failure === undefined ? {} : { failure: { code: failure.code, detail: failure.message } }),
  };
}

/** Why a step did not succeed; empty when it did. */
export function whyText({ answer, failure }: StepResult): string {
  if (failure?.code === "agent.draining") return "interrupted while it waited for the answer";
  if (failure !== undefined) return printable(failure.message);
  return answer === undefined || answer.isSuccess ? "" : printable(failureOf(answer));
}

/** These were never sent, so that nothing is at work. */
const NOT_SENT = ["backend.unreachable", "command.duplicate", "machine.absent"];

/** What to do about a step that has no answer; undefined when nobody is in doubt about it. */
export function doubtText({ machine, failure }: StepResult, runId: string): string | undefined {
  if (failure === undefined || NOT_SENT.includes(failure.code)) return undefined;
  const [id, run] = [printable(machine), printable(runId)];
  return `"${id}" may still be at work; \`agent puda send ${id} cancel --run-id ${run}\` stops it`;
}

/** The exit code of a step that did not succeed. */
export function codeOf({ failure }: StepResult, stop: AbortSignal): number {
  if (stop.aborted) return INTERRUPTED;
  return isServantError(failure) ? exitCodes[failure.kind] : exitCodes.permanent;
}
