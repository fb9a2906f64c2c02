/** Carries a batch out: one group after another within one run, until the first that fails. */
import { type ServantError, toServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Answer } from "./answer.ts";
import { type Batch, groupsOf, type Numbered } from "./batch.ts";
import type { CommandService, SendOptions } from "./command-service.ts";
import { TIMEOUT_MS } from "./timeouts.ts";

export interface StepResult {
  readonly machine: string;
  readonly name: string;
  readonly params: JsonObject;
  readonly step: number;
  readonly tookMs: number;
  /** The machine's; undefined when there was none. */
  readonly answer: Answer | undefined;
  /** Why there was no answer: a time-out, an abort, a server that refused. */
  readonly failure: ServantError | undefined;
}

export interface BatchResult {
  readonly runId: string;
  /** Every command was answered with success. */
  readonly isSuccess: boolean;
  /** Those that were sent, in order; what comes after the first failure is not. */
  readonly steps: readonly StepResult[];
  readonly total: number;
  /** Machines that did not confirm the end of the run, and why. */
  readonly notCompleted: Readonly<Record<string, string>>;
}

export interface BatchOptions extends SendOptions {
  readonly runId?: string | undefined;
  readonly onStart?: ((command: Numbered) => void) | undefined;
  readonly onStep?: ((result: StepResult) => void) | undefined;
}

type Service = Pick<CommandService, "startRun" | "completeRun" | "sendQueueCommand">;

export async function runBatch(
  service: Service,
  batch: Batch,
  options: BatchOptions,
): Promise<BatchResult> {
  const groups = groupsOf(batch.commands);
  const { signal, timeoutMs, runId: wanted } = options;
  const machines = batch.commands.map(({ machine }) => machine);
  // Who is in a hurry is so from the start on; a patient one still learns soon that nobody is there.
  const isHurried = timeoutMs !== undefined && timeoutMs < TIMEOUT_MS.immediate;
  const hurry = isHurried ? { timeoutMs } : {};
  const runId = await service.startRun(machines, { signal, runId: wanted, ...hurry });
  const steps: StepResult[] = [];
  let notCompleted = {};
  try {
    for (const group of groups) {
      const results = await Promise.all(group.map((each) => step(service, runId, each, options)));
      steps.push(...results);
      if (!results.every(succeeded)) break;
    }
  } finally {
    // Without the caller's signal: what was started is ended, after an abort too.
    notCompleted = await service.completeRun(runId);
  }
  const total = batch.commands.length;
  const isSuccess = steps.length === total && steps.every(succeeded);
  return { runId, isSuccess, steps, total, notCompleted };
}

async function step(
  service: Service,
  runId: string,
  command: Numbered,
  { onStart, onStep, timeoutMs, signal }: BatchOptions,
): Promise<StepResult> {
  onStart?.(command);
  const startedAtMs = performance.now();
  const told = (answer: Answer | undefined, failure: ServantError | undefined) => {
    const tookMs = performance.now() - startedAtMs;
    const result = { ...command, tookMs, answer, failure };
    onStep?.(result);
    return result;
  };
  let answer: Answer;
  try {
    answer = await service.sendQueueCommand({ ...command, runId }, { timeoutMs, signal });
  } catch (cause) {
    return told(undefined, toServantError(cause));
  }
  return told(answer, undefined);
}

function succeeded({ answer }: StepResult): boolean {
  return answer?.isSuccess === true;
}
