/** What a search may look at next: (state, operator) pairs, those of the lowest rank first. */

/** Pairs that the first array of a rank holds; it doubles from there. */
const CAPACITY_FIRST = 64;

export class Frontier {
  readonly #ranks: Pairs[] = [];
  #lowest = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(rank: number, state: number, operator: number): void {
    while (this.#ranks.length <= rank) this.#ranks.push(new Pairs());
    this.#ranks[rank]?.push(state, operator);
    this.#lowest = Math.min(this.#lowest, rank);
    this.#count += 1;
  }

  /** Takes the pair that came first among those of the lowest rank. */
  pop(): readonly [state: number, operator: number] | undefined {
    for (; this.#lowest < this.#ranks.length; this.#lowest++) {
      const pair = this.#ranks[this.#lowest]?.shift();
      if (pair === undefined) continue;
      this.#count -= 1;
      return pair;
    }
    return undefined;
  }
}

/** A queue of pairs in one growing ring. */
class Pairs {
  #ring = new Int32Array(2 * CAPACITY_FIRST);
  #head = 0;
  #length = 0;

  push(first: number, second: number): void {
    if (this.#length === this.#ring.length) this.#grow();
    const tail = (this.#head + this.#length) & (this.#ring.length - 1);
    this.#ring[tail] = first;
    this.#ring[tail + 1] = second;
    this.#length += 2;
  }

  shift(): readonly [number, number] | undefined {
    if (this.#length === 0) return undefined;
    const pair = [this.#ring[this.#head] as number, this.#ring[this.#head + 1] as number] as const;
    this.#head = (this.#head + 2) & (this.#ring.length - 1);
    this.#length -= 2;
    return pair;
  }

  #grow(): void {
    const ring = new Int32Array(2 * this.#ring.length);
    ring.set(this.#ring.subarray(this.#head));
    ring.set(this.#ring.subarray(0, this.#head), this.#ring.length - this.#head);
    this.#ring = ring;
    this.#head = 0;
  }
}
