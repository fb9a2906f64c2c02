/** One life of the agent, from its start to its end or the power cut: what it does ends with it. */
import type { Clock } from "../../src/core/ports.ts";
import { Process } from "./process.ts";
import type { Surroundings } from "./surroundings.ts";

export class Life implements Clock {
  /** The agent's own. */
  readonly process: Process;
  readonly #world: Surroundings;
  readonly #onEnd: (() => void)[] = [];

  constructor(world: Surroundings) {
    this.#world = world;
    this.process = new Process(world.timeline);
  }

  get isAlive(): boolean {
    return this.process.isAlive;
  }

  /** What is there only as long as it lasts ends then, in this order. */
  whenOver(end: () => void): void {
    this.#onEnd.push(end);
  }

  /**
   * Every call of the agent to its surroundings passes here, and the power may go at each one:
   * false when nobody is alive to do it.
   */
  touch(what: string): boolean {
    if (!this.isAlive) return false;
    const { faults, power } = this.#world;
    if (power.goesBefore("call") || faults.strikes("power cut at a call")) this.cutPower();
    else this.#world.trace(what);
    return this.isAlive;
  }

  cutPower(): void {
    if (!this.isAlive) return;
    this.#world.trace("the power is cut");
    this.end();
  }

  /** It is over, by a power cut or because it has stopped. */
  end(): void {
    if (!this.isAlive) return;
    this.process.end();
    for (const end of this.#onEnd) end();
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
      const callOff = this.process.after(ms, wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}

/** What a dead agent waits for. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
