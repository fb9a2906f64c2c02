/**
 * Runs a plugin in a process of its own and replaces that process when it breaks: a crash, an exit
 * or an endless loop costs what ran in it, never the agent. What it was given and had not started
 * goes on in the next process by itself.
 */
import { type Assignment, failedResult, type Result } from "../core/assignment.ts";
import { windowMs } from "../core/backoff.ts";
import { Bell } from "../core/bell.ts";
import type { ChildAnswer, ChildWork, Loaded } from "../core/child.ts";
import { Countdown } from "../core/countdown.ts";
import { isActing } from "../core/entry.ts";
import { assert, ServantError, toServantError } from "../core/errors.ts";
import type { Reconciled } from "../core/handlers.ts";
import { abortedResult } from "../core/perform.ts";
import type { Offer, Runner } from "../core/ports.ts";
import { ChildLife, type LifeOptions } from "./child-life.ts";
import { START_WITHIN_MS } from "./recovery.ts";
import { type MachineLedger, recordDoubt, type SecuringOptions, secure } from "./securing.ts";
import { nameOf, rulesOf, type Terms } from "./task.ts";

/** How long a plugin may take to say what became of an action, in milliseconds. */
export const RECONCILE_WITHIN_MS = 60_000;
/** A process that lived this long is not one of those that die in a row. */
const LIFE_IS_GOOD_MS = 60_000;

export type SupervisorOptions = LifeOptions & SecuringOptions;

export class Supervisor implements Runner {
  readonly #options: SupervisorOptions;
  readonly #bell = new Bell();
  readonly #closing = new AbortController();
  readonly #first = Promise.withResolvers<Offer>();
  readonly #ledger = Promise.withResolvers<MachineLedger>();
  readonly #living: Promise<void>;
  #offer: Offer | undefined;
  #loaded: Loaded | undefined;
  #life: ChildLife;
  /** The machine is safe and the plugin loaded: work may start. */
  #isSecured = false;
  #isPaused = false;
  #isDraining = false;
  /** How many processes died one after the other without having done anything. */
  #deaths = 0;
  /** It was told that the agent is not ready. */
  #isTold = false;
  #failure: unknown;

  /** Starts the process at once; what it loads is awaited by `open`. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#first.promise.catch(() => {}); // whoever opens it awaits it
    this.#life = new ChildLife(options);
    this.#living = this.#live();
  }

  /**
   * Resolves when the plugin is loaded and what a restart left in doubt is known; it gets ready
   * by itself. `actedElsewhere`: an action of another backend was cut off, on the same machine.
   *
   * @throws {ServantError} `plugin.*`
   */
  async open(ledger: MachineLedger, actedElsewhere = false): Promise<this> {
    await this.#first.promise;
    const isInDoubt = actedElsewhere || [...ledger.openEntries()].some(isActing);
    if (this.#loaded?.hasSafe && isInDoubt) {
      await recordDoubt(ledger, this.#options, "the agent stopped while an action ran");
    }
    this.#ledger.resolve(ledger);
    return this;
  }

  get offer(): Offer {
    assert(this.#offer !== undefined, "the plugin is loaded before it is offered");
    return this.#offer;
  }

  get rules(): Loaded["rules"] {
    return this.#loaded?.rules ?? {};
  }

  get isReady(): boolean {
    return this.#isSecured && !this.#life.isDoomed;
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#bell.rung(signal);
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

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#life.setPaused(isPaused);
    this.#bell.ring();
  }

  drain(): void {
    this.#isDraining = true;
    this.#bell.ring();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#bell.ring();
    await this.#life.close();
    await this.#living;
  }

  /** Undefined when it did not start: its signal aborted, or no process was ready in time. */
  async #do(work: ChildWork, terms: Terms, withinMs: number): Promise<ChildAnswer | undefined> {
    const isMotion = work.type === "run" && work.assignment.kind === "action";
    const isOver = () => this.#closing.signal.aborted || (isMotion && this.#isDraining);
    const mayStart = () => this.isReady && !(isMotion && this.#isPaused);
    const isDecided = () => mayStart() || isOver();
    for (;;) {
      if (isOver()) throw new ServantError("agent.draining", "Cannot start: the agent stops");
      if (this.#failure !== undefined) throw toServantError(this.#failure);
      if (terms.signal.aborted) return undefined;
      if (mayStart()) {
        const answer = await this.#life.do(work, terms);
        if (answer !== undefined) return answer;
      } else if (!(await this.#waitUntil(isDecided, terms.signal, withinMs))) return undefined;
    }
  }

  /** False when it was called off or too late; waiting for the end of a pause is never too late. */
  async #waitUntil(isSo: () => boolean, signal: AbortSignal, withinMs: number): Promise<boolean> {
    const late = new AbortController();
    const patience = new Countdown(this.#options.clock, withinMs, () => late.abort());
    const end = AbortSignal.any([signal, late.signal, this.#closing.signal]);
    while (!end.aborted && !isSo() && this.#failure === undefined) {
      if (this.#isPaused) patience.hold();
      else patience.start();
      await this.#bell.rung(end);
    }
    patience.hold();
    return !signal.aborted && !late.signal.aborted;
  }

  /** One process after another. */
  async #live(): Promise<void> {
    try {
      while (!this.#closing.signal.aborted) {
        if (await this.#load()) await this.#serve();
        await this.#bury();
        if (this.#offer === undefined) return; // it never loaded: whoever opens it is told
        await this.#restart();
      }
    } catch (cause) {
      this.#failure = cause; // the journal is broken: whoever waits for a process is told
      this.#bell.ring();
    }
  }

  async #load(): Promise<boolean> {
    const life = this.#life;
    try {
      this.#loaded = await life.loaded;
    } catch (cause) {
      await life.over;
      this.#first.reject(cause);
      return false;
    }
    if (life.pid !== undefined) this.#options.publish({ type: "child.started", pid: life.pid });
    this.#offer ??= this.#loaded.offer;
    this.#first.resolve(this.#offer);
    return true;
  }

  /** Makes the machine safe if it must be, then lets work in, until the process is gone. */
  async #serve(): Promise<void> {
    const life = this.#life;
    const opened = await Promise.race([this.#ledger.promise, life.over]);
    if (opened === undefined) return;
    const { doubted } = opened.machine;
    if (this.#loaded?.hasSafe && doubted !== undefined) {
      this.#notReady(`the machine is made safe first: ${doubted}`, 0);
      if (!(await secure(life, opened, this.#options))) return await life.over;
    }
    if (this.#isPaused) life.setPaused(true);
    this.#isSecured = true;
    if (this.#isTold && !life.isDoomed) this.#options.publish({ type: "agent.ready" });
    this.#isTold = false;
    this.#bell.ring();
    await life.over;
  }

  /** Doubt is on record before anybody hears of what was cut off. */
  async #bury(): Promise<void> {
    const life = this.#life;
    await life.over;
    this.#isSecured = false;
    this.#bell.ring();
    const { pid, epitaph: reason } = life;
    const isClosing = this.#closing.signal.aborted;
    if (pid !== undefined && this.#offer !== undefined && !isClosing) {
      this.#options.publish({ type: "child.ended", pid, reason });
    }
    try {
      const [cut] = life.cutActions();
      if (cut !== undefined && this.#loaded?.hasSafe && !isClosing) {
        const doubt = `${nameOf(cut.work)} was cut off: ${reason}`;
        await recordDoubt(await this.#ledger.promise, this.#options, doubt);
      }
    } finally {
      life.settle();
    }
  }

  async #restart(): Promise<void> {
    const { clock } = this.#options;
    const life = this.#life;
    if (this.#closing.signal.aborted) return;
    const isGood = life.hasWorked || clock.monotonic() - life.bornAtMs >= LIFE_IS_GOOD_MS;
    this.#deaths = isGood ? 1 : this.#deaths + 1;
    const retryInMs = this.#deaths === 1 ? 0 : windowMs(this.#deaths - 1);
    if (retryInMs > 0) this.#notReady(life.epitaph, retryInMs);
    await clock.sleep(retryInMs, this.#closing.signal);
    if (!this.#closing.signal.aborted) this.#life = new ChildLife(this.#options);
  }

  #notReady(reason: string, retryInMs: number): void {
    this.#isTold = true;
    this.#options.publish({ type: "agent.not-ready", reason, retryInMs });
  }
}
