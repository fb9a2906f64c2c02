/** How a command is told to stop. */
import { ServantError } from "../core/errors.ts";

export interface StopSignals {
  /** Finish what has started, then end. */
  readonly stop: AbortSignal;
  /** End now. */
  readonly hurry: AbortSignal;
}

/** SIGTERM, SIGINT and SIGHUP: the first stops in peace, the second in a hurry. */
export function stopSignals(): StopSignals {
  const stop = new AbortController();
  const hurry = new AbortController();
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) hurry.abort();
      stop.abort(new ServantError("agent.draining", `Cannot go on: ${name}`));
    });
  }
  return { stop: stop.signal, hurry: hurry.signal };
}

/** Resolves at the abort. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
