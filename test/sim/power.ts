/** The moments at which the power may be cut, counted, and the one at which it must be. */

/** Before the agent calls on anything; before a write lands; after it, before the agent hears of it. */
export type Moment = "call" | "write" | "word";
export const moments: readonly Moment[] = ["call", "write", "word"];

export interface PowerCut {
  readonly before: Moment;
  /** Counted from 1. */
  readonly nth: number;
}

export class Power {
  readonly counts: Record<Moment, number> = { call: 0, write: 0, word: 0 };
  readonly #cut: PowerCut | undefined;

  constructor(cut?: PowerCut) {
    this.#cut = cut;
  }

  goesBefore(moment: Moment): boolean {
    this.counts[moment] += 1;
    return this.#cut?.before === moment && this.#cut.nth === this.counts[moment];
  }
}
