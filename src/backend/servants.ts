/**
 * The servants of a backend: who offers what, what is handed to whom, who has fallen silent.
 * An assignment is handed out once, and an answer counts once; whatever else arrives is logged.
 */
import {
  type Assignment,
  type AuditId,
  emptyResult,
  failedResult,
  type Result,
} from "../core/assignment.ts";
import { type ErrorCode, ServantError } from "../core/errors.ts";
import type { Level } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { type Pending, RegisteredServant, type ServantOffer } from "./servant.ts";

/** Silence with nothing in hand and no poll held, after which a servant is lost. */
export const LOST_MS = 3_000;
/** Silence after which the step of a servant that polls while it acts fails. */
export const LEASE_MS = 30_000;
/** How long a belief question waits before it counts as unchecked. */
export const BELIEF_WAIT_MS = 5_000;
/** A poll is held no longer than this. */
export const HOLD_MAX_MS = 60_000;
/**
 * A servant that does not poll while it acts, and polls with an action in hand, has lost the
 * action or its answer. It is given this long, since the answer may be on another connection.
 */
export const ANSWER_LOST_MS = 3_000;
/** Silence with an action in hand that is told to people; then again at twice as much. */
export const SILENCE_SHOWN_MS = 30_000;
/** How often silence is looked at, in milliseconds. */
const WATCH_MS = 500;
/** Registrations kept; beyond it the longest lost are forgotten. */
export const SERVANTS_MAX = 1_000;

export type Log = (level: Level, message: string, fields: JsonObject) => void;
export interface ServantsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseMs?: number;
  /** The lease of a servant that is silent while it acts; absent: it may take for ever. */
  readonly silentLeaseMs?: number | undefined;
}
export interface ServantSnapshot extends ServantOffer {
  readonly id: string;
}
/** What an answer turned out to be. */
export type Acceptance = "taken" | "not-awaited";

export class Servants {
  readonly #options: ServantsOptions;
  readonly #byId = new Map<string, RegisteredServant>();
  readonly #closing = new AbortController();
  #order = 0;
  #isWatched = false;

  constructor(options: ServantsOptions) {
    this.#options = options;
  }

  /** Makes a servant known; from now on it is the provider of what it offers. */
  register(offer: ServantOffer, id: string = crypto.randomUUID()): RegisteredServant {
    const { clock, log } = this.#options;
    this.#order += 1;
    const servant = new RegisteredServant(id, offer, this.#order, clock);
    this.#byId.set(id, servant);
    this.#forgetSome();
    log("info", `servant ${id} registered`, {
      servantId: id,
      transitions: [...offer.transitions],
      fluents: [...offer.fluents],
    });
    if (!this.#isWatched) void this.#watch();
    return servant;
  }

  /** @throws {ServantError} `servant.unknown` */
  get(id: string): RegisteredServant {
    const servant = this.#byId.get(id);
    if (servant !== undefined) return servant;
    throw new ServantError("servant.unknown", `Cannot find servant "${id.slice(0, 100)}"`);
  }

  list(): readonly RegisteredServant[] {
    return [...this.#byId.values()];
  }

  snapshot(): ServantSnapshot[] {
    return this.list().map(({ id, offer }) => ({ id, ...offer }));
  }

  /** The newest servant that offers the transition and is not lost. */
  providerOf(transition: string): RegisteredServant | undefined {
    return this.#newest(({ offer }) => offer.transitions.includes(transition));
  }

  observerOf(fluent: string): RegisteredServant | undefined {
    return this.#newest(({ offer }) => offer.fluents.includes(fluent));
  }

  /**
   * Queues an action for a servant. Always resolves: to its answer, or to a failed result with
   * code `servant.lost` or `execution.stopped`.
   */
  act(
    servant: RegisteredServant,
    action: Extract<Assignment, { kind: "action" }>,
  ): Promise<Result> {
    return this.#ask(servant, action);
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
   * A servant asks for its next assignment. `waitMs` is how long it would like the question to be
   * held; undefined for a servant that did not say.
   *
   * @throws {ServantError} `servant.unknown`
   */
  async poll(
    id: string,
    waitMs: number | undefined,
    signal?: AbortSignal,
  ): Promise<Pending["assignment"] | undefined> {
    const servant = this.get(id);
    this.#heard(servant);
    servant.pollsWhileActing = waitMs !== undefined;
    servant.endHeld();
    this.#noteIdlePoll(servant);
    if (signal?.aborted) return undefined;
    const ready = servant.take();
    if (ready !== undefined) return ready.assignment;
    if (waitMs === undefined || waitMs <= 0 || this.#closing.signal.aborted) return undefined;
    return (await servant.hold(Math.min(waitMs, HOLD_MAX_MS), signal))?.assignment;
  }

  /**
   * A servant answers. An answer that nobody waits for, or that came before, changes nothing.
   *
   * @throws {ServantError} `servant.unknown`
   */
  answer(id: string, result: Result): Acceptance {
    const { log } = this.#options;
    this.#heard(this.get(id));
    const { auditId } = result;
    // By audit id: a servant that registered anew may answer under its new name.
    const holder = this.list().find(
      ({ inHand, asked }) => inHand?.assignment.auditId === auditId || asked.has(auditId),
    );
    if (holder !== undefined && this.#settle(holder, auditId, result)) return "taken";
    if (holder?.inHand?.assignment.auditId === auditId) holder.release();
    log("warn", `an answer that nobody waits for was set aside: ${result.message}`, {
      auditId,
      servantId: id,
      success: result.success,
    });
    return "not-awaited";
  }

  /** Fails every open assignment. A servant that acts keeps it in hand until it is heard. */
  stopAll(reason: string): void {
    for (const servant of this.list()) this.#fail(servant, "execution.stopped", reason);
  }

  /** Answers what is held and fails what is open. */
  close(): void {
    this.stopAll("the backend was stopping");
    this.#closing.abort();
    for (const servant of this.list()) servant.endHeld();
  }

  #ask(servant: RegisteredServant, assignment: Pending["assignment"]): Promise<Result> {
    if (this.#closing.signal.aborted) {
      const { auditId } = assignment;
      return Promise.resolve(failedResult(auditId, "execution.stopped", "the backend is stopping"));
    }
    const { promise, resolve } = Promise.withResolvers<Result>();
    servant.push({ assignment, settle: resolve, settled: false });
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
      pending.settle(failedResult(pending.assignment.auditId, code, reason));
    }
  }

  #newest(offers: (servant: RegisteredServant) => boolean): RegisteredServant | undefined {
    return this.list()
      .filter((servant) => !servant.isLost && offers(servant))
      .reduce<RegisteredServant | undefined>(
        (best, each) => (best !== undefined && best.order > each.order ? best : each),
        undefined,
      );
  }

  #heard(servant: RegisteredServant): void {
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

  async #watch(): Promise<void> {
    this.#isWatched = true;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#options.clock.sleep(WATCH_MS, signal);
      for (const servant of this.#byId.values()) if (!servant.isLost) this.#judge(servant);
    }
  }

  /** Decides what a servant's silence means. */
  #judge(servant: RegisteredServant): void {
    const { leaseMs = LEASE_MS, silentLeaseMs, log } = this.#options;
    const { silentMs, inHand, asked } = servant;
    if (silentMs === 0) return;
    const seconds = Math.round(silentMs / 1000);
    const reason = `servant ${servant.id} has been silent for ${seconds} s`;
    if (inHand === undefined && asked.size === 0) {
      if (silentMs >= LOST_MS) this.#lose(servant, reason);
      return;
    }
    const lease = servant.pollsWhileActing ? leaseMs : silentLeaseMs;
    if (inHand !== undefined && lease !== undefined && silentMs >= lease) {
      this.#lose(servant, reason);
    } else if (inHand !== undefined && silentMs >= (servant.silenceShownAtMs || SILENCE_SHOWN_MS)) {
      const { auditId } = inHand.assignment;
      log("info", `${reason}, with an action in hand`, { auditId, servantId: servant.id });
      servant.silenceShownAtMs = silentMs * 2;
    }
  }

  #lose(servant: RegisteredServant, reason: string): void {
    servant.isLost = true;
    this.#options.log("warn", `${reason}: its offers are withdrawn`, { servantId: servant.id });
    this.#fail(servant, "servant.lost", reason);
    servant.inHand = undefined;
  }

  #forgetSome(): void {
    if (this.#byId.size <= SERVANTS_MAX) return;
    const longest = this.list().find(({ isLost }) => isLost) ?? this.list()[0];
    if (longest === undefined) return;
    this.#fail(longest, "servant.lost", `servant ${longest.id} was forgotten: there are too many`);
    longest.endHeld();
    this.#byId.delete(longest.id);
  }
}

function unchecked(auditId: AuditId): Result {
  return { ...emptyResult(auditId, true, "no answer in time"), unchecked: true };
}
