/** Joins the caller's abort and an action's own time limit into the one signal its handler sees. */
import type { Assignment } from "../core/assignment.ts";
import { isServantError, messageOf, ServantError } from "../core/errors.ts";
import type { Plugin } from "../core/plugin.ts";

/** The longest a timer can be set, in milliseconds: 24 days. A longer limit is none. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface TimeLimitOptions {
  readonly assignment: Assignment;
  /** Milliseconds by transition. */
  readonly timeouts: Readonly<Record<string, number>>;
  /** The caller's. */
  readonly signal: AbortSignal;
  /** Called when the assignment goes on for `graceMs` after its signal aborted. */
  readonly onIgnored?: { readonly graceMs: number; call(reason: ServantError): void };
}

/** Runs from its construction until `end()`. */
export class TimeLimit {
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #timers: Timer[] = [];
  readonly #outer: AbortSignal;
  readonly #onOuter: () => void;

  constructor({ assignment, timeouts, signal, onIgnored }: TimeLimitOptions) {
    this.signal = this.#abort.signal;
    this.#outer = signal;
    this.#onOuter = () => this.#abort.abort(abortReason(signal));
    if (onIgnored !== undefined) {
      const { graceMs } = onIgnored;
      const ignored = () => onIgnored.call(abortReason(this.signal));
      this.signal.addEventListener("abort", () => this.#timers.push(setTimeout(ignored, graceMs)));
    }
    if (signal.aborted) this.#onOuter();
    else signal.addEventListener("abort", this.#onOuter, { once: true });
    const name = assignment.kind === "action" ? assignment.transition : "";
    const limitMs = Object.hasOwn(timeouts, name) ? timeouts[name] : undefined;
    if (limitMs === undefined) return;
    const late = new ServantError("handler.timeout", `Cannot finish "${name}" in ${limitMs} ms`);
    this.#timers.push(setTimeout(() => this.#abort.abort(late), limitMs));
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#outer.removeEventListener("abort", this.#onOuter);
  }
}

/** The limits that a plugin's actions set, in milliseconds by transition. */
export function timeoutsOf(plugin: Plugin): Record<string, number> {
  const timeouts: Record<string, number> = {};
  for (const [name, { mark }] of plugin.actions) {
    const limitMs = mark.kind === "action" ? mark.options.timeoutMs : undefined;
    // Infinity is no limit, and would not survive JSON.
    if (limitMs !== undefined && limitMs <= TIMER_MAX_MS) timeouts[name] = limitMs;
  }
  return timeouts;
}

/** Why it aborted; a caller's plain abort is a cancel. */
function abortReason({ reason }: AbortSignal): ServantError {
  if (isServantError(reason)) return reason;
  return new ServantError("handler.cancelled", messageOf(reason), { cause: reason });
}
