/**
 * How long a peer may let one wait. Time is counted in sweeps: one loop for all peers, no timer for
 * each, and a process that stood still itself (stopped, suspended) loses one sweep and not the whole time.
 */
import type { Clock } from "../../core/ports.ts";
import type { ZmtpLimits } from "./limits.ts";

/** A limit is seen to be over at the latest after this part of it. */
const SWEEPS = 5;
const SWEEP_MAX_MS = 1_000;

export interface Watched {
  /** Called at every sweep. */
  sweep(ms: number): void;
}

/** Sweeps through a set for as long as anything is in it. */
export class Sweeper {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #everyMs: number;
  readonly #watched = new Set<Watched>();
  #sweeping: AbortController | undefined;

  /** `shortestMs`: of the limits that are watched. */
  constructor(clock: Pick<Clock, "sleep">, shortestMs: number) {
    this.#clock = clock;
    this.#everyMs = Math.min(SWEEP_MAX_MS, Math.ceil(shortestMs / SWEEPS));
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
    if (this.#sweeping !== undefined) return;
    this.#sweeping = new AbortController();
    void this.#sweep(this.#sweeping.signal);
  }

  delete(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    this.#sweeping?.abort();
    this.#sweeping = undefined;
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(this.#everyMs, signal);
      if (signal.aborted) return;
      for (const each of [...this.#watched]) each.sweep(this.#everyMs);
    }
  }
}

/** What is to be seen of a peer at a sweep. */
export interface Sight {
  readonly isReady: boolean;
  /** Its version knows PING. */
  readonly knowsPing: boolean;
  /** In the middle of a message. */
  readonly isAmid: boolean;
  /** Something waits for it to read. */
  readonly isUnread: boolean;
  /** How long it is to be silent at most, by its own word; 0 for ever. */
  readonly ttlMs: number;
}

/** Knows how long one peer has been silent, and what follows from that. */
export class Vigil {
  readonly #limits: ZmtpLimits;
  #ageMs = 0;
  #silentMs = 0;
  #unreadMs = 0;
  #isAsked = false;

  constructor(limits: ZmtpLimits) {
    this.#limits = limits;
  }

  /** It sent something, or nothing is being read from it. */
  heard(): void {
    this.#silentMs = 0;
    this.#isAsked = false;
  }

  /** It read something. */
  read(): void {
    this.#unreadMs = 0;
  }

  /** `ping`: ask it whether it is there; any other word is why to close it. */
  sweep(ms: number, sight: Sight): "ping" | string | undefined {
    const { handshakeMs, heartbeatMs, stalledMs } = this.#limits;
    const { isReady, isAmid, isUnread, knowsPing, ttlMs } = sight;
    this.#ageMs += ms;
    this.#silentMs += ms;
    this.#unreadMs = isUnread ? this.#unreadMs + ms : 0;
    if (!isReady) return this.#ageMs >= handshakeMs ? "it never finished its handshake" : undefined;
    if (this.#unreadMs >= stalledMs) return "it does not read";
    if (isAmid && this.#silentMs >= stalledMs) return "it stopped in the middle of a message";
    if (ttlMs > 0 && this.#silentMs >= ttlMs) return "it is silent for longer than it said";
    if (this.#isAsked) return this.#silentMs >= 2 * heartbeatMs ? "it does not answer" : undefined;
    if (!knowsPing || this.#silentMs < heartbeatMs) return undefined;
    this.#isAsked = true;
    return "ping";
  }
}
