/**
 * Numbers waiting by small whole keys, first come first served within a key; each number waits at
 * most once. Linked lists in typed arrays: a number changes its key or leaves in constant time.
 */
const NONE = -1;

export class BucketQueue {
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** By number: the key under which it waits, or `NONE`. */
  readonly #keys: Int32Array;
  readonly #keyMax: number;
  /** No number waits under a lower key, and none under a higher one than the other says. */
  #lowest = 0;
  #highest = NONE;

  constructor(numbers: number, keyMax: number) {
    this.#heads = new Int32Array(keyMax + 1).fill(NONE);
    this.#tails = new Int32Array(keyMax + 1).fill(NONE);
    this.#next = new Int32Array(numbers).fill(NONE);
    this.#previous = new Int32Array(numbers).fill(NONE);
    this.#keys = new Int32Array(numbers).fill(NONE);
    this.#keyMax = keyMax;
  }

  /** The lowest key under which something waits; beyond the highest possible one when nothing does. */
  lowest(): number {
    while (this.#lowest <= this.#highest && this.#heads[this.#lowest] === NONE) this.#lowest += 1;
    if (this.#lowest <= this.#highest) return this.#lowest;
    this.#highest = NONE;
    this.#lowest = 0;
    return this.#keyMax + 1;
  }

  /** The number that waits longest under the key; -1 when none does. */
  first(key: number): number {
    return this.#heads[key] as number;
  }

  /** Lets the number wait under the key. Under that key already, it keeps its place. */
  put(number: number, key: number): void {
    if (this.#keys[number] === key) return;
    this.remove(number);
    const tail = this.#tails[key] as number;
    this.#previous[number] = tail;
    this.#next[number] = NONE;
    if (tail === NONE) this.#heads[key] = number;
    else this.#next[tail] = number;
    this.#tails[key] = number;
    this.#keys[number] = key;
    if (key < this.#lowest) this.#lowest = key;
    if (key > this.#highest) this.#highest = key;
  }

  clear(): void {
    this.#heads.fill(NONE, 0, this.#highest + 1);
    this.#tails.fill(NONE, 0, this.#highest + 1);
    this.#keys.fill(NONE);
    this.#lowest = 0;
    this.#highest = NONE;
  }

  remove(number: number): void {
    const key = this.#keys[number] as number;
    if (key === NONE) return;
    const previous = this.#previous[number] as number;
    const next = this.#next[number] as number;
    if (previous === NONE) this.#heads[key] = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tails[key] = previous;
    else this.#previous[next] = previous;
    this.#keys[number] = NONE;
  }
}
