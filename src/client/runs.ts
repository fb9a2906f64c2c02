/**
 * Follows one run to its end with short questions: a link that drops in the meantime hides nothing,
 * for the backend keeps how it ended.
 */
import { isServantError, ServantError } from "../core/errors.ts";
import type { RunAnswer, StepAnswer } from "./answers.ts";

/** The first pause between two questions and the longest, in milliseconds. */
const POLL_FIRST_MS = 50;
const POLL_MAX_MS = 1_000;
/** A backend that has not answered for so long is given up, in milliseconds. */
export const OUTAGE_MAX_MS = 30 * 60_000;

export interface Following {
  /** Asks how far it is. */
  readonly ask: () => Promise<RunAnswer>;
  readonly runId: string;
  readonly signal?: AbortSignal | undefined;
  /** How long the backend may be unreachable, in milliseconds. */
  readonly outageMs?: number | undefined;
  /** Told when the backend no longer answers, and when it does again. */
  readonly warn?: ((text: string) => void) | undefined;
}

/**
 * Resolves when the run has ended, to its record.
 *
 * @throws {ServantError} `backend.*`: the backend was unreachable for too long, or knows no such run.
 */
export async function followRun(following: Following): Promise<RunAnswer> {
  const { ask, runId, signal, outageMs = OUTAGE_MAX_MS, warn } = following;
  let pauseMs = POLL_FIRST_MS;
  let heardAtMs = performance.now();
  let isSilent = false;
  for (;;) {
    try {
      const run = await ask();
      if (isSilent) warn?.(`the backend answers again about run ${runId}`);
      isSilent = false;
      if (run.status !== "running") return run;
      heardAtMs = performance.now();
    } catch (cause) {
      const isOutage = isServantError(cause) && cause.kind === "transient" && !signal?.aborted;
      if (!isOutage) throw cause;
      if (performance.now() - heardAtMs >= outageMs) throw lost(runId, cause);
      if (!isSilent) warn?.(`no answer about run ${runId}, asking on: ${cause.message}`);
      isSilent = true;
    }
    await pause(pauseMs, signal);
    if (signal?.aborted) throw stopped(runId);
    pauseMs = Math.min(pauseMs * 1.5, POLL_MAX_MS);
  }
}

/** Every result of a run; when all of them are successes but the run is none, one more says so. */
export function resultsOf(run: RunAnswer): StepAnswer[] {
  const { kind, results = [], status, message, code } = run;
  const hidesFailure = status !== "succeeded" && results.every(({ success }) => success);
  if (!hidesFailure) return results;
  const said = { success: false, message: message || status };
  return [...results, { type: kind, ...said, ...(code === undefined ? {} : { code }) }];
}

function lost(runId: string, cause: ServantError): ServantError {
  const reason = `${cause.message}; run ${runId} may go on there`;
  return new ServantError(cause.code, reason, { cause });
}

function stopped(runId: string): ServantError {
  const reason = `Cannot wait for run ${runId} any longer: it was not waited for; it goes on`;
  return new ServantError("backend.unreachable", reason);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted) done();
    else signal?.addEventListener("abort", done);
  });
}
