/** States that wait in a search, by rank: a binary heap. */
export interface Entry {
  readonly rank: number;
  readonly spent: number;
  readonly number: number;
}

/** Lowest rank first; of equals the one that has got further, so that ties do not fan out. */
export class Heap {
  readonly #entries: Entry[] = [];

  push(rank: number, spent: number, number: number): void {
    const entries = this.#entries;
    const entry = { rank, spent, number };
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(entry, entries[above] as Entry)) break;
      entries[at] = entries[above] as Entry;
      at = above;
    }
    entries[at] = entry;
  }

  pop(): Entry | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= entries.length) break;
      const right = entries[below + 1];
      if (right !== undefined && isBefore(right, entries[below] as Entry)) below += 1;
      if (!isBefore(entries[below] as Entry, last)) break;
      entries[at] = entries[below] as Entry;
      at = below;
    }
    entries[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.spent > b.spent);
}
