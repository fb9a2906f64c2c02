/**
 * Counts a time down by the clock. It can be held and set back. It counts in steps, so that a
 * process that stood still itself (stopped, suspended) loses one step and not the whole time.
 */
import type { Clock } from "./ports.ts";

const STEPS = 10;
/** No step is longer, in milliseconds: a timer cannot be set for as long as a limit may be. */
const STEP_MAX_MS = 60_000;

export class Countdown {
  readonly #clock: Pick<Clock, "sleep" | "monotonic">;
  readonly #ms: number;
  readonly #onZero: () => void;
  #leftMs: number;
  #stepMs = 0;
  #stepFromMs = 0;
  #counting: AbortController | undefined;

  constructor(clock: Pick<Clock, "sleep" | "monotonic">, ms: number, onZero: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#leftMs = ms;
    this.#onZero = onZero;
  }

  /** Counts on. */
  start(): void {
    if (this.#counting !== undefined) return;
    this.#counting = new AbortController();
    void this.#count(this.#counting.signal);
  }

  /** Stands still until `start`. */
  hold(): void {
    if (this.#counting === undefined) return;
    this.#leftMs -= this.#elapsedMs;
    this.#counting.abort();
    this.#counting = undefined;
  }

  /** Gives it its whole time again. */
  reset(): void {
    this.#leftMs = this.#ms + this.#elapsedMs;
  }

  /** How much of the present step is over. */
  get #elapsedMs(): number {
    if (this.#counting === undefined) return 0;
    return Math.min(this.#clock.monotonic() - this.#stepFromMs, this.#stepMs);
  }

  async #count(signal: AbortSignal): Promise<void> {
    while (this.#leftMs > 0) {
      this.#stepMs = Math.min(Math.ceil(this.#ms / STEPS), this.#leftMs, STEP_MAX_MS);
      this.#stepFromMs = this.#clock.monotonic();
      await this.#clock.sleep(this.#stepMs, signal);
      if (signal.aborted) return;
      this.#leftMs -= this.#stepMs;
    }
    this.#onZero();
  }
}
