/**
 * Decides what happens to each assignment: new ones run once, known ones never again. Actions run
 * one at a time and one is held; beliefs have their own lane and never wait behind an action.
 */
import { type Assignment, failedResult, type Result } from "../core/assignment.ts";
import { type ErrorCode, type ServantError, toServantError } from "../core/errors.ts";
import { describeAssignment, type Entry, type EntryKey, type Fact, stamp } from "../core/ledger.ts";
import type { Directive, Ports } from "../core/ports.ts";

export type DispatchPorts = Pick<Ports, "bus" | "clock" | "ledger" | "runner">;
type Assign = Extract<Directive, { type: "assign" }>;

/** How many beliefs are observed at once. */
export const BELIEFS_MAX = 8;
/** How often a full disk is tried again, in milliseconds. */
export const DISK_RETRY_MS = 1_000;

interface Work {
  readonly key: EntryKey;
  readonly assignment: Assignment;
}

export class Dispatcher {
  readonly #ports: DispatchPorts;
  readonly #abort = new AbortController();
  #action: Work | undefined;
  #held: Work | undefined;
  readonly #beliefs = new Set<EntryKey>();
  #waiters: (() => void)[] = [];
  #isDraining = false;

  constructor(ports: DispatchPorts) {
    this.#ports = ports;
  }

  /** How many assignments are accepted and not finished. */
  get inHand(): number {
    return (
      Number(this.#action !== undefined) + Number(this.#held !== undefined) + this.#beliefs.size
    );
  }

  /** Resolves when one more assignment of any kind can be taken, or at the abort. */
  async room(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (this.#isOccupied() || this.#ports.ledger.isFull)) {
      if (this.#ports.ledger.isFull) await this.#saveAfterFullDisk(signal);
      else await this.#changed(signal);
    }
  }

  /**
   * Takes one assignment; resolves when it is decided what becomes of it. It is recorded on the
   * way to its handler, while the next poll is already under way.
   */
  async take({ assignment, via }: Assign): Promise<void> {
    const { ledger } = this.#ports;
    const match = await ledger.match(assignment);
    if (match.is === "known") return await this.#again(match.entry, via);
    const { key } = match;
    const accepted: Fact = { type: "accepted", ...stamp(this.#ports.clock), key, assignment, via };
    if (match.is === "reused") {
      const problem = "Cannot run it: this audit id was used for another assignment";
      return await this.#reject(accepted, assignment, "assignment.id-reused", problem);
    }
    if (assignment.kind === "invalid") {
      return await this.#reject(accepted, assignment, assignment.code, assignment.problem);
    }
    if (this.#isDraining) {
      const problem = "Cannot run it: the agent is stopping";
      return await this.#reject(accepted, assignment, "agent.draining", problem);
    }
    void this.#accept(accepted, { key, assignment });
  }

  /** What a restart left behind: each either runs while it is fresh or is answered failed. */
  async resume(entry: Entry, verdict: "run" | ErrorCode, problem: string): Promise<void> {
    const { key, assignment } = entry;
    if (verdict !== "run") {
      await this.#finish({ key, assignment }, failedResult(assignment.auditId, verdict, problem));
      return;
    }
    const work = { key, assignment };
    if (this.#laneIsFree(assignment)) await this.#start([], work);
    else if (this.#held === undefined) this.#held = work;
    else await this.resume(entry, "assignment.stale", problem);
  }

  /** Finishes what has started and answers what has not; resolves when nothing is in hand. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) {
      const problem = "Cannot run it: the agent is stopping";
      await this.#finish(held, failedResult(held.assignment.auditId, "agent.draining", problem));
    }
    while (this.inHand > 0) await this.#changed(new AbortController().signal);
  }

  /** Aborts every handler's signal. */
  cancelAll(reason: ServantError): void {
    this.#abort.abort(reason);
  }

  async #accept(accepted: Extract<Fact, { type: "accepted" }>, work: Work): Promise<void> {
    const { bus, ledger } = this.#ports;
    const { assignment, key } = work;
    const held = !this.#laneIsFree(assignment);
    const what = describeAssignment(assignment);
    bus.publish({ type: "assignment.accepted", auditId: assignment.auditId, what, held });
    try {
      if (held) {
        this.#held = work; // taken at once: nothing else may slip in while it is recorded
        await ledger.record([accepted], "soon");
      } else await this.#start([accepted], work);
    } catch (cause) {
      if (this.#held?.key === key) this.#held = undefined;
      this.#wake();
      const { code, message } = toServantError(cause);
      if (code !== "journal.full") throw cause;
      return await this.#reject(accepted, assignment, code, message);
    }
    if (held && this.#action === undefined) await this.#startHeld();
  }

  /** Journal before effect: started is durable before the handler sees the assignment. */
  async #start(before: readonly Fact[], work: Work): Promise<void> {
    const { clock, ledger } = this.#ports;
    this.#occupy(work);
    try {
      await ledger.record([...before, { type: "started", ...stamp(clock), key: work.key }]);
    } catch (cause) {
      this.#release(work);
      throw cause;
    }
    void this.#run(work);
  }

  async #run(work: Work): Promise<void> {
    const { bus, clock, runner } = this.#ports;
    const { assignment } = work;
    const { auditId } = assignment;
    const what = describeAssignment(assignment);
    bus.publish({ type: "assignment.started", auditId, what });
    const startedAt = clock.monotonic();
    let result: Result;
    try {
      result = await runner.run(assignment, this.#abort.signal);
    } catch (cause) {
      const { code, message } = toServantError(cause);
      result = failedResult(auditId, code, message);
    }
    const tookMs = clock.monotonic() - startedAt;
    await this.#finish(work, { ...result, auditId });
    const { success, message } = result;
    bus.publish({ type: "assignment.finished", auditId, what, success, message, tookMs });
  }

  /** One commit for this finish and the next start: the machine waits for one flush, not two. */
  async #finish(work: Work, result: Result): Promise<void> {
    const { clock, ledger } = this.#ports;
    const finished: Fact = { type: "finished", ...stamp(clock), key: work.key, result };
    const next = work.key === this.#action?.key && !ledger.isFull ? this.#held : undefined;
    if (next === undefined) {
      await ledger.recordReport([finished]);
      this.#release(work);
      if (this.#action === undefined) await this.#startHeld();
      return;
    }
    this.#action = next;
    this.#held = undefined;
    this.#wake(); // there is room again: the next poll goes out while this is recorded
    try {
      await ledger.record([finished, { type: "started", ...stamp(clock), key: next.key }]);
    } catch {
      // The disk is full: the finish is told all the same, and the held one is not started.
      await ledger.recordReport([finished]);
      this.#action = undefined;
      await this.#refuseForDisk(next);
      return;
    }
    void this.#run(next);
  }

  async #startHeld(): Promise<void> {
    const next = this.#held;
    if (next === undefined || this.#isDraining) return;
    this.#held = undefined;
    try {
      await this.#start([], next);
    } catch {
      await this.#refuseForDisk(next);
    }
    this.#wake();
  }

  async #refuseForDisk(work: Work): Promise<void> {
    const { auditId } = work.assignment;
    const problem = "Cannot run it: its start cannot be recorded, the disk is full";
    await this.#finish(work, failedResult(auditId, "journal.full", problem));
  }

  async #reject(
    accepted: Extract<Fact, { type: "accepted" }>,
    assignment: Assignment,
    code: ErrorCode,
    reason: string,
  ): Promise<void> {
    const { auditId } = assignment;
    const { bus, clock, ledger } = this.#ports;
    const result = failedResult(auditId, code, reason);
    await ledger.recordReport([
      accepted,
      { type: "finished", ...stamp(clock), key: accepted.key, result },
    ]);
    bus.publish({ type: "assignment.rejected", auditId, code, reason });
  }

  async #again(entry: Entry, via: string): Promise<void> {
    const { bus, clock, ledger } = this.#ports;
    const { key, phase, assignment } = entry;
    bus.publish({ type: "assignment.repeated", auditId: assignment.auditId, phase });
    if (phase !== "delivered" && phase !== "refused") return; // its result will go out by itself
    if (entry.result === undefined) return;
    // Its entry left memory when it was delivered: all of it is shown again.
    await ledger.reopen(entry, { type: "repeated", ...stamp(clock), key, via });
  }

  #isOccupied(): boolean {
    const actions = this.#action !== undefined && this.#held !== undefined;
    return actions || this.#beliefs.size >= BELIEFS_MAX;
  }

  #laneIsFree(assignment: Assignment): boolean {
    return assignment.kind === "belief" || (this.#action === undefined && this.#held === undefined);
  }

  #occupy(work: Work): void {
    if (work.assignment.kind === "belief") this.#beliefs.add(work.key);
    else this.#action = work;
  }

  #release(work: Work): void {
    if (this.#action?.key === work.key) this.#action = undefined;
    this.#beliefs.delete(work.key);
    this.#wake();
  }

  async #saveAfterFullDisk(signal: AbortSignal): Promise<void> {
    const { bus, clock, ledger } = this.#ports;
    try {
      await ledger.save();
      bus.publish({ type: "journal.recovered" });
    } catch (cause) {
      const { message: reason } = toServantError(cause);
      bus.publish({ type: "journal.full", reason, retryInMs: DISK_RETRY_MS });
      await clock.sleep(DISK_RETRY_MS, signal);
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener("abort", wake);
        resolve();
      };
      signal.addEventListener("abort", wake, { once: true });
      this.#waiters.push(wake);
    });
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
