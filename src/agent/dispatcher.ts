/**
 * Decides what happens to each assignment: new ones run once, known ones never again. Actions run
 * one at a time and one is held; beliefs have their own lane and never wait behind an action.
 */
import { type Assignment, failedResult, type Result } from "../core/assignment.ts";
import { Bell } from "../core/bell.ts";
import { describeAssignment, type Entry, type EntryKey, type Fact, stamp } from "../core/entry.ts";
import { type ErrorCode, type ServantError, toServantError } from "../core/errors.ts";
import type { AgentEvent } from "../core/events.ts";
import type { Directive, Intake } from "../core/ports.ts";
import type { Ports } from "./ports.ts";

export type DispatchPorts = Pick<Ports, "bus" | "clock" | "ledger" | "runner">;
type Assign = Extract<Directive, { type: "assign" }>;

/** How many beliefs are observed at once. */
export const BELIEFS_MAX = 8;

interface Work {
  readonly key: EntryKey;
  readonly assignment: Assignment;
  /** While it is held: whether its acceptance got onto the disk. What did not is answered there. */
  isRecorded?: Promise<boolean>;
}

export class Dispatcher {
  readonly #ports: DispatchPorts;
  readonly #fail: (cause: unknown) => void;
  readonly #abort = new AbortController();
  readonly #bell = new Bell();
  #action: Work | undefined;
  #held: Work | undefined;
  readonly #beliefs = new Set<EntryKey>();
  /** How much goes on by itself: handlers, and decisions that wait for the disk. */
  #going = 0;
  #isDraining = false;

  /** `fail` is told what nobody here can mend: the journal is broken. */
  constructor(ports: DispatchPorts, fail: (cause: unknown) => void) {
    this.#ports = ports;
    this.#fail = fail;
  }

  /** How many assignments are accepted and not finished. */
  get inHand(): number {
    return (
      Number(this.#action !== undefined) + Number(this.#held !== undefined) + this.#beliefs.size
    );
  }

  /** What can be taken now. */
  readonly intake: Intake = {
    actions: true,
    beliefs: true,
    changed: (signal) => this.#bell.rung(signal),
  };

  /** Resolves when one more assignment of any kind can be taken, or at the abort. */
  async room(signal: AbortSignal): Promise<void> {
    const { ledger } = this.#ports;
    while (!signal.aborted) {
      if (ledger.isFull) await ledger.changed(signal);
      else if (this.#isOccupied()) await this.#bell.rung(signal);
      else return;
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
    this.#letGo(this.#accept(accepted, { key, assignment }));
  }

  /** What a restart left behind: each either runs while it is fresh or is answered failed. */
  async resume(entry: Entry, verdict: "run" | ErrorCode, problem: string): Promise<void> {
    const { key, assignment } = entry;
    const work = { key, assignment };
    if (verdict !== "run") return await this.#answer(work, verdict, problem);
    if (this.#laneIsFree(assignment)) return await this.#startRecorded(work);
    if (this.#held === undefined) this.#held = work;
    else await this.#answer(work, "assignment.stale", "Cannot start it: others wait already");
  }

  /** Finishes what has started and answers what has not; resolves when nothing is in hand. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const held = this.#held;
    this.#held = undefined;
    const problem = "Cannot run it: the agent is stopping";
    if (held !== undefined) this.#letGo(this.#answer(held, "agent.draining", problem));
    while (this.#going > 0) await this.#bell.rung();
  }

  /** Aborts every handler's signal. */
  cancelAll(reason: ServantError): void {
    this.#abort.abort(reason);
  }

  /** Lets it go on by itself; what it cannot handle ends the servant. */
  #letGo(going: Promise<void>): void {
    this.#going += 1;
    going.catch(this.#fail).finally(() => {
      this.#going -= 1;
      this.#bell.ring();
    });
  }

  async #accept(accepted: Extract<Fact, { type: "accepted" }>, work: Work): Promise<void> {
    const { bus, ledger } = this.#ports;
    const { assignment } = work;
    const held = !this.#laneIsFree(assignment);
    const what = describeAssignment(assignment);
    bus.publish({ type: "assignment.accepted", auditId: assignment.auditId, what, held });
    try {
      if (held) {
        this.#held = work; // taken at once: nothing else may slip in while it is recorded
        const recording = ledger.record([accepted], "soon");
        work.isRecorded = recording.then(
          () => true,
          () => false,
        );
        await recording;
      } else await this.#start([accepted], work);
    } catch (cause) {
      this.#release(work);
      const { code, message } = toServantError(cause);
      if (code !== "journal.full") throw cause;
      await this.#reject(accepted, assignment, code, message);
    }
    if (this.#action === undefined) await this.#startHeld();
  }

  /** Journal before effect: started is durable before the handler sees the assignment. */
  async #start(before: readonly Fact[], work: Work): Promise<void> {
    const { clock, ledger } = this.#ports;
    if (work.assignment.kind === "belief") this.#beliefs.add(work.key);
    else this.#action = work;
    await ledger.record([...before, { type: "started", ...stamp(clock), key: work.key }]);
    this.#letGo(this.#run(work));
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
    const { success, message } = result;
    const event = { type: "assignment.finished", auditId, what, success, message, tookMs } as const;
    await this.#finish(work, { ...result, auditId }, event);
  }

  /** One commit for this finish and the next start: the machine waits for one flush, not two. */
  async #finish(work: Work, result: Result, event: AgentEvent): Promise<void> {
    const { bus, clock, ledger } = this.#ports;
    const finished: Fact = { type: "finished", ...stamp(clock), key: work.key, result };
    const next = work.key === this.#action?.key && !ledger.isFull ? this.#held : undefined;
    if (next === undefined) {
      await ledger.recordReport([finished]);
      bus.publish(event);
      this.#release(work);
      if (this.#action === undefined) await this.#startHeld();
      return;
    }
    this.#action = next;
    this.#held = undefined;
    this.#bell.ring(); // there is room again: the next poll goes out while this is recorded
    try {
      await ledger.record([finished, { type: "started", ...stamp(clock), key: next.key }]);
    } catch (cause) {
      // On a full disk the finish is told all the same, and the held one is not started.
      await ledger.recordReport([finished]);
      bus.publish(event);
      return await this.#refuseForDisk(next, cause);
    }
    bus.publish(event);
    this.#letGo(this.#run(next));
  }

  async #startHeld(): Promise<void> {
    const next = this.#held;
    if (next === undefined || this.#isDraining) return;
    this.#held = undefined;
    await this.#startRecorded(next);
    this.#bell.ring();
  }

  /** Starts what the journal already knows as accepted. */
  async #startRecorded(work: Work): Promise<void> {
    try {
      await this.#start([], work);
    } catch (cause) {
      await this.#refuseForDisk(work, cause);
    }
  }

  async #refuseForDisk(work: Work, cause: unknown): Promise<void> {
    const { code, message } = toServantError(cause);
    if (code !== "journal.full") throw cause;
    await this.#answer(work, code, `Cannot run it: its start cannot be recorded: ${message}`);
  }

  /** The answer to what was accepted and will not run, or not to its end. */
  async #answer(work: Work, code: ErrorCode, reason: string): Promise<void> {
    if ((await work.isRecorded) === false) return this.#release(work);
    const { auditId } = work.assignment;
    const event = { type: "assignment.rejected", auditId, code, reason } as const;
    await this.#finish(work, failedResult(auditId, code, reason), event);
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
    return this.#held !== undefined || this.#beliefs.size >= BELIEFS_MAX;
  }

  #laneIsFree(assignment: Assignment): boolean {
    return assignment.kind === "belief" || (this.#action === undefined && this.#held === undefined);
  }

  #release({ key }: Work): void {
    if (this.#action?.key === key) this.#action = undefined;
    if (this.#held?.key === key) this.#held = undefined;
    this.#beliefs.delete(key);
    this.#bell.ring();
  }
}
