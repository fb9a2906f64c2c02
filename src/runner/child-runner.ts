/**
 * Runs a plugin in a child process and replaces the child when it breaks: a crash, an exit or an
 * endless loop costs the assignments that ran in it, never the agent.
 */
import type { Assignment, Result } from "../core/assignment.ts";
import { ServantError } from "../core/errors.ts";
import type { Clock, Offer, Runner } from "../core/ports.ts";
import { type Loaded, PluginProcess, type ProcessOptions } from "./plugin-process.ts";

/** How long a handler may go on after its signal aborted, before its process is killed. */
export const ABORT_GRACE_MS = 10_000;
/** How often a busy child is asked whether its event loop still turns. */
const PING_INTERVAL_MS = 1_000;
/** How long a child may take to end after its channel closed. */
const CLOSE_GRACE_MS = 2_000;

export interface ChildRunnerOptions extends ProcessOptions {
  readonly clock: Clock;
  /** How long a busy event loop may stay silent. */
  readonly hangTimeoutMs: number;
}

/** Starts the child; resolves when the plugin is loaded. @throws {ServantError} `plugin.*` */
export async function openChildRunner(options: ChildRunnerOptions): Promise<Runner> {
  const first = new PluginProcess(options);
  try {
    const { offer } = await first.loaded;
    options.publish({ type: "child.started", pid: first.pid });
    return new ChildRunner(first, offer, options);
  } catch (cause) {
    await first.close(0);
    throw cause;
  }
}

class ChildRunner implements Runner {
  readonly offer: Offer;
  readonly #options: ChildRunnerOptions;
  #process: PluginProcess;
  #watched: PluginProcess | undefined;

  constructor(process: PluginProcess, offer: Offer, options: ChildRunnerOptions) {
    this.#process = process;
    this.offer = offer;
    this.#options = options;
  }

  async run(assignment: Assignment, signal: AbortSignal): Promise<Result> {
    if (this.#process.isEnded) this.#replace();
    const process = this.#process;
    const loaded = await this.#loaded(process);
    const limit = new TimeLimit(loaded, assignment, signal, process);
    const run = process.run(assignment, limit.signal);
    void this.#watch(process);
    try {
      return await run;
    } finally {
      limit.end();
    }
  }

  close(): Promise<void> {
    return this.#process.close(CLOSE_GRACE_MS);
  }

  #replace(): void {
    this.#process = new PluginProcess(this.#options);
    this.#options.publish({ type: "child.started", pid: this.#process.pid });
  }

  async #loaded(process: PluginProcess): Promise<Loaded> {
    try {
      return await process.loaded;
    } catch (cause) {
      await process.close(0);
      throw new ServantError("handler.crashed", `Cannot load the plugin again: ${cause}`, {
        cause,
      });
    }
  }

  /** While the child is busy, asks it now and then; a silent one is hung and killed. */
  async #watch(process: PluginProcess): Promise<void> {
    if (this.#watched === process) return;
    this.#watched = process;
    const { clock, hangTimeoutMs } = this.#options;
    while (process.isBusy && !process.isEnded) {
      await clock.sleep(PING_INTERVAL_MS);
      const askedAt = clock.monotonic();
      if (!process.isBusy || (await process.answersWithin(hangTimeoutMs))) continue;
      // A parent that itself stalled (stopped, suspended) has no right to judge.
      const stalled = clock.monotonic() - askedAt > hangTimeoutMs * 1.5;
      if (stalled) continue;
      const seconds = hangTimeoutMs / 1000;
      process.kill(
        new ServantError("handler.hung", `Cannot go on: no answer from its loop for ${seconds} s`),
      );
      break;
    }
    if (this.#watched === process) this.#watched = undefined;
  }
}

/** Joins the caller's abort and the action's own time limit; after either, kills at the grace. */
class TimeLimit {
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #timers: Timer[] = [];
  readonly #outer: AbortSignal;
  readonly #onOuter: () => void;

  constructor(
    { timeouts }: Loaded,
    assignment: Assignment,
    outer: AbortSignal,
    process: PluginProcess,
  ) {
    this.signal = this.#abort.signal;
    this.#outer = outer;
    this.#onOuter = () => this.#abort.abort(outer.reason);
    this.signal.addEventListener("abort", () => {
      const kill = () => process.kill(this.signal.reason as ServantError);
      this.#timers.push(setTimeout(kill, ABORT_GRACE_MS));
    });
    const name = assignment.kind === "action" ? assignment.transition : undefined;
    const limitMs = name === undefined ? undefined : timeouts[name];
    if (limitMs !== undefined) {
      const late = new ServantError("handler.timeout", `Cannot finish "${name}" in ${limitMs} ms`);
      this.#timers.push(setTimeout(() => this.#abort.abort(late), limitMs));
    }
    if (outer.aborted) this.#onOuter();
    else outer.addEventListener("abort", this.#onOuter, { once: true });
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#outer.removeEventListener("abort", this.#onOuter);
  }
}
