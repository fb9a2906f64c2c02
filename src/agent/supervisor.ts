/**
 * Runs assignments in the plugin's process, whichever that is by now: a crash, an exit or an endless
 * loop costs what ran in it, never the agent. What it was given and had not started goes on in the
 * next process by itself.
 */
import { type Assignment, failedResult, type Result } from "../core/assignment.ts";
import type { ChildAnswer, ChildWork } from "../core/child.ts";
import { Countdown } from "../core/countdown.ts";
import { ServantError, toServantError } from "../core/errors.ts";
import type { HookName, HookOutcome, Reconciled } from "../core/handlers.ts";
import { abortedResult } from "../core/perform.ts";
import type { Offer, Runner } from "../core/ports.ts";
import { START_WITHIN_MS } from "./recovery.ts";
import type { MachineLedger } from "./securing.ts";
import { Succession, type SupervisorOptions } from "./succession.ts";
import { rulesOf, type Terms } from "./task.ts";

/** How long a plugin may take to say what became of an action, in milliseconds. */
export const RECONCILE_WITHIN_MS = 60_000;
/** How long a hook is waited for, in milliseconds; it goes on all the same. */
export const HOOK_WITHIN_MS = 10_000;

export type { SupervisorOptions };

export class Supervisor implements Runner {
  readonly #options: SupervisorOptions;
  readonly #processes: Succession;
  #isDraining = false;

  /** Starts the process at once; what it loads is awaited by `open`. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#processes = new Succession(options);
  }

  /**
   * Resolves when the plugin is loaded and what a restart left in doubt is known; it gets ready
   * by itself. `actedElsewhere`: an action of another backend was cut off, on the same machine.
   *
   * @throws {ServantError} `plugin.*`
   */
  async open(ledger: MachineLedger, actedElsewhere = false): Promise<this> {
    await this.#processes.open(ledger, actedElsewhere);
    return this;
  }

  get offer(): Offer {
    return this.#processes.offer;
  }

  get rules(): Runner["rules"] {
    return this.#processes.rules;
  }

  get isReady(): boolean {
    return this.#processes.ready !== undefined;
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#processes.bell.rung(signal);
  }

  async run(assignment: Assignment, signal: AbortSignal): Promise<Result> {
    const { auditId, kind } = assignment;
    const rules = kind === "action" ? rulesOf(this.rules, assignment.transition) : {};
    const terms = { signal, limits: rules, hangTimeoutMs: rules.hangTimeoutMs };
    const answer = await this.#do({ type: "run", assignment }, terms, START_WITHIN_MS);
    if (answer?.type === "result") return answer.result;
    // What was cancelled while it waited for its process never starts.
    if (signal.aborted) return abortedResult(auditId, signal);
    const problem = `Cannot start it: the plugin was not ready within ${START_WITHIN_MS / 1000} s`;
    return failedResult(auditId, "assignment.stale", problem);
  }

  async reconcile(
    assignment: Extract<Assignment, { kind: "action" }>,
    signal: AbortSignal,
  ): Promise<Reconciled> {
    const limits = { timeoutMs: RECONCILE_WITHIN_MS };
    const work = { type: "reconcile", assignment } as const;
    const answer = await this.#do(work, { signal, limits }, RECONCILE_WITHIN_MS);
    if (answer?.type === "reconciled") return answer.reconciled;
    if (signal.aborted) throw toServantError(signal.reason);
    const problem = `Cannot reconcile "${assignment.transition}": the plugin was not ready in time`;
    throw new ServantError("handler.timeout", problem);
  }

  async hook(name: HookName): Promise<HookOutcome> {
    if (!this.#processes.hooks.includes(name)) return { is: "absent" };
    const late = new AbortController();
    const failed = (message: string) => ({ is: "failed", message }) as const;
    const tooLate = this.#options.clock
      .sleep(HOOK_WITHIN_MS, late.signal)
      .then(() => failed(`"${name}" has not ended within ${HOOK_WITHIN_MS / 1000} s: it goes on`));
    const outcome = await Promise.race([this.#hook(name), tooLate]);
    late.abort();
    return outcome;
  }

  async #hook(name: HookName): Promise<HookOutcome> {
    const { signal } = new AbortController(); // nobody calls a hook off
    try {
      const answer = await this.#processes.ready?.do(
        { type: "hook", name },
        { signal, limits: {} },
      );
      if (answer?.type === "hooked") return { is: "done" };
      return { is: "failed", message: `Cannot call "${name}": the plugin is not ready` };
    } catch (cause) {
      return { is: "failed", message: toServantError(cause).message };
    }
  }

  setPaused(isPaused: boolean): void {
    this.#processes.setPaused(isPaused);
  }

  drain(): void {
    this.#isDraining = true;
    this.#processes.bell.ring();
  }

  close(): Promise<void> {
    return this.#processes.close();
  }

  /** Undefined when it did not start: its signal aborted, or no process was ready in time. */
  async #do(work: ChildWork, terms: Terms, withinMs: number): Promise<ChildAnswer | undefined> {
    const processes = this.#processes;
    const isMotion = work.type === "run" && work.assignment.kind === "action";
    const isOver = () => processes.closing.aborted || (isMotion && this.#isDraining);
    const process = () => (isMotion && processes.isPaused ? undefined : processes.ready);
    const isDecided = () => process() !== undefined || isOver();
    for (;;) {
      if (isOver()) throw new ServantError("agent.draining", "Cannot start: the agent stops");
      if (processes.failure !== undefined) throw toServantError(processes.failure);
      if (terms.signal.aborted) return undefined;
      const answer = await process()?.do(work, terms);
      if (answer !== undefined) return answer;
      if (!(await this.#waitUntil(isDecided, terms.signal, withinMs))) return undefined;
    }
  }

  /** False when it was called off or too late; waiting for the end of a pause is never too late. */
  async #waitUntil(isSo: () => boolean, signal: AbortSignal, withinMs: number): Promise<boolean> {
    const { bell, closing } = this.#processes;
    const late = new AbortController();
    const patience = new Countdown(this.#options.clock, withinMs, () => late.abort());
    const end = AbortSignal.any([signal, late.signal, closing]);
    while (!end.aborted && !isSo() && this.#processes.failure === undefined) {
      if (this.#processes.isPaused) patience.hold();
      else patience.start();
      await bell.rung(end);
    }
    patience.hold();
    return !signal.aborted && !late.signal.aborted;
  }
}
