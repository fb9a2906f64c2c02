/**
 * The results that wait in the journal alone, oldest first: a window of them is in memory, the
 * next page is read when it is empty.
 */
import type { EntryKey } from "../core/entry.ts";
import type { Finished, Ledger } from "../core/ledger.ts";

/** How many results are read at once. */
export const PAGE_RESULTS = 256;

/** What of the backlog is under way already, or waits by itself. */
export interface InHand {
  count(): number;
  has(key: EntryKey): boolean;
}

export class Backlog {
  readonly #ledger: Pick<Ledger, "backlog" | "readBacklog">;
  #window: Finished[] = [];
  #from = 0;
  #hasFound = false;
  /** How large the backlog was when a whole reading of it found nothing new. */
  #fruitless = 0;

  constructor(ledger: Pick<Ledger, "backlog" | "readBacklog">) {
    this.#ledger = ledger;
  }

  /** Reads on when the window is empty and there is more than what is in hand. */
  async fill(inHand: InHand): Promise<void> {
    while (this.#window.length === 0) {
      const { backlog } = this.#ledger;
      if (backlog <= inHand.count() || backlog === this.#fruitless) return;
      const { entries, next } = await this.#ledger.readBacklog(this.#from, PAGE_RESULTS);
      this.#window = entries.filter(({ key }) => !inHand.has(key)).reverse();
      this.#from = next ?? 0;
      this.#hasFound ||= this.#window.length > 0;
      if (next !== undefined) continue;
      this.#fruitless = this.#hasFound ? 0 : backlog;
      this.#hasFound = false;
    }
  }

  /** The oldest of the window. */
  next(): Finished | undefined {
    return this.#window.pop();
  }

  /** Begins again with the oldest: some of those that were given out came to nothing. */
  restart(): void {
    this.#window = [];
    this.#from = 0;
    this.#hasFound = false;
    this.#fruitless = 0;
  }
}
