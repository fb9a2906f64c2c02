/**
 * Slows those down who guess passwords: so many failures a minute from one address, and of one name from
 * one address. Nothing counts against a name alone, so nobody can lock its owner out from elsewhere.
 */
import type { Clock } from "../core/ports.ts";
import { networkOf } from "./peer.ts";

export const FAILURES_MAX = 10;
export const FAILURES_MS = 60_000;
/** Addresses and names that are remembered; beyond it the oldest are forgotten. */
export const GUESSERS_MAX = 10_000;

export class Guesses {
  readonly #clock: Pick<Clock, "monotonic">;
  /** When the last failures were, by who is counted; at most `FAILURES_MAX` each, oldest first. */
  readonly #failures = new Map<string, number[]>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** How long this guesser must wait before the next try, in milliseconds; 0 is not at all. */
  waitMs(address: string, username: string): number {
    const nowMs = this.#clock.monotonic();
    const waits = keysOf(address, username).map((key) => {
      const [oldest = 0, ...rest] = this.#failures.get(key) ?? [];
      return rest.length + 1 < FAILURES_MAX ? 0 : oldest + FAILURES_MS - nowMs;
    });
    return Math.max(0, ...waits);
  }

  failed(address: string, username: string): void {
    const nowMs = this.#clock.monotonic();
    for (const key of keysOf(address, username)) {
      const last = [...(this.#failures.get(key) ?? []), nowMs].slice(-FAILURES_MAX);
      this.#failures.delete(key); // what is put again is the youngest
      this.#failures.set(key, last);
    }
    while (this.#failures.size > GUESSERS_MAX) {
      const [oldest = ""] = this.#failures.keys();
      this.#failures.delete(oldest);
    }
  }

  /** Forgives the failures under this name: they were its owner's slips. */
  succeeded(address: string, username: string): void {
    const [whole, own] = keysOf(address, username);
    const slips = this.#failures.get(own) ?? [];
    this.#failures.delete(own);
    const left = [...(this.#failures.get(whole) ?? [])];
    for (const atMs of slips) {
      const at = left.indexOf(atMs);
      if (at >= 0) left.splice(at, 1);
    }
    if (left.length > 0) this.#failures.set(whole, left);
    else this.#failures.delete(whole);
  }

  /** Forgets what is over. */
  sweep(): void {
    const sinceMs = this.#clock.monotonic() - FAILURES_MS;
    for (const [key, times] of this.#failures) {
      if ((times.at(-1) ?? 0) <= sinceMs) this.#failures.delete(key);
    }
  }

  get size(): number {
    return this.#failures.size;
  }
}

/** No address has a line break in it. */
function keysOf(address: string, username: string): readonly [whole: string, own: string] {
  const network = networkOf(address);
  return [network, `${network}\n${username}`];
}
