/**
 * How often something is tried again. What is reached for the first time is progress, and lets the
 * count start anew; what was reached before is none: going round in circles ends.
 */
export const REPLANS_MAX = 5;

export class Effort {
  readonly #max: number;
  readonly #reached = new Set<string>();
  #fruitless = 0;

  constructor(max: number) {
    this.#max = max;
  }

  reached(what: string): void {
    if (!this.#reached.has(what)) this.#fruitless = 0;
    this.#reached.add(what);
  }

  /** Counts one more try; false when there were too many without progress. */
  again(): boolean {
    this.#fruitless += 1;
    return this.#fruitless <= this.#max;
  }
}
