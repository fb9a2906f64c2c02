/**
 * The FF heuristic: how many steps a plan would have if nothing were ever lost. Each literal's
 * cost is estimated additively (h_add), its cheapest maker becomes its supporter, and the
 * supporters followed back from the goal are the relaxed plan. An atom's truth and its falsity
 * are two independent literals here, so negative conditions need nothing special.
 */
import { holdsIn, type Lists, type Task, toLists } from "./task.ts";

export const DEAD_END = -1;
/** Costs stop growing here: sums over deep problems would need buckets without end. */
const COST_MAX = 4095;
const UNREACHED = COST_MAX + 1;

export class Heuristic {
  /** After `evaluate`: the operators whose conditions hold in the state. */
  readonly applicable: number[] = [];
  /** After `evaluate`: those of them that the relaxed plan uses. */
  readonly preferred: number[] = [];
  readonly #task: Task;
  readonly #needCounts: Int32Array;
  /** What operators make true, as far as an operator or the goal needs it. */
  readonly #makes: Lists;
  /** Literals that want an atom false and that an operator or the goal needs. */
  readonly #negatives: readonly number[];
  /** Operators without conditions. */
  readonly #free: readonly number[];
  /** Per literal: estimated cost, and the operator that makes it cheapest. */
  readonly #cost: Int32Array;
  readonly #supporter: Int32Array;
  /** Per operator: conditions not yet reached, and the cost of those that are. */
  readonly #missing: Int32Array;
  readonly #spent: Int32Array;
  /** Per operator and literal: the evaluation in which the relaxed plan took it. */
  readonly #operatorStamp: Int32Array;
  readonly #literalStamp: Int32Array;
  #stamp = 0;
  /** Literals to settle, by cost. */
  readonly #buckets: number[][] = [[]];

  constructor(task: Task) {
    this.#task = task;
    const operators = task.operators.length;
    const lengthOf = ({ starts }: Lists, index: number) =>
      (starts[index + 1] as number) - (starts[index] as number);
    this.#needCounts = Int32Array.from({ length: operators }, (_, index) =>
      lengthOf(task.needs, index),
    );
    const isNeeded = (literal: number) =>
      lengthOf(task.neededBy, literal) > 0 || task.goal.includes(literal);
    const needed = Uint8Array.from({ length: 2 * task.bits }, (_, index) =>
      Number(isNeeded(index)),
    );
    this.#makes = toLists(
      task.operators.map((_, index) => [
        ...task.makes.items
          .subarray(task.makes.starts[index], task.makes.starts[index + 1])
          .filter((made) => needed[made] === 1),
      ]),
    );
    this.#negatives = [...needed.keys()].filter((each) => (each & 1) === 1 && needed[each] === 1);
    this.#free = [...this.#needCounts.keys()].filter((index) => this.#needCounts[index] === 0);
    this.#cost = new Int32Array(2 * task.bits);
    this.#supporter = new Int32Array(2 * task.bits);
    this.#missing = new Int32Array(operators);
    this.#spent = new Int32Array(operators);
    this.#operatorStamp = new Int32Array(operators);
    this.#literalStamp = new Int32Array(2 * task.bits);
  }

  /** The length of a relaxed plan from the state to the goal: 0 at the goal, or `DEAD_END`. */
  evaluate(state: Uint32Array): number {
    this.#start(state);
    return this.#settle() ? this.#extract() : DEAD_END;
  }

  #start(state: Uint32Array): void {
    this.applicable.length = 0;
    this.preferred.length = 0;
    this.#cost.fill(UNREACHED);
    this.#missing.set(this.#needCounts);
    this.#spent.fill(0);
    for (const bucket of this.#buckets) bucket.length = 0;
    for (const operator of this.#free) this.#reach(operator);
    for (let word = 0; word < this.#task.words; word++) {
      for (let rest = state[word] as number; rest !== 0; rest &= rest - 1) {
        const bit = 32 * word + 31 - Math.clz32(rest & -rest);
        this.#hold(2 * bit);
      }
    }
    for (const negative of this.#negatives) if (holdsIn(state, 0, negative)) this.#hold(negative);
  }

  #hold(literal: number): void {
    this.#cost[literal] = 0;
    this.#buckets[0]?.push(literal);
  }

  /** Settles literals in order of cost until the goal's are; false when they cannot be. */
  #settle(): boolean {
    const { starts, items } = this.#task.neededBy;
    const costs = this.#cost;
    const missing = this.#missing;
    const spent = this.#spent;
    for (let cost = 0; cost < this.#buckets.length; cost++) {
      // What costs this much is known once everything cheaper is settled.
      if (this.#goalWithin(cost)) return true;
      const bucket = this.#buckets[cost] as number[];
      // The bucket of the highest cost grows while it is walked.
      for (let at = 0; at < bucket.length; at++) {
        const settled = bucket[at] as number;
        if (costs[settled] !== cost) continue; // found cheaper meanwhile
        const end = starts[settled + 1] as number;
        for (let need = starts[settled] as number; need < end; need++) {
          const operator = items[need] as number;
          spent[operator] = (spent[operator] as number) + cost;
          const left = (missing[operator] as number) - 1;
          missing[operator] = left;
          if (left === 0) this.#reach(operator);
        }
      }
    }
    return this.#goalWithin(COST_MAX);
  }

  #goalWithin(cost: number): boolean {
    for (const wanted of this.#task.goal) if ((this.#cost[wanted] as number) > cost) return false;
    return true;
  }

  #reach(operator: number): void {
    const { starts, items } = this.#makes;
    const spent = this.#spent[operator] as number;
    if (spent === 0) this.applicable.push(operator);
    const cost = Math.min(spent + 1, COST_MAX);
    const end = starts[operator + 1] as number;
    for (let at = starts[operator] as number; at < end; at++) {
      const made = items[at] as number;
      if ((this.#cost[made] as number) <= cost) continue;
      this.#cost[made] = cost;
      this.#supporter[made] = operator;
      while (this.#buckets.length <= cost) this.#buckets.push([]);
      (this.#buckets[cost] as number[]).push(made);
    }
  }

  #extract(): number {
    const { goal, needs } = this.#task;
    this.#stamp += 1;
    let length = 0;
    const wanted = [...goal];
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
      if (this.#cost[next] === 0 || this.#literalStamp[next] === this.#stamp) continue;
      this.#literalStamp[next] = this.#stamp;
      const operator = this.#supporter[next] as number;
      if (this.#operatorStamp[operator] === this.#stamp) continue;
      this.#operatorStamp[operator] = this.#stamp;
      length += 1;
      if (this.#spent[operator] === 0) this.preferred.push(operator);
      const end = needs.starts[operator + 1] as number;
      for (let at = needs.starts[operator] as number; at < end; at++) {
        wanted.push(needs.items[at] as number);
      }
    }
    return length;
  }
}
