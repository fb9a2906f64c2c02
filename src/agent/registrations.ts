/** Keeps count of how often the servant registered, so that two do not fight for ever. */
import type { Clock } from "../core/ports.ts";

/** So many registrations within `CONTEST_MS`, and no assignment between: somebody else does too. */
export const REGISTRATIONS_MAX = 3;
export const CONTEST_MS = 60_000;

export class Registrations {
  readonly #clock: Pick<Clock, "monotonic">;
  #atMs: number[] = [];

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  add(): void {
    this.#atMs = [...this.#recent(), this.#clock.monotonic()];
  }

  /** An assignment came: this registration is good for something. */
  worked(): void {
    this.#atMs = [];
  }

  /** How many there were within `CONTEST_MS`, since the last assignment. */
  get recent(): number {
    return this.#recent().length;
  }

  get isContested(): boolean {
    return this.recent >= REGISTRATIONS_MAX;
  }

  #recent(): number[] {
    const since = this.#clock.monotonic() - CONTEST_MS;
    return this.#atMs.filter((atMs) => atMs > since);
  }
}
