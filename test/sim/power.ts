/** The moments at which the power may be cut, counted, and the one at which it must be. */

/** Before the agent calls on anything; before a write lands; after it, before the agent hears of it. */
export type Moment = "call" | "write" | "word";
export const moments: readonly Moment[] = ["call", "write", "word"];

export interface PowerCut {
  readonly before: Moment;
  /** Counted from 1, or from the cut before. */
  readonly nth: number;
  /** It is cut again. */
  readonly then?: PowerCut;
}

export class Power {
  /** Since the last cut by choice. */
  readonly counts: Record<Moment, number> = { call: 0, write: 0, word: 0 };
  #cut: PowerCut | undefined;

  constructor(cut?: PowerCut) {
    this.#cut = cut;
  }

  goesBefore(moment: Moment): boolean {
    this.counts[moment] += 1;
    if (this.#cut?.before !== moment || this.#cut.nth !== this.counts[moment]) return false;
    this.#cut = this.#cut.then;
    for (const each of moments) this.counts[each] = 0;
    return true;
  }
}
