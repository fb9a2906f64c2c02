/**
 * Keeps a long computation polite: it works in short slices, lets the event loop run between
 * them, and stops when its time is up or its caller no longer wants the answer.
 */
import type { Clock } from "../core/ports.ts";

/** Work done between two turns of the event loop, in milliseconds. */
export const SLICE_MS = 10;

export class Pace {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #endsAtMs: number;
  #sliceEndsAtMs: number;

  constructor(clock: Clock, budgetMs: number, signal?: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#endsAtMs = clock.monotonic() + budgetMs;
    this.#sliceEndsAtMs = Math.min(clock.monotonic() + SLICE_MS, this.#endsAtMs);
  }

  /** True when the slice is over: `await rest()` before working on. Cheap, ask often. */
  due(): boolean {
    return this.#clock.monotonic() >= this.#sliceEndsAtMs;
  }

  /**
   * Lets others run, then opens the next slice.
   *
   * @throws {OutOfTime} after the budget or the abort.
   */
  async rest(): Promise<void> {
    await this.#clock.sleep(0);
    if (this.#signal?.aborted === true) throw new OutOfTime("aborted");
    const nowMs = this.#clock.monotonic();
    if (nowMs >= this.#endsAtMs) throw new OutOfTime("budget");
    this.#sliceEndsAtMs = Math.min(nowMs + SLICE_MS, this.#endsAtMs);
  }
}

/** The planner's own way out of its loops; `findPlan` turns it into an outcome. */
export class OutOfTime extends Error {
  constructor(readonly why: "aborted" | "budget") {
    super(`Out of time: ${why}`);
  }
}

/** A limit on memory was reached; `findPlan` turns it into an outcome. */
export class OutOfMemory extends Error {}
