/**
 * Takes up the parts of a goal in a better order. A search that goes for what is near now leaves
 * far ends for later, and windows on a plan are too short to see it: here whole runs of a tour are
 * turned round and moved elsewhere, with the ways between the parts found beforehand (`LegTable`).
 */
import { LegFinder, type LegTable, marksOf } from "./legs.ts";
import type { Pace } from "./pace.ts";
import { apply, costOf, holdsIn, solves, type Task } from "./task.ts";

/** Steps that are looked at for legs, at most, and the memory of the situations they lead to. */
const LOOKED_AT_MAX = 1_000_000;
const SITUATIONS_MAX_BYTES = 32 * 1024 * 1024;
/** Legs that are added up, at most: 50 to 100 ms. */
const LEGS_ADDED_MAX = 2_000_000;
/** Parts that are moved elsewhere together, at most. */
const MOVED_MAX = 3;
/** Times a tour is stirred and mended again, in vain, for each of its parts. */
const STIRS_PER_PART = 4;
/** With fewer parts mending alone finds what there is. */
const STIRRED_MIN = 5;
/** Sums of the same costs in another order differ in the last digits. */
const LESS = 1 - 1e-9;

/** Places of an order from the first up to the end; when the end is lower, backwards. */
type Run = readonly [first: number, end: number];
const NOTHING: Run = [0, 0];

/**
 * The plan, or a cheaper one that reaches the parts of the goal in another order. Says nothing of
 * plans whose goals are no marks: see `marksOf`.
 *
 * @param workMax steps to look at for the ways between the parts, at most.
 * @throws {OutOfTime} {OutOfMemory}
 */
export async function inBetterOrder(
  task: Task,
  plan: readonly number[],
  workMax: number,
  pace: Pace,
): Promise<readonly number[]> {
  const marks = new Set(marksOf(task));
  if (marks.size < 2) return plan;
  const parts = reachedBy(task, plan);
  const awaited = parts.filter((part) => marks.has(part)).length;
  // Where most of the goal is none of these, situations are too many to look from each.
  if (awaited < 2 || 2 * awaited < parts.length) return plan;
  if (pace.due()) await pace.rest();
  const finder = new LegFinder(task, parts, marks);
  if (pace.due()) await pace.rest();
  const room = SITUATIONS_MAX_BYTES / (Uint32Array.BYTES_PER_ELEMENT * task.words);
  const lookedMax = Math.min(workMax, LOOKED_AT_MAX, room);
  const table = await finder.from(finder.situationOf(task.initial), lookedMax, pace);
  const tour = await new Tour(table, finder, pace).improved();
  const better = tour.flatMap(({ row, place }) =>
    finder.way(table.situations[row] as number, place),
  );
  return costOf(task, better) < LESS * costOf(task, plan) && solves(task, better) ? better : plan;
}

/** The parts of the goal that a plan brings about, in the order in which they come to stay. */
function reachedBy(task: Task, plan: readonly number[]): number[] {
  const state = task.initial.slice();
  const since = new Map<number, number>();
  for (const [index, operator] of plan.entries()) {
    const missing = [...task.goal].filter((part) => !holdsIn(state, part));
    apply(task, operator, state);
    for (const part of missing) if (holdsIn(state, part)) since.set(part, index);
  }
  return [...since].sort(([, a], [, b]) => a - b).map(([part]) => part);
}

/** An order of the places in `legs.parts`, made better move by move. */
class Tour {
  readonly #legs: LegTable;
  /** The places of parts that are marks. */
  readonly #marks: readonly number[];
  readonly #pace: Pace;
  readonly #count: number;
  #order: number[];
  #cost: number;
  /** Before each place of the order, and after the last: what was spent, and the row. */
  readonly #spent: Float64Array;
  readonly #rows: Int32Array;
  /** What a way that is tried comes to so far, and its row. */
  #sum = 0;
  #row = 0;
  #added = 0;
  #seed = 1;

  constructor(
    legs: LegTable,
    { parts, marks }: { readonly parts: readonly number[]; readonly marks: readonly number[] },
    pace: Pace,
  ) {
    this.#legs = legs;
    this.#pace = pace;
    this.#marks = marks;
    this.#count = parts.length;
    this.#order = [...parts.keys()];
    this.#spent = new Float64Array(parts.length + 1);
    this.#rows = new Int32Array(parts.length + 1);
    this.#cost = this.#walk();
  }

  /** The legs of the best order that was found: from which row to which part. */
  async improved(): Promise<{ readonly row: number; readonly place: number }[]> {
    const nearest = this.#nearestFirst();
    const given = this.#order;
    const cost = this.#cost;
    this.#become(nearest);
    if (this.#cost > cost) this.#become(given);
    await this.#mend();
    const vainMax = STIRS_PER_PART * this.#order.length;
    for (let vain = 0; vain < vainMax && this.#added < LEGS_ADDED_MAX; vain++) {
      const best = this.#order;
      const least = this.#cost;
      if (!this.#stir()) break;
      await this.#mend();
      if (this.#cost < LESS * least) vain = 0;
      else this.#become(best);
    }
    if (this.#cost === Number.POSITIVE_INFINITY) return [];
    return this.#order.map((place, at) => ({ row: this.#rows[at] as number, place }));
  }

  #become(order: number[]): void {
    this.#order = order;
    this.#cost = this.#walk();
  }

  /** Sums up the order, and notes what is spent and where one is on the way. */
  #walk(): number {
    let row = 0;
    let spent = 0;
    for (let at = 0; at <= this.#order.length; at++) {
      this.#rows[at] = row;
      this.#spent[at] = spent;
      const place = this.#order[at];
      if (place === undefined) break;
      spent += this.#legs.costs[row * this.#count + place] as number;
      row = this.#legs.ends[row * this.#count + place] as number;
    }
    this.#added += this.#order.length;
    return this.#legs.isEnd[row] ? spent : Number.POSITIVE_INFINITY;
  }

  /** Always the mark that is nearest, then what else is wanted. */
  #nearestFirst(): number[] {
    const left = new Set(this.#marks);
    const order: number[] = [];
    let row = 0;
    while (left.size > 0) {
      let nearest: number | undefined;
      let least = Number.POSITIVE_INFINITY;
      for (const place of left) {
        const cost = this.#legs.costs[row * this.#count + place] as number;
        if (nearest !== undefined && cost >= least) continue;
        nearest = place;
        least = cost;
      }
      if (nearest === undefined) break; // there is none left
      left.delete(nearest);
      order.push(nearest);
      row = this.#legs.ends[row * this.#count + nearest] as number;
    }
    const others = [...this.#order.keys()].filter((place) => !order.includes(place));
    return [...order, ...others];
  }

  /** Takes every move that makes the order cheaper, until none does. */
  async #mend(): Promise<void> {
    const count = this.#order.length;
    for (let isBetter = true; isBetter; ) {
      isBetter = false;
      for (let from = 0; from < count; from++) {
        if (this.#pace.due()) await this.#pace.rest();
        for (let to = from + 2; to <= count; to++) {
          if (this.#added >= LEGS_ADDED_MAX) return;
          if (this.#move(from, to)) isBetter = true;
        }
      }
    }
  }

  /**
   * Tries other ways to take up what stands from `from` up to `to`: backwards, or with the first few
   * behind all others or the last few before them, either way round.
   */
  #move(from: number, to: number): boolean {
    let isBetter = this.#try(from, to, [to - 1, from - 1]);
    for (let size = 1; size <= Math.min(MOVED_MAX, to - from - 1); size++) {
      const left = from + size;
      const right = to - size;
      if (this.#try(from, to, [left, to], [from, left])) isBetter = true;
      if (this.#try(from, to, [right, to], [from, right])) isBetter = true;
      if (size === 1) continue;
      if (this.#try(from, to, [left, to], [left - 1, from - 1])) isBetter = true;
      if (this.#try(from, to, [to - 1, right - 1], [from, right])) isBetter = true;
    }
    return isBetter;
  }

  /** Takes up what stands from `from` up to `to` as the runs say if that is cheaper. */
  #try(from: number, to: number, run: Run, next: Run = NOTHING): boolean {
    this.#row = this.#rows[from] as number;
    this.#sum = this.#spent[from] as number;
    const order = this.#order;
    const isBetter = this.#take(run) && this.#take(next) && this.#take([to, order.length]);
    if (!(isBetter && this.#sum < LESS * this.#cost && this.#legs.isEnd[this.#row])) return false;
    this.#become([
      ...order.slice(0, from),
      ...[run, next].flatMap(([first, end]) =>
        first < end ? order.slice(first, end) : order.slice(end + 1, first + 1).reverse(),
      ),
      ...order.slice(to),
    ]);
    return true;
  }

  /** Adds up a run; false when the whole is no better than the order at hand. */
  #take([first, end]: Run): boolean {
    const { costs, ends } = this.#legs;
    const isForward = first < end;
    for (let at = first; at !== end; at += isForward ? 1 : -1) {
      // From where the old way is met again it goes on as before.
      if (isForward && this.#row === this.#rows[at] && this.#cost < Number.POSITIVE_INFINITY) {
        this.#sum += (this.#spent[end] as number) - (this.#spent[at] as number);
        this.#row = this.#rows[end] as number;
        break;
      }
      const leg = this.#row * this.#count + (this.#order[at] as number);
      this.#sum += costs[leg] as number;
      this.#row = ends[leg] as number;
      this.#added += 1;
      if (!(this.#sum < this.#cost)) return false;
    }
    return true;
  }

  /** Exchanges two runs that follow each other, cut anywhere; false when there is too little. */
  #stir(): boolean {
    const order = this.#order;
    if (order.length < STIRRED_MIN) return false;
    const cuts = [0, 0, 0].map(() => this.#random(order.length)).sort((a, b) => a - b);
    const [a, b, c] = cuts as [number, number, number];
    const parts = [order.slice(0, a), order.slice(b, c + 1), order.slice(a, b), order.slice(c + 1)];
    this.#become(parts.flat());
    return true;
  }

  /** A whole number below `limit`, the same ones for every tour (a linear congruential generator). */
  #random(limit: number): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#seed / 2 ** 32) * limit);
  }
}
