/**
 * A process on the machine: while it is stopped (SIGSTOP, a starved CPU) its timers and what it is
 * told wait. When it goes on, what is due comes at once: timers first, as event loops have it.
 */
import type { Timeline } from "./timeline.ts";

export class Process {
  isAlive = true;
  #isStopped = false;
  #stoppedAtMs = 0;
  #stoodMs = 0;
  readonly #timers: (() => void)[] = [];
  readonly #heard: (() => void)[] = [];
  readonly #timeline: Timeline;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** How long it stood still in all, in milliseconds. */
  get stoodMs(): number {
    const nowMs = this.#isStopped ? this.#timeline.nowMs - this.#stoppedAtMs : 0;
    return this.#stoodMs + nowMs;
  }

  /** Lets something happen in it later, if it lasts; returns the function that calls it off. */
  after(ms: number, happen: () => void): () => void {
    let isOff = false;
    const callOff = this.#timeline.after(ms, () => {
      if (this.#isStopped) this.#timers.push(() => isOff || happen());
      else if (this.isAlive) happen();
    });
    return () => {
      isOff = true;
      callOff();
    };
  }

  /** It is told something: at once, or when it goes on. */
  hear(happen: () => void): void {
    if (this.#isStopped) this.#heard.push(happen);
    else if (this.isAlive) happen();
  }

  /** Infinite: it never goes on. */
  stop(ms: number): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#stoppedAtMs = this.#timeline.nowMs;
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#timeline.after(ms, () => {
      this.#stoodMs += ms;
      this.#isStopped = false;
      const due = [...this.#timers.splice(0), ...this.#heard.splice(0)];
      for (const each of due) this.after(0, each); // one by one, as separate events
    });
  }

  end(): void {
    this.isAlive = false;
  }
}
