/**
 * The servants of a backend at work: what is handed to whom, who has fallen silent.
 * An assignment is handed out once, and an answer counts once; whatever else arrives is logged.
 */
import {
  type Assignment,
  type AuditId,
  emptyResult,
  failedResult,
  type Result,
} from "../core/assignment.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Level } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { type Cancelled, cancelHeldBy } from "./cancel.ts";
import { type HandPorts, noteHolds, recall } from "./hand.ts";
import type { Handout, Pending, RegisteredServant, ServantOffer, Wish } from "./servant.ts";
import { ServantList } from "./servant-list.ts";
import { judgeSilence, type Leases } from "./silence.ts";
import { type Keep, keepNothing } from "./store.ts";
import type { Unanswered, Unfinished } from "./unanswered.ts";

/** How long a belief question waits before it counts as unchecked. */
export const BELIEF_WAIT_MS = 5_000;
/** A poll is held no longer than this. */
export const HOLD_MAX_MS = 60_000;
/**
 * A servant that does not poll while it acts, and polls with an action in hand, has lost the
 * action or its answer. It is given this long, since the answer may be on another connection.
 */
export const ANSWER_LOST_MS = 3_000;
/** How often silence is looked at, in milliseconds. */
const WATCH_MS = 500;

export type Log = (level: Level, message: string, fields: JsonObject) => void;
export interface ServantsOptions extends Leases {
  readonly clock: Clock;
  readonly log: Log;
  readonly keep?: Keep;
  /** What went out and nobody waits for any more. */
  readonly unanswered?: Unanswered;
}
/** What an answer turned out to be. */
export type Acceptance =
  | "taken"
  /** Nobody waits for it, and it says what came of a step that went out. */
  | "late"
  | "not-awaited";

export class Servants extends ServantList {
  readonly #options: ServantsOptions;
  readonly #closing = new AbortController();
  readonly #hand: HandPorts;
  #isWatched = false;

  constructor(options: ServantsOptions) {
    super(options.keep ?? keepNothing);
    this.#options = options;
    this.#hand = { ...options, settle: (...settled) => this.#settle(...settled) };
  }

  /**
   * Makes a servant known; from now on it is the provider of what it offers. One of an earlier life
   * of the backend was not heard in this one.
   *
   * @throws {ServantError} `servant.too-many`: a live one is never forgotten for a new one
   */
  register(
    offer: ServantOffer,
    id: string = crypto.randomUUID(),
    { isHeard = true } = {},
  ): RegisteredServant {
    const { clock, log } = this.#options;
    const forgotten = this.makeRoom();
    if (forgotten !== undefined) {
      const reason = `servant ${forgotten.id} was forgotten: there are too many`;
      this.#fail(forgotten, "servant.lost", reason);
      forgotten.endHeld();
    }
    const servant = this.add(offer, id, clock);
    servant.isHeard = isHeard;
    log("info", `servant ${id} registered`, {
      servantId: id,
      transitions: [...offer.transitions],
      fluents: [...offer.fluents],
    });
    if (!this.#isWatched) void this.#watch();
    return servant;
  }

  /**
   * Queues an action for a servant. Always resolves: to its answer, or to a failed result with
   * code `servant.lost` or `execution.stopped`; one that is recallable and has not gone out fails
   * too when its servant turns out to have done, or to do, an earlier step.
   */
  act(
    servant: RegisteredServant,
    action: Extract<Assignment, { kind: "action" }>,
    { isRecallable = false } = {},
  ): Promise<Result> {
    return this.#ask(servant, action, isRecallable);
  }

  /** Asks what holds of a fluent; unchecked when there is no answer in `BELIEF_WAIT_MS`. */
  async observe(servant: RegisteredServant, fluent: string): Promise<Result> {
    const { clock, log } = this.#options;
    const auditId = crypto.randomUUID() as AuditId;
    const answered = new AbortController();
    const answer = this.#ask(servant, { kind: "belief", auditId, fluent });
    void clock.sleep(BELIEF_WAIT_MS, answered.signal).then(() => {
      if (answered.signal.aborted || !this.#settle(servant, auditId, unchecked(auditId))) return;
      log("warn", `${fluent} stays unchecked: no answer from servant ${servant.id}`, { auditId });
    });
    try {
      return await answer;
    } finally {
      answered.abort();
    }
  }

  /**
   * A servant asks for what it has to do next, and is answered within the time it gives.
   *
   * @throws {ServantError} `servant.unknown`
   */
  async poll(id: string, wish: Wish, signal?: AbortSignal): Promise<Handout | undefined> {
    const { waitMs, takes } = wish;
    const servant = this.get(id);
    this.#heard(servant);
    servant.pollsWhileActing = waitMs !== undefined || takes !== undefined;
    servant.takesCancels = takes?.cancels ?? false;
    servant.endHeld();
    this.#noteIdlePoll(servant);
    noteHolds(servant, wish.holds, this.#hand);
    if (signal?.aborted) return undefined;
    const ready = servant.take(wish);
    if (ready !== undefined) return ready;
    if (waitMs === undefined || waitMs <= 0 || this.#closing.signal.aborted) return undefined;
    return await servant.hold(wish, Math.min(waitMs, HOLD_MAX_MS), signal);
  }

  /**
   * A servant answers. An answer that nobody waits for, or that came before, changes nothing.
   *
   * @throws {ServantError} `servant.unknown`
   */
  answer(id: string, result: Result): Acceptance {
    const { log } = this.#options;
    const servant = this.get(id);
    this.#heard(servant);
    const { auditId } = result;
    const has = ({ inHand, asked }: RegisteredServant) =>
      inHand?.assignment.auditId === auditId || asked.has(auditId);
    // By audit id: a servant that registered anew may answer under its new name.
    const holder = has(servant) ? servant : this.list().find(has);
    for (const each of [servant, holder]) each?.untell(auditId);
    if (holder !== undefined && this.#settle(holder, auditId, result)) return "taken";
    const isLate = this.#options.unanswered?.get(auditId) !== undefined;
    // What waits was chosen without knowing this: it must not go out now.
    for (const each of isLate ? new Set([servant, holder]) : [])
      if (each) recall(each, this.#hand.settle);
    if (holder?.inHand?.assignment.auditId === auditId) holder.release();
    if (isLate) return "late";
    log("warn", `an answer that nobody waits for was set aside: ${result.message}`, {
      auditId,
      servantId: id,
      success: result.success,
    });
    return "not-awaited";
  }

  /** Calls off one assignment, or all that are open; see `cancelHeldBy`. */
  cancel(auditId: AuditId | undefined, reason: string): Cancelled[] {
    const cancelled = this.list().flatMap((servant) =>
      cancelHeldBy(servant, auditId, reason, (id, result) => this.#settle(servant, id, result)),
    );
    for (const { what, servantId, told, ...each } of cancelled) {
      const untold = told ? "" : `; servant ${servantId} cannot be told and may go on`;
      this.#options.log("info", `cancelled ${what}: ${reason}${each.handedOut ? untold : ""}`, {
        auditId: each.auditId,
        servantId,
      });
    }
    return cancelled;
  }

  /**
   * Fails every open assignment. A servant that acts keeps it in hand until it is heard; those that
   * can be told are told when `isTold`.
   */
  stopAll(reason: string, { isTold }: { isTold: boolean }): void {
    for (const servant of this.list()) {
      for (const { assignment } of isTold && servant.takesCancels ? servant.handedOut : []) {
        servant.tell(assignment.auditId, reason);
      }
      this.#fail(servant, "execution.stopped", reason);
    }
  }

  /** Answers what is held and fails what is open. */
  close(): void {
    this.stopAll("the backend was stopping", { isTold: false });
    this.#closing.abort();
    for (const servant of this.list()) servant.endHeld();
  }

  #ask(
    servant: RegisteredServant,
    assignment: Pending["assignment"],
    isRecallable = false,
  ): Promise<Result> {
    if (this.#closing.signal.aborted) {
      const { auditId } = assignment;
      return Promise.resolve(failedResult(auditId, "execution.stopped", "the backend is stopping"));
    }
    const { promise, resolve } = Promise.withResolvers<Result>();
    const untouched = { settled: false, handedOutAtMs: 0, isCancelled: false };
    servant.push({ assignment, settle: resolve, isRecallable, ...untouched });
    return promise;
  }

  /** True when the result was the answer that somebody waited for. */
  #settle(servant: RegisteredServant, auditId: AuditId, result: Result): boolean {
    const { inHand, asked, queue } = servant;
    const queued = queue.findIndex(({ assignment }) => assignment.auditId === auditId);
    const pending =
      inHand?.assignment.auditId === auditId ? inHand : (asked.get(auditId) ?? queue[queued]);
    if (pending === undefined || pending.settled) return false;
    pending.settled = true;
    asked.delete(auditId);
    if (queued >= 0) queue.splice(queued, 1);
    if (pending === inHand) servant.release();
    pending.settle(result);
    return true;
  }

  #fail(servant: RegisteredServant, code: ErrorCode, reason: string): void {
    const { inHand, asked, queue } = servant;
    const open = [...(inHand === undefined ? [] : [inHand]), ...asked.values(), ...queue];
    asked.clear();
    queue.length = 0;
    for (const pending of open) {
      if (pending.settled) continue;
      pending.settled = true;
      const { kind, auditId } = pending.assignment;
      // A question that nobody can answer any more leaves what was believed.
      const isBelief = kind === "belief";
      pending.settle(isBelief ? unchecked(auditId, reason) : failedResult(auditId, code, reason));
    }
  }

  #heard(servant: RegisteredServant): void {
    servant.isHeard = true;
    servant.heardAtMs = this.#options.clock.monotonic();
    servant.silenceShownAtMs = 0;
    if (!servant.isLost) return;
    servant.isLost = false;
    this.#options.log("info", `servant ${servant.id} is back`, { servantId: servant.id });
  }

  #noteIdlePoll(servant: RegisteredServant): void {
    const { clock, log } = this.#options;
    if (servant.inHand === undefined || servant.pollsWhileActing) {
      servant.idleWithActionSinceMs = undefined;
      return;
    }
    servant.idleWithActionSinceMs ??= clock.monotonic();
    if (clock.monotonic() - servant.idleWithActionSinceMs < ANSWER_LOST_MS) return;
    const { auditId } = servant.inHand.assignment;
    const reason = `servant ${servant.id} asks for work and has not answered what it had`;
    log("warn", reason, { auditId, servantId: servant.id });
    this.#settle(servant, auditId, failedResult(auditId, "servant.lost", reason));
    if (servant.inHand !== undefined) servant.release(); // it was settled before: stopped
  }

  /** The step that nobody waits for and that the servant has in hand, or may have. */
  earlierStepOf(servant: RegisteredServant): Unfinished | undefined {
    const { unanswered } = this.#options;
    const { inHand, isHeard, isLost, id } = servant;
    if (isLost) return undefined;
    if (inHand?.settled) return unanswered?.get(inHand.assignment.auditId);
    return isHeard ? undefined : unanswered?.open().find(({ servantId }) => servantId === id);
  }

  async #watch(): Promise<void> {
    this.#isWatched = true;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#options.clock.sleep(WATCH_MS, signal);
      for (const servant of this.list()) if (!servant.isLost) this.#judge(servant);
    }
  }

  #judge(servant: RegisteredServant): void {
    const verdict = judgeSilence(servant, this.#options);
    if (verdict.is === "lost") this.#lose(servant, verdict.reason);
    if (verdict.is !== "worth telling") return;
    const { auditId } = verdict;
    this.#options.log("info", verdict.reason, { auditId, servantId: servant.id });
  }

  #lose(servant: RegisteredServant, reason: string): void {
    servant.isLost = true;
    this.#options.log("warn", `${reason}: its offers are withdrawn`, { servantId: servant.id });
    this.#fail(servant, "servant.lost", reason);
    servant.inHand = undefined;
  }
}

function unchecked(auditId: AuditId, reason = "no answer in time"): Result {
  return { ...emptyResult(auditId, true, reason), unchecked: true };
}
