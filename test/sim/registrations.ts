/** Watches two servants of one name: they must not push each other out for ever. */
import { CONTEST_MS, REGISTRATIONS_MAX } from "../../src/agent/registrations.ts";
import type { Timeline } from "./timeline.ts";
import type { Verdict } from "./verdict.ts";

export class SeenRegistrations {
  /** Of this life, since the last assignment. */
  #atMs: number[] = [];
  #atStop: readonly number[] = [];
  readonly #timeline: Timeline;
  readonly #verdict: Verdict;

  constructor(timeline: Timeline, verdict: Verdict) {
    this.#timeline = timeline;
    this.#verdict = verdict;
  }

  registered(): void {
    this.#atMs.push(this.#timeline.nowMs);
    if (this.#recent.length <= REGISTRATIONS_MAX) return;
    this.#verdict.broken("a servant does not fight for its place for ever", `${this.#recent}`);
  }

  assigned(): void {
    this.#atMs = [];
  }

  /** It begins to stop, for whatever reason. */
  stops(): void {
    this.#atStop = this.#recent;
  }

  /** It has ended because the backend did not know it. */
  gaveUp(): void {
    if (this.#atStop.length >= REGISTRATIONS_MAX) return;
    this.#verdict.broken("a servant gives up only a place that is contested", `${this.#atStop}`);
  }

  lifeEnded(): void {
    this.#atMs = [];
  }

  get #recent(): readonly number[] {
    return this.#atMs.filter((atMs) => this.#timeline.nowMs - atMs < CONTEST_MS);
  }
}
