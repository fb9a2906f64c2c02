/**
 * Carries finished results to the backend. It stores nothing: what waits is what the ledger calls
 * finished and not yet delivered, so a restart resumes by itself. Results that finish now go ahead
 * of the backlog; of the backlog the oldest goes first.
 */
import { type Assignment, emptyResult, type Result } from "../core/assignment.ts";
import { retryInMs } from "../core/backoff.ts";
import { Bell } from "../core/bell.ts";
import { type EntryKey, replyOf, stamp } from "../core/entry.ts";
import { type ServantError, toServantError } from "../core/errors.ts";
import type { Finished } from "../core/ledger.ts";
import type { Delivery } from "../core/ports.ts";
import { SANE_CLOCK_MS } from "../core/retention.ts";
import { Backlog } from "./backlog.ts";
import type { Ports } from "./ports.ts";
import { type Presence, Troubles } from "./troubles.ts";

export type OutboxPorts = Pick<Ports, "backend" | "bus" | "clock" | "ledger" | "random"> & {
  presence(): Presence;
};

/** How many results are under way at once: some places are kept for what finishes now. */
export const IN_FLIGHT_MAX = 20;
export const BACKLOG_IN_FLIGHT_MAX = 16;
/** An older observation is sent as unchecked: it must not pass for a new one. */
export const BELIEF_FRESH_MS = 60_000;

/** A result on its way. */
interface Sending {
  readonly entry: Finished;
  /** It was read from the journal: an earlier life may have finished it. */
  readonly isInherited: boolean;
  /** How many results had passed when it was sent. */
  readonly passedBefore: number;
  /** Who sent it. */
  readonly registration: number;
}

/**
 * Delivers results until `signal` aborts. A crash between delivery and record sends the result
 * again, so a backend sees each result at least once.
 *
 * @throws {ServantError} kind "auth" or "gone": results stay for the next registration.
 */
export async function runOutbox(ports: OutboxPorts, signal: AbortSignal): Promise<void> {
  await new Outbox(ports, signal).run();
}

class Outbox {
  readonly #ports: OutboxPorts;
  readonly #signal: AbortSignal;
  /** What only a person or a new registration can mend, or a journal that is broken. */
  #failure: ServantError | undefined;
  /** Rung when there may be something to do. */
  readonly #bell = new Bell();
  #isAwake = false;
  readonly #inFlight = new Set<EntryKey>();
  /** Those of them that came from the journal. */
  readonly #oldInFlight = new Set<EntryKey>();
  readonly #backlog: Backlog;
  readonly #troubles: Troubles;
  /** How many results the backend has taken from this outbox. */
  #passed = 0;
  /** Failures in a row, of the link as a whole. */
  #failures = 0;
  #pause: { readonly ms: number; readonly isAsked: boolean; readonly passed: number } | undefined;

  constructor(ports: OutboxPorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
    this.#backlog = new Backlog(ports.ledger);
    this.#troubles = new Troubles();
  }

  async run(): Promise<void> {
    const over = new AbortController();
    const end = () => {
      over.abort();
      this.#wake();
    };
    this.#signal.addEventListener("abort", end);
    const listening = this.#listen(over.signal);
    while (!this.#isOver) {
      this.#isAwake = false;
      if (this.#pause !== undefined) await this.#sitOut();
      else await this.#send();
      if (!this.#isAwake && !this.#isOver) await this.#bell.rung();
    }
    while (this.#inFlight.size > 0) await this.#bell.rung();
    this.#signal.removeEventListener("abort", end);
    end();
    await listening;
    if (this.#failure !== undefined) throw this.#failure;
  }

  get #isOver(): boolean {
    return this.#signal.aborted || this.#failure !== undefined;
  }

  #wake(): void {
    this.#isAwake = true;
    this.#bell.ring();
  }

  async #listen(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await this.#ports.ledger.changed(over);
      this.#wake();
    }
  }

  /** Sends what there is room for. */
  async #send(): Promise<void> {
    const { ledger } = this.#ports;
    for (const entry of ledger.fresh()) {
      if (this.#inFlight.size >= IN_FLIGHT_MAX) return;
      if (!this.#isInHand(entry.key)) this.#start(entry, false);
    }
    for (const { key, isOld } of this.#troubles.due(this.#ports.clock.monotonic())) {
      if (!this.#hasRoomForOld()) return;
      if (!this.#inFlight.has(key)) this.#letGo(key, isOld, () => this.#tryAgain(key, isOld));
    }
    if (!this.#hasRoomForOld() || this.#troubles.isCrowded) return;
    try {
      const inHand = { count: () => this.#countInHand(), has: this.#isInHand.bind(this) };
      await this.#backlog.fill(inHand);
    } catch (cause) {
      this.#fail(cause);
    }
    while (!this.#isOver && this.#pause === undefined && this.#hasRoomForOld()) {
      const entry = this.#backlog.next();
      if (entry === undefined) break;
      this.#start(entry, true);
    }
  }

  #hasRoomForOld(): boolean {
    const isFull = this.#inFlight.size >= IN_FLIGHT_MAX;
    return !isFull && this.#oldInFlight.size < BACKLOG_IN_FLIGHT_MAX;
  }

  #isInHand(key: EntryKey): boolean {
    return this.#inFlight.has(key) || this.#troubles.isWaiting(key);
  }

  /** Of the backlog. */
  #countInHand(): number {
    return this.#oldInFlight.size + this.#troubles.countOld((key) => this.#inFlight.has(key));
  }

  #start(entry: Finished, isInherited: boolean): void {
    this.#letGo(entry.key, isInherited, () => this.#deliver(entry, isInherited));
  }

  /** Lets a delivery go on by itself. */
  #letGo(key: EntryKey, isOld: boolean, deliver: () => Promise<void>): void {
    this.#inFlight.add(key);
    if (isOld) this.#oldInFlight.add(key);
    deliver()
      .catch((cause) => this.#fail(cause))
      .finally(() => {
        this.#inFlight.delete(key);
        this.#oldInFlight.delete(key);
        this.#wake();
      });
  }

  #fail(cause: unknown): void {
    this.#failure ??= toServantError(cause);
  }

  /** The link is down as a whole: waits, unless a result passed while the others settled. */
  async #sitOut(): Promise<void> {
    while (this.#inFlight.size > 0) await this.#bell.rung();
    const pause = this.#pause;
    this.#pause = undefined;
    this.#isAwake = true;
    this.#backlog.restart();
    if (pause === undefined || this.#isOver) return;
    if (!pause.isAsked && this.#passed > pause.passed) return;
    await this.#ports.clock.sleep(pause.ms, this.#signal);
  }

  /** One that waited by itself; the ledger knows whether it still waits for the backend. */
  async #tryAgain(key: EntryKey, isInherited: boolean): Promise<void> {
    const entry = await this.#ports.ledger.find(key);
    if (entry?.phase === "finished" && entry.result !== undefined) {
      await this.#deliver({ ...entry, result: entry.result }, isInherited);
    } else this.#forgive(key);
  }

  async #deliver(entry: Finished, isInherited: boolean): Promise<void> {
    const { backend, bus, clock, ledger } = this.#ports;
    const { key, via, assignment } = entry;
    const { registration } = this.#ports.presence();
    const sending = { entry, isInherited, passedBefore: this.#passed, registration };
    try {
      const result = presentable(entry, isInherited, clock.now());
      const told = { ...replyOf(entry), ...cancelledOf(entry) };
      const delivery = { key, via, kind: assignment.kind, result, ...told };
      await backend.deliver(delivery, this.#signal);
    } catch (cause) {
      if (!this.#signal.aborted) await this.#failed(sending, toServantError(cause));
      return;
    }
    this.#passed += 1;
    this.#failures = 0;
    this.#forgive(key);
    ledger.recordDelivered({ type: "delivered", ...stamp(clock), key });
    bus.publish({ type: "result.delivered", auditId: assignment.auditId });
  }

  async #failed(sending: Sending, error: ServantError): Promise<void> {
    const { bus, clock, ledger } = this.#ports;
    const { key, assignment } = sending.entry;
    const { auditId } = assignment;
    const { code, message: reason } = error;
    if (error.kind === "auth" || error.kind === "gone") {
      this.#failure ??= error;
      return;
    }
    // A fault of ours says nothing of the result: it must not be lost for it.
    const isRefusal = error.kind !== "transient" && code !== "agent.internal";
    if (!isRefusal) return this.#delayed(sending, error);
    const isSure =
      code !== "backend.result-unclaimed" ||
      this.#troubles.isUnclaimedAgain(key, this.#presenceOf(sending));
    if (!isSure) return this.#delayed(sending, error);
    this.#forgive(key);
    // One result the backend will never accept must not hold up the rest.
    await ledger.recordRefused({ type: "refused", ...stamp(clock), key, code });
    bus.publish({ type: "result.refused", auditId, code, reason });
  }

  /** It stays: it waits by itself when the trouble is its own, or with all others. */
  #delayed(sending: Sending, error: ServantError): void {
    const { entry, isInherited, passedBefore } = sending;
    const { bus, clock, ledger, random } = this.#ports;
    const { key, assignment } = entry;
    const { auditId } = assignment;
    const { code, message: reason } = error;
    const passed = { before: passedBefore, now: this.#passed };
    const now = clock.monotonic();
    const trouble = this.#troubles.note({
      ...{ key, isOld: isInherited, error, passed, now, random },
      presence: this.#presenceOf(sending),
    });
    if (trouble === undefined) {
      if (this.#pause === undefined) this.#failures += 1; // one outage, however many it caught
      const waitMs = retryInMs(error, this.#failures, random);
      const ms = Math.max(waitMs, this.#pause?.ms ?? 0);
      const isAsked = error.retryAfterMs !== undefined || this.#pause?.isAsked === true;
      this.#pause = { ms, isAsked, passed: this.#pause?.passed ?? this.#passed };
      bus.publish({ type: "result.delayed", auditId, code, retryInMs: ms, reason });
      return;
    }
    const { waitMs, becameAside, isAside } = trouble;
    void clock.sleep(waitMs, this.#signal).then(() => this.#wake());
    if (becameAside) {
      ledger.setAside(key, true);
      bus.publish({ type: "result.aside", auditId, code, reason, aside: ledger.aside });
    } else if (!isAside) {
      bus.publish({ type: "result.delayed", auditId, code, retryInMs: waitMs, reason });
    }
  }

  /** Undefined when another registration has taken its place meanwhile: what it heard is old. */
  #presenceOf({ registration }: Sending): Presence | undefined {
    const present = this.#ports.presence();
    return present.registration === registration ? present : undefined;
  }

  #forgive(key: EntryKey): void {
    if (this.#troubles.forget(key)) this.#ports.ledger.setAside(key, false);
  }
}

/** An observation is worth something only while it is new, by a clock that makes sense. */
function presentable(entry: Finished, isInherited: boolean, nowMs: number): Result {
  const { assignment, result, finishedAtMs = 0 } = entry;
  if (assignment.kind !== "belief" || !result.success) return result;
  const ageMs = nowMs - finishedAtMs;
  const isSane = finishedAtMs >= SANE_CLOCK_MS || !isInherited;
  if (isSane && ageMs >= 0 && ageMs <= BELIEF_FRESH_MS) return result;
  return { ...emptyResult(assignment.auditId, true, staleMessage(assignment)), unchecked: true };
}

function staleMessage(assignment: Extract<Assignment, { kind: "belief" }>): string {
  return `the observation of ${assignment.fluent} is older than ${BELIEF_FRESH_MS / 1000} s`;
}

function cancelledOf({ cancelled }: Finished): Pick<Delivery, "cancelled"> {
  return cancelled === undefined ? {} : { cancelled };
}
