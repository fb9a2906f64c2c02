/**
 * Carries finished results to the backend. It stores nothing: what waits is what the ledger calls
 * finished and not yet delivered, so a restart resumes by itself.
 */
import { type Assignment, emptyResult, type Result } from "../core/assignment.ts";
import { retryInMs } from "../core/backoff.ts";
import { type Entry, type EntryKey, stamp } from "../core/entry.ts";
import { type ServantError, toServantError } from "../core/errors.ts";
import type { Ports } from "./ports.ts";
import { SANE_CLOCK_MS } from "./recovery.ts";

export type OutboxPorts = Pick<Ports, "backend" | "bus" | "clock" | "ledger" | "random">;

/** How many results are under way at once. */
export const IN_FLIGHT_MAX = 4;
/** An older observation is sent as unchecked: it must not pass for a new one. */
export const BELIEF_FRESH_MS = 60_000;

type Finished = Entry & { result: Result };

/**
 * Delivers results, oldest first, until `signal` aborts. A crash between delivery and record sends
 * the result again, so a backend sees each result at least once.
 *
 * @throws {ServantError} kind "auth" or "gone": results stay for the next registration.
 */
export async function runOutbox(ports: OutboxPorts, signal: AbortSignal): Promise<void> {
  const outbox = new Outbox(ports, signal);
  let changed: Promise<void> | undefined; // kept over rounds: each wait would leave a waiter behind
  while (!signal.aborted && outbox.failure === undefined) {
    if (outbox.retryInMs > 0) await outbox.waitForRetry();
    else if (!outbox.sendNext()) {
      changed ??= ports.ledger.changed(signal).then(() => {
        changed = undefined;
      });
      await Promise.race([changed, outbox.settled()]);
    }
  }
  await outbox.allSettled();
  if (outbox.failure !== undefined) throw outbox.failure;
}

class Outbox {
  /** What only a person or a new registration can mend. */
  failure: ServantError | undefined;
  retryInMs = 0;
  readonly #ports: OutboxPorts;
  readonly #signal: AbortSignal;
  readonly #inFlight = new Map<EntryKey, Promise<void>>();
  /** Observations of an earlier life: only a clock that makes sense tells how old they are. */
  readonly #inherited: ReadonlySet<EntryKey>;
  #failures = 0;

  constructor(ports: OutboxPorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
    const inherited = [...ports.ledger.undelivered()].filter(isBelief);
    this.#inherited = new Set(inherited.map(({ key }) => key));
  }

  /** Starts the delivery of the oldest result that waits; false when there is none or no room. */
  sendNext(): boolean {
    if (this.#inFlight.size >= IN_FLIGHT_MAX) return false;
    for (const entry of this.#ports.ledger.undelivered()) {
      if (this.#inFlight.has(entry.key)) continue;
      const delivery = this.#deliver(entry)
        .catch((cause) => {
          this.failure ??= toServantError(cause); // the journal is broken
        })
        .finally(() => this.#inFlight.delete(entry.key));
      this.#inFlight.set(entry.key, delivery);
      return true;
    }
    return false;
  }

  async waitForRetry(): Promise<void> {
    await this.allSettled();
    const waitMs = this.retryInMs;
    this.retryInMs = 0;
    if (this.failure === undefined) await this.#ports.clock.sleep(waitMs, this.#signal);
  }

  /** Resolves when one of those under way has ended; never when there is none. */
  settled(): Promise<void> {
    return Promise.race(this.#inFlight.values());
  }

  async allSettled(): Promise<void> {
    await Promise.allSettled(this.#inFlight.values());
  }

  async #deliver(entry: Finished): Promise<void> {
    const { backend, bus, clock, ledger } = this.#ports;
    const { key, via, assignment } = entry;
    const { auditId } = assignment;
    try {
      const result = this.#presentable(entry, clock.now());
      await backend.deliver({ key, via, kind: assignment.kind, result }, this.#signal);
    } catch (cause) {
      if (!this.#signal.aborted) await this.#failed(entry, toServantError(cause));
      return;
    }
    this.#failures = 0;
    ledger.recordDelivered({ type: "delivered", ...stamp(clock), key });
    bus.publish({ type: "result.delivered", auditId });
  }

  async #failed({ key, assignment }: Finished, error: ServantError): Promise<void> {
    const { bus, clock, ledger, random } = this.#ports;
    const { auditId } = assignment;
    const { code, message: reason } = error;
    if (error.kind === "auth" || error.kind === "gone") {
      this.failure ??= error;
      return;
    }
    if (code === "backend.result-unclaimed") {
      ledger.setAside(key);
      bus.publish({ type: "result.aside", auditId, code, reason });
      return;
    }
    if (error.kind !== "transient") {
      // One result the backend will never accept must not hold up the rest.
      await ledger.recordReport([{ type: "refused", ...stamp(clock), key, code }]);
      bus.publish({ type: "result.refused", auditId, code, reason });
      return;
    }
    if (this.retryInMs === 0) this.#failures += 1; // one outage, however many it caught under way
    this.retryInMs = Math.max(this.retryInMs, retryInMs(error, this.#failures, random));
    bus.publish({ type: "result.delayed", auditId, code, retryInMs: this.retryInMs, reason });
  }

  /** An observation is worth something only while it is new, by a clock that makes sense. */
  #presentable({ key, assignment, result, finishedAtMs = 0 }: Finished, nowMs: number): Result {
    if (assignment.kind !== "belief" || !result.success) return result;
    const ageMs = nowMs - finishedAtMs;
    const isSane = finishedAtMs >= SANE_CLOCK_MS || !this.#inherited.has(key);
    if (isSane && ageMs >= 0 && ageMs <= BELIEF_FRESH_MS) return result;
    return { ...emptyResult(assignment.auditId, true, staleMessage(assignment)), unchecked: true };
  }
}

function isBelief({ assignment }: Entry): boolean {
  return assignment.kind === "belief";
}

function staleMessage(assignment: Extract<Assignment, { kind: "belief" }>): string {
  return `the observation of ${assignment.fluent} is older than ${BELIEF_FRESH_MS / 1000} s`;
}
