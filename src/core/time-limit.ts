/** Joins the caller's abort and an action's own time limits into the one signal its handler sees. */
import { Countdown } from "./countdown.ts";
import { isServantError, messageOf, ServantError } from "./errors.ts";
import type { ActionRules } from "./handlers.ts";
import type { Clock } from "./ports.ts";

export type Limits = Pick<ActionRules, "timeoutMs" | "progressTimeoutMs">;

export interface TimeLimitOptions {
  readonly clock: Pick<Clock, "sleep" | "monotonic">;
  /** Whose time it is, as the abort names it. */
  readonly name: string;
  readonly limits: Limits;
  /** The caller's. */
  readonly signal: AbortSignal;
  /** Called when it goes on for `graceMs` after its signal aborted. */
  readonly onIgnored?: { readonly graceMs: number; call(reason: ServantError): void };
}

/** Its time counts from `start()` to `end()`. What is not started has no time to lose. */
export class TimeLimit {
  readonly signal: AbortSignal;
  readonly #options: TimeLimitOptions;
  readonly #abort = new AbortController();
  readonly #onOuter: () => void;
  #whole: Countdown | undefined;
  #progress: Countdown | undefined;
  #grace: Countdown | undefined;
  #hasStarted = false;
  #isPaused = false;

  constructor(options: TimeLimitOptions) {
    this.#options = options;
    this.signal = this.#abort.signal;
    const { signal } = options;
    this.#onOuter = () => this.#stop(abortReason(signal));
    if (signal.aborted) this.#onOuter();
    else signal.addEventListener("abort", this.#onOuter, { once: true });
  }

  start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    if (this.signal.aborted) {
      this.#endure();
      return;
    }
    const { name, limits } = this.#options;
    const { timeoutMs, progressTimeoutMs } = limits;
    this.#whole = this.#limit(timeoutMs, `Cannot finish "${name}" in ${timeoutMs} ms`);
    this.#progress = this.#limit(
      progressTimeoutMs,
      `Cannot go on with "${name}": no progress for ${progressTimeoutMs} ms`,
    );
    this.#run();
  }

  /** The handler told of its progress. */
  progressed(): void {
    this.#progress?.reset();
  }

  /** Its limits stand still while it is paused; the grace after an abort does not. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#run();
  }

  end(): void {
    for (const each of [this.#whole, this.#progress, this.#grace]) each?.hold();
    this.#options.signal.removeEventListener("abort", this.#onOuter);
  }

  #limit(ms: number | undefined, late: string): Countdown | undefined {
    if (ms === undefined || !Number.isFinite(ms)) return undefined;
    const { clock } = this.#options;
    return new Countdown(clock, ms, () => this.#stop(new ServantError("handler.timeout", late)));
  }

  #run(): void {
    if (this.signal.aborted) return;
    for (const each of [this.#whole, this.#progress]) {
      if (this.#isPaused) each?.hold();
      else each?.start();
    }
  }

  #stop(reason: ServantError): void {
    if (this.signal.aborted) return;
    for (const each of [this.#whole, this.#progress]) each?.hold();
    this.#abort.abort(reason);
    if (this.#hasStarted) this.#endure();
  }

  #endure(): void {
    const { clock, onIgnored } = this.#options;
    if (onIgnored === undefined) return;
    const ignored = () => onIgnored.call(abortReason(this.signal));
    this.#grace = new Countdown(clock, onIgnored.graceMs, ignored);
    this.#grace.start();
  }
}

/** Why it aborted; a caller's plain abort is a cancel. */
function abortReason({ reason }: AbortSignal): ServantError {
  if (isServantError(reason)) return reason;
  return new ServantError("handler.cancelled", messageOf(reason), { cause: reason });
}
