/** One life of the agent, from its start to its end or the power cut: what it does ends with it. */
import type { Clock } from "../../src/core/ports.ts";
import type { Surroundings } from "./surroundings.ts";

export class Life implements Clock {
  isAlive = true;
  readonly #world: Surroundings;
  readonly #onEnd: () => void;

  constructor(world: Surroundings, onEnd: () => void) {
    this.#world = world;
    this.#onEnd = onEnd;
  }

  /**
   * Every call of the agent to its surroundings passes here, and the power may go at each one:
   * false when nobody is alive to do it.
   */
  touch(what: string): boolean {
    if (!this.isAlive) return false;
    if (this.#world.faults.strikes("power cut at a call")) this.cutPower();
    else this.#world.trace(what);
    return this.isAlive;
  }

  cutPower(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#world.trace("the power is cut");
    this.#onEnd();
  }

  /** Ends it without cutting anything: it has stopped by itself. */
  end(): void {
    this.isAlive = false;
  }

  /** Lets something happen later, if this life lasts. */
  after(ms: number, happen: () => void): () => void {
    return this.#world.timeline.after(ms, () => {
      if (this.isAlive) happen();
    });
  }

  now(): number {
    return this.#world.timeline.wallMs;
  }

  monotonic(): number {
    return this.#world.timeline.nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.isAlive) return never();
    if (signal?.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        callOff();
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const callOff = this.after(ms, wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}

/** What a dead agent waits for. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
