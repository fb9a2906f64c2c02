/**
 * Runs a plugin in a child process and replaces the child when it breaks: a crash, an exit or an
 * endless loop costs the assignments that ran in it, never the agent.
 */
import type { Assignment, Result } from "../core/assignment.ts";
import { messageOf, ServantError } from "../core/errors.ts";
import type { Reconciled } from "../core/handlers.ts";
import { abortedResult } from "../core/perform.ts";
import type { Clock, Offer, Runner } from "../core/ports.ts";
import type { Loaded } from "./frames.ts";
import { PluginProcess, type ProcessOptions } from "./plugin-process.ts";
import { TimeLimit } from "./time-limit.ts";

/** How long a handler may go on after its signal aborted, before its process is killed. */
export const ABORT_GRACE_MS = 10_000;
/** How often a busy child is asked whether its event loop still turns. */
const PING_INTERVAL_MS = 1_000;
/** How long a child may take to end after its channel closed. */
const CLOSE_GRACE_MS = 2_000;

export interface ChildRunnerOptions extends ProcessOptions {
  readonly clock: Pick<Clock, "sleep">;
  /** How long a busy event loop may stay silent. */
  readonly hangTimeoutMs: number;
  /** `ABORT_GRACE_MS` unless given. */
  readonly abortGraceMs?: number;
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
  #isClosed = false;

  constructor(process: PluginProcess, offer: Offer, options: ChildRunnerOptions) {
    this.#process = process;
    this.offer = offer;
    this.#options = options;
  }

  async run(assignment: Assignment, signal: AbortSignal): Promise<Result> {
    const process = await this.#living();
    const { timeouts } = await this.#loaded(process);
    // What was cancelled while the child loaded never starts.
    if (signal.aborted) return abortedResult(assignment.auditId, signal);
    const onIgnored = {
      graceMs: this.#options.abortGraceMs ?? ABORT_GRACE_MS,
      call: (reason: ServantError) => process.kill(reason, assignment),
    };
    const limit = new TimeLimit({ assignment, timeouts, signal, onIgnored });
    try {
      const run = process.run(assignment, limit.signal);
      void this.#watch(process);
      return await run;
    } finally {
      limit.end();
    }
  }

  readonly rules = {};
  readonly isReady = true;
  changed = (): Promise<void> => new Promise(() => {});
  reconcile = (): Promise<Reconciled> => Promise.reject(new ServantError("agent.internal", ""));
  setPaused(): void {}

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#process.close(CLOSE_GRACE_MS);
  }

  /** The child, or a new one when it is gone or about to go. */
  async #living(): Promise<PluginProcess> {
    const process = this.#process;
    if (!process.isDoomed) return process;
    if (this.#isClosed) throw new ServantError("agent.draining", "Cannot start: the agent stops");
    await process.exited;
    if (this.#process === process && !this.#isClosed) {
      const next = new PluginProcess(this.#options);
      const started = () => this.#options.publish({ type: "child.started", pid: next.pid });
      next.loaded.then(started, () => {}); // a failure is told by whoever waits for it to load
      this.#process = next;
    }
    return this.#process;
  }

  async #loaded(process: PluginProcess): Promise<Loaded> {
    try {
      return await process.loaded;
    } catch (cause) {
      await process.close(0);
      throw new ServantError(
        "handler.crashed",
        `Cannot load the plugin again: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** While the child is busy, asks it now and then; a silent one is hung and killed. */
  async #watch(process: PluginProcess): Promise<void> {
    if (this.#watched === process) return;
    this.#watched = process;
    const { clock, hangTimeoutMs } = this.#options;
    while (process.isBusy && !process.isDoomed) {
      await clock.sleep(Math.min(PING_INTERVAL_MS, hangTimeoutMs));
      if (!process.isBusy || (await process.answersWithin(hangTimeoutMs))) continue;
      const seconds = hangTimeoutMs / 1000;
      process.kill(
        new ServantError("handler.hung", `Cannot go on: no answer from its loop for ${seconds} s`),
      );
    }
    if (this.#watched === process) this.#watched = undefined;
  }
}
