/**
 * Decides what happens to each assignment that arrives: a new one runs once, a known one never
 * again, one that was called off not at all. How it runs is the lanes' business.
 */
import type { AuditId } from "../core/assignment.ts";
import { type Entry, replyOf, stamp } from "../core/entry.ts";
import type { ServantError } from "../core/errors.ts";
import { MACHINE_KEY } from "../core/machine.ts";
import type { Directive, Intake } from "../core/ports.ts";
import { neverStarted } from "./attempt.ts";
import { type Accepted, type LanePorts, Lanes } from "./lanes.ts";
import type { Verdict } from "./recovery.ts";

export type DispatchPorts = LanePorts;
type Assign = Extract<Directive, { type: "assign" }>;

/** Cancels that came before their assignment; beyond it the oldest are forgotten. */
export const EARLY_CANCELS_MAX = 1_000;

/** More results than this on their way are a backlog: the backend need not know them on each poll. */
const HOLDS_RESULTS_MAX = 4;

const DRAINING = "Cannot run it: the agent is stopping";

export class Dispatcher implements Intake {
  readonly #ports: DispatchPorts;
  readonly #lanes: Lanes;
  readonly #earlyCancels = new Map<AuditId, string>();
  /** A wish to go on is on its way to the disk. */
  #isUnpausing = false;

  /** `concurrency`: how many actions may run at once. `fail` is told what nobody can mend. */
  constructor(ports: DispatchPorts, concurrency: number, fail: (cause: unknown) => void) {
    this.#ports = ports;
    this.#lanes = new Lanes(ports, concurrency, fail);
    ports.runner.setPaused(this.#lanes.isPaused);
  }

  /** How many assignments are accepted and not finished. */
  get inHand(): number {
    return this.#lanes.hand.size;
  }

  /** True while one more action can be taken, be it only to wait. */
  get actions(): boolean {
    return this.#isOpen && !this.#lanes.isPaused && this.#lanes.hand.hasRoomForAction;
  }

  startsNow(transition: string): boolean {
    return this.#isOpen && this.#lanes.startsNow(transition);
  }

  get paused(): boolean {
    return this.#lanes.isPaused;
  }

  get beliefs(): boolean {
    return this.#isOpen && this.#lanes.hand.hasRoomForBelief;
  }

  /** What is in hand, and the results on their way; not told while a backlog of them waits. */
  get holds(): readonly AuditId[] | undefined {
    const { ledger } = this.#ports;
    if (ledger.undelivered > HOLDS_RESULTS_MAX) return undefined;
    return [...this.#lanes.hand.all(), ...ledger.fresh()].map(
      ({ assignment }) => assignment.auditId,
    );
  }

  /** Resolves when there may be more room than now, or at the abort. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#lanes.bell.rung(signal);
  }

  /** Lets what waits go on when the plugin is ready again or the disk has room, until the abort. */
  async follow(signal: AbortSignal): Promise<void> {
    const { ledger, runner } = this.#ports;
    const watch = async (next: () => Promise<void>) => {
      let changed = next();
      while (!signal.aborted) {
        await changed;
        changed = next(); // waited for before it goes on: what changes meanwhile is not missed
        await this.#goOn();
      }
    };
    await Promise.all([
      watch(() => ledger.diskChanged(signal)),
      watch(() => runner.changed(signal)),
    ]);
  }

  /**
   * Takes one assignment; resolves when it is decided what becomes of it. It is recorded on the
   * way to its handler, while the next poll is already under way.
   */
  async take({ assignment, via, refusal, ...rest }: Assign): Promise<void> {
    const { clock, ledger } = this.#ports;
    const lanes = this.#lanes;
    const match = await ledger.match(assignment);
    const from = { via, ...replyOf(rest) };
    if (match.is === "known") return await this.#again(match.entry, from);
    const { key } = match;
    const accepted: Accepted = { type: "accepted", ...stamp(clock), key, assignment, ...from };
    if (match.is === "reused") {
      const problem = "Cannot run it: this audit id was used for another assignment";
      return await lanes.reject(accepted, "assignment.id-reused", problem);
    }
    if (refusal !== undefined) return await lanes.reject(accepted, refusal.code, refusal.problem);
    if (assignment.kind === "invalid") {
      return await lanes.reject(accepted, assignment.code, assignment.problem);
    }
    if (lanes.isDraining) return await lanes.reject(accepted, "agent.draining", DRAINING);
    const early = this.#earlyCancels.get(assignment.auditId);
    if (early === undefined) return lanes.accept(accepted, lanes.toWork(key, assignment));
    await lanes.reject(
      accepted,
      "handler.cancelled",
      neverStarted({ assignment, starts: 0 }, early).message,
    );
  }

  /** What has not started never starts; what runs is told to stop. Any number of times. */
  async cancel(auditId: AuditId, reason: string): Promise<void> {
    const work = this.#lanes.hand.find(auditId);
    if (work === undefined) return this.#cancelEarly(auditId, reason);
    if (work.cancelled === undefined) await this.#lanes.cancel(work, reason);
  }

  /** What a restart left behind: it runs while it is fresh, is settled, or is answered failed. */
  async resume(entry: Entry, verdict: Verdict): Promise<void> {
    const lanes = this.#lanes;
    const work = lanes.toWork(entry.key, entry.assignment, entry);
    if (verdict.is === "answer") await lanes.answer(work, verdict.code, verdict.problem);
    else if (verdict.is === "run") {
      lanes.hand.wait({ ...work, foundAtRestart: entry });
      await lanes.startWaiting();
    } else lanes.settle(work, verdict.problem);
  }

  /** No action is taken or started until `unpause`; it survives a restart. */
  async pause(reason: string): Promise<void> {
    if (this.#lanes.isPaused && !this.#isUnpausing) return;
    this.#isUnpausing = false; // the last wish counts
    const { bus, clock, ledger, runner } = this.#ports;
    this.#lanes.isPaused = true; // it takes effect before it is durable: the disk may be slow
    runner.setPaused(true);
    this.#lanes.bell.ring();
    bus.publish({ type: "agent.paused", reason });
    await ledger.recordReport([{ type: "paused", ...stamp(clock), key: MACHINE_KEY, reason }]);
  }

  /** Ends the pause: what waits starts now. */
  async unpause(): Promise<void> {
    if (!this.#lanes.isPaused || this.#isUnpausing) return;
    this.#isUnpausing = true;
    const { bus, clock, ledger, runner } = this.#ports;
    await ledger.recordReport([{ type: "resumed", ...stamp(clock), key: MACHINE_KEY }]);
    if (!this.#isUnpausing) return; // paused again while the disk was slow
    this.#isUnpausing = false;
    this.#lanes.isPaused = false;
    runner.setPaused(false);
    bus.publish({ type: "agent.resumed" });
    await this.#goOn();
  }

  /** From now on nothing is taken or started: what has not started is answered. */
  stop(): void {
    this.#lanes.stop(DRAINING);
  }

  /** Resolves when what had started has ended. */
  ended(): Promise<void> {
    return this.#lanes.ended();
  }

  /** Aborts every handler's signal, of those to come too. */
  cancelAll(reason: ServantError): void {
    this.#lanes.cancelAll(reason);
  }

  get #isOpen(): boolean {
    const { ledger, runner } = this.#ports;
    return !this.#lanes.isDraining && !ledger.isFull && runner.isReady;
  }

  async #goOn(): Promise<void> {
    await this.#lanes.startWaiting();
    this.#lanes.bell.ring();
  }

  #cancelEarly(auditId: AuditId, reason: string): void {
    this.#earlyCancels.set(auditId, reason);
    const [oldest] = this.#earlyCancels.keys();
    if (this.#earlyCancels.size > EARLY_CANCELS_MAX && oldest !== undefined) {
      this.#earlyCancels.delete(oldest);
    }
  }

  async #again(entry: Entry, from: Pick<Entry, "via" | "reply">): Promise<void> {
    const { bus, clock, ledger } = this.#ports;
    const { key, phase, assignment } = entry;
    bus.publish({ type: "assignment.repeated", auditId: assignment.auditId, phase });
    if (phase !== "delivered" && phase !== "refused") return; // its result will go out by itself
    if (entry.result === undefined) return;
    // Its entry left memory when it was delivered: all of it is shown again.
    await ledger.reopen(entry, { type: "repeated", ...stamp(clock), key, ...from });
  }
}
