/**
 * Which run a machine is in, as a rule: a run begins by `start` and ends by `complete`, `cancel`,
 * `reset`, or with its first command that fails. Commanders of the first generation start none: their
 * first command begins its run, and such a run gives way to another as soon as nothing runs.
 */
import type { ErrorCode } from "../../core/errors.ts";
import type { ResponseCode } from "../../wire/puda.ts";

export interface Runs {
  readonly active?: { readonly id: string; readonly isImplicit: boolean };
  /** Runs that were called off, latest last: what is left of them in the queue must not start. */
  readonly cancelled: readonly string[];
}

/** So many runs that were called off are remembered. */
export const CANCELLED_MAX = 256;

export const noRuns: Runs = { cancelled: [] };

export interface Refusal<Code> {
  readonly code: Code;
  readonly problem: string;
}
/** What has become of the runs, or why not what was asked; a refused cancel is remembered all the same. */
export type Step<Code = ResponseCode> =
  | { readonly runs: Runs }
  | { readonly refused: Refusal<Code>; readonly runs?: Runs };

const missing = (name: string) => refused("MISSING_RUN_ID", `Cannot ${name} a run: it has no id`);

/** `isBusy`: a command runs now. */
export function start(runs: Runs, id: string | null, isBusy: boolean): Step {
  if (!id) return missing("start");
  const { active } = runs;
  if (active !== undefined && (!active.isImplicit || isBusy)) {
    const why = active.id === id ? "it is started already" : `run ${active.id} is active`;
    return refused("RUN_ID_MISMATCH", `Cannot start run ${id}: ${why}`);
  }
  const cancelled = runs.cancelled.filter((each) => each !== id);
  return { runs: { cancelled, active: { id, isImplicit: false } } };
}

export function complete(runs: Runs, id: string | null): Step {
  if (!id) return missing("complete");
  if (runs.active?.id !== id) {
    return refused("RUN_ID_MISMATCH", `Cannot complete run ${id}: ${whichIs(runs)}`);
  }
  return { runs: withoutActive(runs) };
}

/**
 * `running` is the run whose command runs now, ended or not. A cancel goes by a stream of its own and
 * may come before the command that begins its run: that one must not start afterwards.
 */
export function cancel(runs: Runs, id: string | null, running: string | undefined): Step {
  if (!id) return missing("cancel");
  const { active } = runs;
  const remembered = [...runs.cancelled.filter((each) => each !== id), id].slice(-CANCELLED_MAX);
  if (active?.id === id) return { runs: { cancelled: remembered } };
  if (running === id) return { runs: { ...runs, cancelled: remembered } };
  const early = { runs: { ...runs, cancelled: remembered } };
  if (active !== undefined) {
    const problem = `Cannot cancel run ${id}: ${whichIs(runs)}`;
    return { ...refused("RUN_ID_MISMATCH", problem), ...early };
  }
  return { ...refused("NO_EXECUTION", `Cannot cancel run ${id}: nothing runs`), ...early };
}

export function reset(runs: Runs): Runs {
  return withoutActive(runs);
}

/** A command of this run failed. */
export function ended(runs: Runs, id: string): Runs {
  return runs.active?.id === id ? withoutActive(runs) : runs;
}

export interface Asked {
  readonly runId: string;
  readonly isFirstGeneration: boolean;
}

/**
 * Whether a queue command may run now. `takesImplicit`: commands of the first generation begin their
 * runs.
 */
export function admit(
  runs: Runs,
  { runId, isFirstGeneration }: Asked,
  isBusy: boolean,
  takesImplicit: boolean,
): Step<ErrorCode> {
  const { active, cancelled } = runs;
  if (active?.id === runId && runId !== "") return { runs };
  const problem = `Cannot run it for run ${runId}: ${whichIs(runs)}`;
  if (isFirstGeneration && cancelled.includes(runId)) {
    return refused("run.cancelled", "Command cancelled");
  }
  const isFree = active === undefined || (active.isImplicit && !isBusy);
  if (!isFirstGeneration || !takesImplicit || !isFree || runId === "") {
    return refused("run.mismatch", problem);
  }
  return { runs: { ...runs, active: { id: runId, isImplicit: true } } };
}

function whichIs({ active }: Runs): string {
  return active === undefined
    ? "no run is active; send START to start one"
    : `run ${active.id} is active`;
}

function withoutActive({ cancelled }: Runs): Runs {
  return { cancelled };
}

function refused<const Code extends string>(
  code: Code,
  problem: string,
): { readonly refused: Refusal<Code> } {
  return { refused: { code, problem } };
}
