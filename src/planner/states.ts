/** The states a search has seen, packed end to end, each with the way it was reached. */
import { OutOfMemory } from "./pace.ts";
import type { Task } from "./task.ts";

const FREE = -1;
/** Memory that the states of one search may take: packed ends of 20,000 atoms are 2.5 kB each. */
const STATES_MAX_BYTES = 512 * 1024 * 1024;
/** States that the first arrays hold; they double from there. */
const CAPACITY_FIRST = 1024;

export class States {
  readonly #words: number;
  #packed: Uint32Array;
  #parents = new Int32Array(CAPACITY_FIRST);
  #operators = new Int32Array(CAPACITY_FIRST);
  /** Open addressing, at most half full: state numbers by hash. */
  #slots = new Int32Array(2 * CAPACITY_FIRST).fill(FREE);
  #count = 0;

  constructor(task: Task) {
    this.#words = task.words;
    this.#packed = new Uint32Array(CAPACITY_FIRST * task.words);
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Remembers a state; undefined when it was known already.
   *
   * @throws {OutOfMemory} when there is no room for more.
   */
  add(state: Uint32Array, parent: number, operator: number): number | undefined {
    if (this.#count === this.#parents.length) this.#grow();
    const slot = this.#slotOf(state, 0);
    if (this.#slots[slot] !== FREE) return undefined;
    const number = this.#count++;
    this.#slots[slot] = number;
    this.#packed.set(state, number * this.#words);
    this.#parents[number] = parent;
    this.#operators[number] = operator;
    return number;
  }

  /** The number of a state that was added, or undefined. */
  find(state: Uint32Array): number | undefined {
    const number = this.#slots[this.#slotOf(state, 0)] as number;
    return number === FREE ? undefined : number;
  }

  /** Says that a known state is reached in another way. */
  reroute(number: number, parent: number, operator: number): void {
    this.#parents[number] = parent;
    this.#operators[number] = operator;
  }

  copyTo(target: Uint32Array, number: number): void {
    const offset = number * this.#words;
    for (let word = 0; word < this.#words; word++) {
      target[word] = this.#packed[offset + word] as number;
    }
  }

  /** The operators that lead from the first state to this one. */
  pathTo(number: number): number[] {
    const path: number[] = [];
    for (let at = number; at > 0; at = this.#parents[at] as number) {
      path.push(this.#operators[at] as number);
    }
    return path.reverse();
  }

  /** The slot that holds the state at this offset, or the free one where it belongs. */
  #slotOf(state: Uint32Array, offset: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash(state, offset, this.#words) & mask;
    for (;;) {
      const known = this.#slots[slot] as number;
      if (known === FREE || this.#same(known, state, offset)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #same(number: number, state: Uint32Array, offset: number): boolean {
    const start = number * this.#words;
    for (let word = 0; word < this.#words; word++) {
      if (this.#packed[start + word] !== state[offset + word]) return false;
    }
    return true;
  }

  #grow(): void {
    const capacity = 2 * this.#parents.length;
    if (4 * capacity * this.#words > STATES_MAX_BYTES) {
      throw new OutOfMemory(`No plan among the first ${this.#count} states`);
    }
    this.#packed = grown(this.#packed, new Uint32Array(capacity * this.#words));
    this.#parents = grown(this.#parents, new Int32Array(capacity));
    this.#operators = grown(this.#operators, new Int32Array(capacity));
    this.#slots = new Int32Array(2 * capacity).fill(FREE);
    for (let number = 0; number < this.#count; number++) {
      this.#slots[this.#slotOf(this.#packed, number * this.#words)] = number;
    }
  }
}

/** Neighbouring states differ in few bits, which the shifts and the factor spread. */
function hash(state: Uint32Array, offset: number, words: number): number {
  let value = 0;
  for (let word = 0; word < words; word++) {
    value = Math.imul(value ^ (state[offset + word] as number), -1_640_531_535);
    value ^= value >>> 15;
  }
  return value ^ (value >>> 13);
}

function grown<T extends Uint32Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
