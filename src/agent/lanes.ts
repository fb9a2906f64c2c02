/**
 * Carries accepted assignments to their results: starts what fits beside what runs, keeps the next
 * one waiting, records each step before it takes effect.
 */
import { type Assignment, failedResult, type Result } from "../core/assignment.ts";
import { Bell } from "../core/bell.ts";
import { describeAssignment, type Entry, type EntryKey, type Fact, stamp } from "../core/entry.ts";
import { type ErrorCode, ServantError, toServantError } from "../core/errors.ts";
import type { AgentEvent } from "../core/events.ts";
import { isJsonObject, isShorterThan } from "../core/json.ts";
import { type AttemptPorts, attempt, neverStarted, resumeAttempt } from "./attempt.ts";
import { Hand, type Work } from "./hand.ts";
import type { Ports } from "./ports.ts";
import { verdictAfterRestart } from "./recovery.ts";
import { rulesOf } from "./task.ts";

export type LanePorts = Pick<Ports, "bus" | "clock" | "ledger" | "runner">;
export type Accepted = Extract<Fact, { type: "accepted" }>;

export class Lanes {
  readonly hand: Hand;
  /** Rings when something may go on that could not before. */
  readonly bell = new Bell();
  isPaused: boolean;
  readonly #ports: LanePorts;
  readonly #fail: (cause: unknown) => void;
  readonly #attemptPorts: AttemptPorts;
  /** Aborts once every handler is told to stop. */
  readonly #cancelAll = new AbortController();
  /** How much goes on by itself: handlers, and decisions that wait for the disk. */
  #going = 0;
  #isDraining = false;

  /** `fail` is told what nobody here can mend: the journal is broken. */
  constructor(ports: LanePorts, concurrency: number, fail: (cause: unknown) => void) {
    this.#ports = ports;
    this.#fail = fail;
    this.hand = new Hand(concurrency);
    this.isPaused = ports.ledger.machine.paused !== undefined;
    const { runner } = ports;
    this.#attemptPorts = { runner, startAgain: (work) => this.#startAgain(work) };
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  toWork(key: EntryKey, assignment: Assignment, from?: Entry): Work {
    const { rules } = this.#ports.runner;
    const name = assignment.kind === "action" ? assignment.transition : "";
    const abort = new AbortController();
    const { signal } = this.#cancelAll;
    if (signal.aborted) abort.abort(signal.reason);
    const { isLight = false, uses } = rulesOf(rules, name);
    const cancelled = from?.cancelled === undefined ? {} : { cancelled: from.cancelled };
    return { key, assignment, abort, uses, isLight, starts: from?.starts ?? 0, ...cancelled };
  }

  /** Whether this action would, beside what runs now. */
  startsNow(transition: string): boolean {
    const { isLight = false, uses } = rulesOf(this.#ports.runner.rules, transition);
    return this.hand.isNext({ isLight, uses }) && this.#mayStartActions();
  }

  /** Records it on the way to its handler, or while it waits. */
  accept(accepted: Accepted, work: Work): void {
    this.#letGo(this.#accept(accepted, work));
  }

  /** Starts what waits as far as it fits beside what runs. */
  async startWaiting(): Promise<void> {
    for (;;) {
      const next = this.hand.next();
      if (next === undefined || !this.#mayStart(next)) return;
      const stale = this.#staleness(next);
      if (stale !== undefined) {
        await this.#counted(this.answer(next, stale.code, stale.problem));
        continue;
      }
      try {
        await this.#counted(this.#start([], next));
      } catch (cause) {
        await this.#refuseForDisk(next, cause);
      }
      this.bell.ring();
    }
  }

  /** A restart found it started: its handler says what is to become of it. It keeps its lane. */
  settle(work: Work, problem: string): void {
    this.hand.start(work);
    const doubt = new ServantError("handler.interrupted", problem);
    this.#letGo(this.#carry(work, () => resumeAttempt(this.#attemptPorts, work, doubt)));
  }

  /** The answer to what was accepted and will not run, or not to its end. */
  async answer(work: Work, code: ErrorCode, reason: string): Promise<void> {
    this.hand.release(work);
    if ((await work.isRecorded) === false) return this.#release(work);
    await this.#finish(work, failedResult(work.assignment.auditId, code, reason));
  }

  /** What has not started never starts; what runs is told to stop. */
  async cancel(work: Work, reason: string): Promise<void> {
    await this.#counted(this.#cancel(work, reason));
  }

  async #cancel(work: Work, reason: string): Promise<void> {
    const { bus, clock, ledger } = this.#ports;
    const { assignment, key } = work;
    work.cancelled = reason;
    bus.publish({ type: "assignment.cancelled", auditId: assignment.auditId, reason });
    // It takes effect before it is durable: a handler must not move on while the disk is slow.
    const isWaiting = this.hand.waiting.includes(work);
    if (isWaiting) this.hand.release(work);
    else work.abort.abort(new ServantError("handler.cancelled", `Cannot go on: ${reason}`));
    this.bell.ring();
    if ((await work.isRecorded) === false) return; // it was answered with its refusal
    await ledger.recordReport([{ type: "cancelled", ...stamp(clock), key, reason }]);
    if (isWaiting) await this.#finish(work, neverStarted(work, reason));
  }

  /** Aborts every handler's signal, of those to come too. */
  cancelAll(reason: ServantError): void {
    this.#cancelAll.abort(reason);
    for (const { abort } of this.hand.all()) abort.abort(reason);
  }

  /** From now on nothing starts: what has not started is answered. */
  stop(problem: string): void {
    this.#isDraining = true;
    this.#ports.runner.drain();
    for (const work of this.hand.waiting) {
      this.#letGo(this.answer(work, "agent.draining", problem));
    }
    this.bell.ring();
  }

  /** Resolves when nothing goes on any more. */
  async ended(): Promise<void> {
    while (this.#going > 0) await this.bell.rung();
  }

  /** Lets it go on by itself; what it cannot handle ends the servant. */
  #letGo(going: Promise<void>): void {
    this.#counted(going).catch(this.#fail);
  }

  /** A stop waits for it: what is on its way to the disk may start a handler. */
  async #counted(going: Promise<void>): Promise<void> {
    this.#going += 1;
    try {
      await going;
    } finally {
      this.#going -= 1;
      this.bell.ring();
    }
  }

  #mayStart({ assignment }: Work): boolean {
    return assignment.kind === "belief" || this.#mayStartActions();
  }

  #mayStartActions(): boolean {
    return !this.isPaused && !this.#isDraining && this.#ports.runner.isReady;
  }

  /** Why it may not start any more: it was fresh at the restart, and has waited since. */
  #staleness({ foundAtRestart }: Work): { code: ErrorCode; problem: string } | undefined {
    if (foundAtRestart === undefined) return undefined;
    const verdict = verdictAfterRestart(foundAtRestart, this.#ports.clock.now());
    return verdict.is === "answer" ? verdict : undefined;
  }

  async #accept(accepted: Accepted, work: Work): Promise<void> {
    const { bus, ledger } = this.#ports;
    const { hand } = this;
    const { assignment } = work;
    const isNext = assignment.kind === "belief" || hand.isNext(work);
    const starts = isNext && this.#mayStart(work);
    const what = describeAssignment(assignment);
    const { auditId } = assignment;
    bus.publish({ type: "assignment.accepted", auditId, what, held: !starts });
    try {
      if (!starts) hand.wait(work); // taken at once: nothing else may slip in meanwhile
      const recording = starts ? this.#start([accepted], work) : ledger.record([accepted], "soon");
      work.isRecorded = recording.then(
        () => true,
        () => false,
      );
      await recording;
    } catch (cause) {
      this.#release(work);
      const { code, message } = toServantError(cause);
      if (code !== "journal.full") throw cause;
      await this.reject(accepted, code, message);
    }
    await this.startWaiting();
  }

  /** The answer to what is not even accepted: both at once. */
  async reject(accepted: Accepted, code: ErrorCode, reason: string): Promise<void> {
    const { assignment, key } = accepted;
    const { bus, clock, ledger } = this.#ports;
    const result = failedResult(assignment.auditId, code, reason);
    await ledger.recordReport([accepted, { type: "finished", ...stamp(clock), key, result }]);
    bus.publish(rejection(result));
  }

  /** Journal before effect: started is durable before the handler sees the assignment. */
  async #start(before: readonly Fact[], work: Work): Promise<void> {
    this.hand.start(work);
    await this.#ports.ledger.record([...before, this.#startFact(work)]);
    this.#letGo(this.#run(work));
  }

  #startFact(work: Work): Fact {
    work.starts += 1;
    const nth = work.starts > 1 ? { nth: work.starts } : {};
    return { type: "started", ...stamp(this.#ports.clock), key: work.key, ...nth };
  }

  async #run(work: Work): Promise<void> {
    const { assignment } = work;
    const what = describeAssignment(assignment);
    this.#ports.bus.publish({ type: "assignment.started", auditId: assignment.auditId, what });
    await this.#carry(work, () => attempt(this.#attemptPorts, work));
  }

  /** Waits for the result and records it. */
  async #carry(work: Work, toResult: () => Promise<Result>): Promise<void> {
    const { clock } = this.#ports;
    const startedAt = clock.monotonic();
    const result = await toResult();
    const tookMs = clock.monotonic() - startedAt;
    await this.#finish(work, result, finishedEvent(work.assignment, result, tookMs));
  }

  async #startAgain(work: Work): Promise<boolean> {
    while (!this.#mayStart(work)) {
      if (this.#isDraining || work.cancelled !== undefined) return false;
      await this.bell.rung();
    }
    try {
      await this.#ports.ledger.record([this.#startFact(work)]);
      return true;
    } catch (cause) {
      if (toServantError(cause).code !== "journal.full") throw cause;
      return false; // a start that cannot be recorded must not happen
    }
  }

  /** One commit for this finish and the next start: the machine waits for one flush, not two. */
  async #finish(work: Work, result: Result, event = rejection(result)): Promise<void> {
    const { bus, clock, ledger } = this.#ports;
    const finished: Fact = { type: "finished", ...stamp(clock), key: work.key, result };
    const next = ledger.isFull ? undefined : this.hand.next(work);
    if (next === undefined || !this.#mayStart(next) || this.#staleness(next) !== undefined) {
      await ledger.recordReport([finished]);
      bus.publish(event);
      this.#release(work);
      return await this.startWaiting();
    }
    this.hand.start(next);
    this.#release(work); // there is room again: the next poll goes out while this is recorded
    try {
      await ledger.record([finished, this.#startFact(next)]);
      bus.publish(event);
      this.#letGo(this.#run(next));
    } catch (cause) {
      // On a full disk the finish is told all the same, and the next one is not started.
      await ledger.recordReport([finished]);
      bus.publish(event);
      await this.#refuseForDisk(next, cause);
    }
    await this.startWaiting();
  }

  async #refuseForDisk(work: Work, cause: unknown): Promise<void> {
    const { code, message } = toServantError(cause);
    if (code !== "journal.full") throw cause;
    await this.answer(work, code, `Cannot run it: its start cannot be recorded: ${message}`);
  }

  #release(work: Work): void {
    this.hand.release(work);
    this.bell.ring();
  }
}

function rejection({ auditId, code = "agent.internal", message: reason }: Result): AgentEvent {
  return { type: "assignment.rejected", auditId, code, reason };
}

/** The largest telemetry that is told along with a finish, in characters of JSON. */
const TOLD_TELEMETRY_MAX_CHARS = 128 * 1024;

function finishedEvent(
  assignment: Assignment,
  { auditId, success, message, telemetry }: Result,
  tookMs: number,
): AgentEvent {
  const what = describeAssignment(assignment);
  const event = { type: "assignment.finished", auditId, what, success, message, tookMs } as const;
  if (isJsonObject(telemetry) && Object.keys(telemetry).length === 0) return event;
  const isTold = isShorterThan(telemetry, TOLD_TELEMETRY_MAX_CHARS);
  return { ...event, telemetry: isTold ? telemetry : { unprintable: "it is too long for a line" } };
}
