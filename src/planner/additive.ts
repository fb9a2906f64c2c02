/**
 * What each literal costs to bring about when nothing is ever lost and costs of needs add up
 * (h_add). An atom's truth and its falsity are two independent literals, so negative conditions
 * need nothing special; a conditional effect is a rule with needs of its own.
 *
 * Neighbouring states differ in few literals, so the estimates of the last state are mended, not
 * made anew, and no further than the goal asks: an incremental shortest-path algorithm
 * (DynamicSWSF-FP of Ramalingam and Reps, as PINCH uses it). Of each literal it knows what it
 * costs (`costs`) and what it should cost by its makers (`targets`); where the two differ it waits
 * in a queue by the lower of them. Making a literal dearer is the costly part, its makers must all
 * be looked at: it is called stale meanwhile and looked into when its turn comes.
 */
import { BucketQueue } from "./bucket-queue.ts";
import type { Links } from "./links.ts";
import { holdsIn, type Lists, type Task } from "./task.ts";

/**
 * Costs stop growing here, so that they can be buckets. Literals so far off may be taken for
 * reachable when they are not: the search then finds out by itself.
 */
const COST_MAX = 65_535;
/** So much more than costs add up to that one such need shows in the sum. */
export const UNREACHED = 2 ** 30;
export const NO_RULE = -1;
/** Mending costs more than beginning anew when more than one in so many rules loses a need. */
const REBUILD_SHARE = 16;

export class Additive {
  /** By literal that matters to the goal: what it costs in the state; 0 when it holds there. */
  readonly targets: Int32Array;
  /** By literal that does not hold: the rule that makes it cheapest. */
  readonly supporters: Int32Array;
  /** Operators that can be taken in the state, in no order: the first `readyCount` of them. */
  readonly ready: Int32Array;
  readyCount = 0;
  readonly #costs: Int32Array;
  readonly #weights: Int32Array;
  readonly #operators: number;
  readonly #makes: Lists;
  readonly #makers: Lists;
  readonly #neededBy: Lists;
  /** Literals that want an atom false and that a rule or the goal needs. */
  readonly #negatives: Int32Array;
  /** By literal: 1 when its target is only known not to be lower than it says. */
  readonly #isStale: Uint8Array;
  /** By rule: its weight and the costs of its needs; and that while no need is reached. */
  readonly #sums: Float64Array;
  readonly #sumsFirst: Float64Array;
  /** Rules without needs. */
  readonly #free: readonly number[];
  /** By operator: where it stands in `ready`, or -1. */
  readonly #place: Int32Array;
  readonly #state: Uint32Array;
  readonly #nothing: Uint32Array;
  readonly #queue: BucketQueue;

  /**
   * `weights` are what operators cost here: whole numbers of at least 1. Goals are asked about of
   * which each literal is in the task's goal or needed by a rule.
   */
  constructor({ bits, rules, operators, words }: Task, links: Links, weights: Int32Array) {
    const literals = 2 * bits;
    this.#operators = operators.length;
    this.#neededBy = links.neededBy;
    this.#makes = links.makes;
    this.#makers = links.makers;
    const negatives: number[] = [];
    for (let each = 1; each < literals; each += 2) {
      if (links.isNeeded[each] === 1) negatives.push(each);
    }
    this.#negatives = Int32Array.from(negatives);
    this.#costs = new Int32Array(literals);
    this.targets = new Int32Array(literals);
    this.supporters = new Int32Array(literals);
    this.#isStale = new Uint8Array(literals);
    this.ready = new Int32Array(operators.length);
    this.#place = new Int32Array(operators.length);
    this.#state = new Uint32Array(words);
    this.#nothing = new Uint32Array(words);
    this.#queue = new BucketQueue(literals, COST_MAX);
    this.#weights = new Int32Array(rules.count);
    this.#sums = new Float64Array(rules.count);
    this.#sumsFirst = new Float64Array(rules.count);
    const free: number[] = [];
    for (let rule = 0; rule < rules.count; rule++) {
      const needs = (rules.needs.starts[rule + 1] as number) - (rules.needs.starts[rule] as number);
      const weight = weights[rules.operatorOf[rule] as number] as number;
      this.#weights[rule] = weight;
      this.#sumsFirst[rule] = weight + needs * UNREACHED;
      if (needs === 0) free.push(rule);
    }
    this.#free = free;
    this.#begin(this.#state);
  }

  /** Makes the costs those of the state, as far as they matter to the goal. */
  update(state: Uint32Array, goal: Int32Array): void {
    if (this.#workFor(state) > this.#weights.length / REBUILD_SHARE) this.#begin(state);
    // What is gained goes first: what was lost is then more often found to be no dearer.
    eachChange(this.#state, state, (gained) => this.#gain(gained));
    eachChange(this.#state, state, (gained) => this.#lose(gained ^ 1));
    this.#state.set(state);
    this.#settle(goal);
  }

  /** How many rules are touched by what was lost since the last state. */
  #workFor(state: Uint32Array): number {
    const { starts } = this.#neededBy;
    let work = 0;
    eachChange(this.#state, state, (gained) => {
      const lost = gained ^ 1;
      work += (starts[lost + 1] as number) - (starts[lost] as number);
    });
    return work;
  }

  /** Forgets every cost, and begins from what holds in the state. */
  #begin(state: Uint32Array): void {
    this.#queue.clear();
    this.#costs.fill(UNREACHED);
    this.targets.fill(UNREACHED);
    this.supporters.fill(NO_RULE);
    this.#isStale.fill(0);
    this.#sums.set(this.#sumsFirst);
    this.#place.fill(-1);
    this.readyCount = 0;
    for (const rule of this.#free) this.#changed(rule, UNREACHED);
    for (const literal of this.#negatives) if (holdsIn(state, literal)) this.#gain(literal);
    eachChange(this.#nothing, state, (gained) => this.#gain(gained));
    this.#state.set(state);
  }

  /** True when the operator's needs hold in the state. */
  isReady(operator: number): boolean {
    return this.#place[operator] !== -1;
  }

  #gain(literal: number): void {
    this.targets[literal] = 0;
    this.supporters[literal] = NO_RULE;
    this.#isStale[literal] = 0;
    this.#requeue(literal);
  }

  #lose(literal: number): void {
    this.targets[literal] = 1; // no operator weighs less
    this.#isStale[literal] = 1;
    this.#requeue(literal);
  }

  #requeue(literal: number): void {
    const cost = this.#costs[literal] as number;
    const target = this.targets[literal] as number;
    if (cost === target && this.#isStale[literal] === 0) this.#queue.remove(literal);
    else this.#queue.put(literal, Math.min(cost, target));
  }

  /** Brings costs to what they should be, the lowest first, until those of the goal are known. */
  #settle(goal: Int32Array): void {
    const queue = this.#queue;
    for (let key = queue.lowest(); key <= COST_MAX; key = queue.lowest()) {
      // What costs this much is known once everything cheaper is settled. What holds is always
      // settled, for `ready` depends on it.
      if (key > 0 && this.#isKnown(goal, key)) return;
      if (key !== queue.lowest()) continue;
      for (let at = queue.first(key); at !== -1; at = queue.first(key)) this.#visit(at, key);
    }
    this.#isKnown(goal, COST_MAX);
  }

  #isKnown(goal: Int32Array, key: number): boolean {
    for (const wanted of goal) {
      if (this.#isStale[wanted] === 1) {
        this.#aim(wanted);
        this.#requeue(wanted);
      }
      if ((this.targets[wanted] as number) > key) return false;
    }
    return true;
  }

  #visit(literal: number, key: number): void {
    if (this.#isStale[literal] === 1) this.#aim(literal);
    const cost = this.#costs[literal] as number;
    const target = this.targets[literal] as number;
    if (cost !== target && Math.min(cost, target) === key) {
      // A cost that rises is first forgotten: what relies on it must not vouch for it.
      const next = target < cost ? target : UNREACHED;
      this.#costs[literal] = next;
      this.#spread(literal, next - cost);
    }
    this.#requeue(literal);
  }

  /** Finds the cheapest rule that makes a stale literal. */
  #aim(literal: number): void {
    const { starts, items } = this.#makers;
    const atLeast = this.targets[literal] as number;
    let target = UNREACHED;
    let supporter = NO_RULE;
    const end = starts[literal + 1] as number;
    for (let at = starts[literal] as number; at < end; at++) {
      const rule = items[at] as number;
      const cost = this.#costOf(rule);
      if (cost >= target) continue;
      target = cost;
      supporter = rule;
      if (cost <= atLeast) break;
    }
    this.targets[literal] = target;
    this.supporters[literal] = supporter;
    this.#isStale[literal] = 0;
  }

  #costOf(rule: number): number {
    const sum = this.#sums[rule] as number;
    if (sum <= COST_MAX) return sum;
    return sum < UNREACHED ? COST_MAX : UNREACHED;
  }

  /** Tells the rules that need the literal that its cost has changed by so much. */
  #spread(literal: number, change: number): void {
    const { starts, items } = this.#neededBy;
    const end = starts[literal + 1] as number;
    for (let at = starts[literal] as number; at < end; at++) {
      const rule = items[at] as number;
      const before = this.#costOf(rule);
      this.#sums[rule] = (this.#sums[rule] as number) + change;
      this.#changed(rule, before);
    }
  }

  #changed(rule: number, before: number): void {
    const cost = this.#costOf(rule);
    if (rule < this.#operators) this.#list(rule);
    if (cost === before) return;
    const { starts, items } = this.#makes;
    const end = starts[rule + 1] as number;
    for (let at = starts[rule] as number; at < end; at++) {
      const made = items[at] as number;
      const target = this.targets[made] as number;
      if (cost < target || (cost === target && this.#isStale[made] === 1)) {
        this.targets[made] = cost;
        this.supporters[made] = rule;
        this.#isStale[made] = 0;
      } else if (cost > before && this.supporters[made] === rule) this.#isStale[made] = 1;
      else continue;
      this.#requeue(made);
    }
  }

  /** Keeps `ready`: an operator is when all it needs costs nothing. */
  #list(operator: number): void {
    const isReady = this.#sums[operator] === this.#weights[operator];
    const place = this.#place[operator] as number;
    if (isReady === (place !== -1)) return;
    if (isReady) {
      this.#place[operator] = this.readyCount;
      this.ready[this.readyCount++] = operator;
      return;
    }
    const last = this.ready[--this.readyCount] as number;
    this.ready[place] = last;
    this.#place[last] = place;
    this.#place[operator] = -1;
  }
}

/** Visits, of each bit in which the two differ, the literal that holds in the second. */
function eachChange(from: Uint32Array, to: Uint32Array, visit: (gained: number) => void): void {
  for (let word = 0; word < to.length; word++) {
    const now = to[word] as number;
    for (let rest = now ^ (from[word] as number); rest !== 0; rest &= rest - 1) {
      const bit = 31 - Math.clz32(rest & -rest);
      visit(2 * (32 * word + bit) + ((now >>> bit) & 1 ? 0 : 1));
    }
  }
}
