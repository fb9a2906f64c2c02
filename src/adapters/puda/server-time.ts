/**
 * The server's clock, which alone says how old a message is: a machine's own may be a day off. It is
 * told with the server's answers and with each message, and counts on by what only grows.
 */
import type { Clock } from "../../core/ports.ts";

export class ServerTime {
  readonly #clock: Clock;
  /** What is to be added to the monotonic reading. */
  #offsetMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Epoch milliseconds; by the machine's own clock while the server has told nothing. */
  now(): number {
    return this.#offsetMs === undefined
      ? this.#clock.now()
      : this.#clock.monotonic() + this.#offsetMs;
  }

  /** Its clock showed this at some moment until now. */
  heard(atMs: number): void {
    if (!Number.isFinite(atMs)) return;
    this.#offsetMs = atMs - this.#clock.monotonic();
  }

  /** A message of that time is here: it cannot be earlier than that. */
  atLeast(atMs: number): void {
    if (Number.isFinite(atMs) && atMs > this.now()) this.heard(atMs);
  }
}
