/**
 * One process of the plugin after another. Each loads, makes the machine safe if it must be, serves
 * and ends; the next one starts at once, or ever more slowly while they die in a row of nothing.
 */
import { windowMs } from "../core/backoff.ts";
import { Bell } from "../core/bell.ts";
import type { Loaded } from "../core/child.ts";
import { isActing } from "../core/entry.ts";
import { assert } from "../core/errors.ts";
import type { Offer } from "../core/ports.ts";
import { ChildLife, type LifeOptions } from "./child-life.ts";
import { type MachineLedger, recordDoubt, type SecuringOptions, secure } from "./securing.ts";
import { isAction, nameOf } from "./task.ts";

/** A process that lived this long is not one of those that die in a row. */
const LIFE_IS_GOOD_MS = 60_000;
/** One that dies of what it was given to do dies no oftener than that is given: its successors wait no
 * longer than after so many deaths, since others may have work that nothing is wrong with. */
const DEATHS_AT_WORK_MAX = 2;

export type SupervisorOptions = LifeOptions & SecuringOptions;

export class Succession {
  /** Rings when it gets ready, or is not any more. */
  readonly bell = new Bell();
  /** Aborts when it is closed. */
  readonly closing: AbortSignal;
  /** What ended it for ever: the journal is broken. */
  failure: unknown;
  readonly #options: SupervisorOptions;
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
  /** How many processes died one after the other without having done anything. */
  #deaths = 0;
  /** It was told that the agent is not ready. */
  #isTold = false;

  /** Starts the first process at once. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.closing = this.#closing.signal;
    this.#first.promise.catch(() => {}); // whoever opens it awaits it
    this.#life = new ChildLife(options);
    this.#living = this.#live();
  }

  /** Resolves when the plugin is loaded and what a restart left in doubt is on record. */
  async open(ledger: MachineLedger, actedElsewhere: boolean): Promise<void> {
    await this.#first.promise;
    const isInDoubt = actedElsewhere || [...ledger.openEntries()].some(isActing);
    if (this.#loaded?.hasSafe && isInDoubt) {
      await recordDoubt(ledger, this.#options, "the agent stopped while an action ran");
    }
    this.#ledger.resolve(ledger);
  }

  /** What the first process offered: that is what was registered. */
  get offer(): Offer {
    assert(this.#offer !== undefined, "the plugin is loaded before it is offered");
    return this.#offer;
  }

  get hooks(): Loaded["hooks"] {
    return this.#loaded?.hooks ?? [];
  }

  get rules(): Loaded["rules"] {
    return this.#loaded?.rules ?? {};
  }

  /** The present process, when work may start in it. */
  get ready(): ChildLife | undefined {
    return this.#isSecured && !this.#life.isDoomed ? this.#life : undefined;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#life.setPaused(isPaused);
    this.bell.ring();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.bell.ring();
    await this.#life.close();
    await this.#living;
  }

  async #live(): Promise<void> {
    try {
      while (!this.closing.aborted) {
        if (await this.#load()) await this.#serve();
        const wasAtWork = await this.#bury();
        if (this.#offer === undefined) return; // it never loaded: whoever opens it is told
        await this.#restart(wasAtWork);
      }
    } catch (cause) {
      this.failure = cause; // the journal is broken: whoever waits for a process is told
      this.bell.ring();
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
    this.bell.ring();
    await life.over;
  }

  /** Doubt is on record before anybody hears of what was cut off. True: an action was. */
  async #bury(): Promise<boolean> {
    const life = this.#life;
    await life.over;
    const cutActions = life.cutActions();
    this.#isSecured = false;
    this.bell.ring();
    const { pid, epitaph: reason } = life;
    const isClosing = this.closing.aborted;
    if (pid !== undefined && this.#offer !== undefined && !isClosing) {
      this.#options.publish({ type: "child.ended", pid, reason });
    }
    try {
      const [cut] = cutActions;
      if (cut !== undefined && this.#loaded?.hasSafe && !isClosing) {
        const doubt = `${nameOf(cut.work)} was cut off: ${reason}`;
        await recordDoubt(await this.#ledger.promise, this.#options, doubt);
      }
    } finally {
      life.settle();
    }
    return cutActions.some(isAction);
  }

  async #restart(wasAtWork: boolean): Promise<void> {
    const { clock } = this.#options;
    const life = this.#life;
    if (this.closing.aborted) return;
    const isGood = life.hasWorked || clock.monotonic() - life.bornAtMs >= LIFE_IS_GOOD_MS;
    this.#deaths = isGood ? 1 : this.#deaths + 1;
    if (wasAtWork) this.#deaths = Math.min(this.#deaths, DEATHS_AT_WORK_MAX);
    const retryInMs = this.#deaths === 1 ? 0 : windowMs(this.#deaths - 1);
    if (retryInMs > 0) this.#notReady(life.epitaph, retryInMs);
    await clock.sleep(retryInMs, this.closing);
    if (!this.closing.aborted) this.#life = new ChildLife(this.#options);
  }

  #notReady(reason: string, retryInMs: number): void {
    this.#isTold = true;
    this.#options.publish({ type: "agent.not-ready", reason, retryInMs });
  }
}
