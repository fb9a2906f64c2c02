/** A clock that stands still until a test moves it. */
import type { Clock } from "../../src/core/ports.ts";

/** Turns of the event loop that code may need to react to a sleep that ended. */
const TURNS = 20;

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  #nowMs: number;
  /** How far wall time was set away from the time that passes. */
  #jumpedMs = 0;
  readonly #startMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startMs = 1_750_000_000_000) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs + this.#jumpedMs;
  }

  monotonic(): number {
    return this.#nowMs - this.#startMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const sleeper = { dueMs: this.#nowMs + ms, wake: done };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", done, { once: true });
    });
  }

  /** In how many milliseconds the next sleeper wakes; undefined when none sleeps. */
  get nextDueInMs(): number | undefined {
    if (this.#sleepers.size === 0) return undefined;
    return Math.min(...[...this.#sleepers].map(({ dueMs }) => dueMs)) - this.#nowMs;
  }

  /** Sets wall time, as a time server or a dead battery does; what sleeps goes on sleeping. */
  setWall(nowMs: number): void {
    this.#jumpedMs = nowMs - this.#nowMs;
  }

  /** Time passes while this process does nothing: sleepers wake late, all at once, oldest first. */
  async stall(ms: number): Promise<void> {
    this.#nowMs += ms;
    const late = [...this.#sleepers].filter(({ dueMs }) => dueMs <= this.#nowMs);
    for (const { wake } of late.sort((a, b) => a.dueMs - b.dueMs)) wake();
    await settled();
  }

  /** Moves on, from sleeper to sleeper, and lets each one's code run. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#sleepers].sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined || next.dueMs > untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.wake();
      await settled();
    }
    this.#nowMs = untilMs;
    await settled();
  }
}

/** Lets everything that is ready run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
}
