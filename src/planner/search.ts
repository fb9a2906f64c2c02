/**
 * Greedy best-first search with two frontiers. Steps that the relaxed plan begins with (preferred
 * operators) are tried as soon as their parent is expanded, the most promising few of them: on the
 * warehouse this finds plans a fifth shorter than deferring them all. All other steps wait with
 * their parent's estimate and are evaluated only when their turn comes; they keep it complete.
 */
import { Frontier } from "./frontier.ts";
import { DEAD_END, type Heuristic } from "./heuristic.ts";
import { Order } from "./order.ts";
import { OutOfMemory, type Pace } from "./pace.ts";
import { States } from "./states.ts";
import { apply, type Task } from "./task.ts";

/** Turns that preferred operators get ahead for each new best estimate. */
const PREFERENCE_BOOST = 1000;
/** Preferred operators that are evaluated at once. More of them gave no shorter plans. */
const TRIED_AT_ONCE = 4;
/** With more rules than this an estimate takes its time: the first that is better is good enough. */
const RULES_MANY = 10_000;
/** Frontier entries at most: 8 bytes each. */
const FRONTIER_MAX = 40_000_000;
/** The operator of a frontier entry whose state has been evaluated already. */
const EVALUATED = -1;

/**
 * Operators that lead from the initial state to the goal; undefined when none do.
 *
 * @throws {OutOfTime} when the pace says so.
 * @throws {OutOfMemory} beyond `nodesMax` states, `FRONTIER_MAX` entries or the room for states.
 */
export function search(
  task: Task,
  heuristic: Heuristic,
  pace: Pace,
  nodesMax: number,
): Promise<number[] | undefined> {
  return new Search(task, heuristic, pace, nodesMax).run();
}

class Search {
  readonly #task: Task;
  readonly #pace: Pace;
  readonly #nodesMax: number;
  readonly #heuristic: Heuristic;
  readonly #order: Order;
  readonly #states: States;
  readonly #deferred = new Frontier();
  readonly #preferred = new Frontier();
  #deferredTurns = 0;
  #preferredTurns = 0;
  #best = Number.POSITIVE_INFINITY;
  /** The last state that was evaluated: the heuristic still knows its relaxed plan. */
  #evaluated: { readonly number: number; readonly estimate: number } | undefined;
  /** The state at hand. */
  readonly #state: Uint32Array;

  constructor(task: Task, heuristic: Heuristic, pace: Pace, nodesMax: number) {
    this.#task = task;
    this.#pace = pace;
    this.#nodesMax = nodesMax;
    this.#heuristic = heuristic;
    this.#order = new Order(task);
    this.#states = new States(task);
    this.#state = task.initial.slice();
  }

  async run(): Promise<number[] | undefined> {
    let number = this.#states.add(this.#state, 0, 0);
    for (;;) {
      if (number !== undefined) {
        const goal = await this.#expand(number);
        if (goal !== undefined) return this.#states.pathTo(goal);
      }
      if (this.#pace.due()) await this.#pace.rest();
      const next = this.#next();
      if (next === undefined) return undefined;
      const [known, operator] = next;
      if (operator !== EVALUATED) number = this.#enter(known, operator);
      else {
        number = known;
        this.#states.copyTo(this.#state, known);
      }
    }
  }

  /** Puts the successors of the state at hand on the frontiers; returns a goal state if met. */
  async #expand(number: number): Promise<number | undefined> {
    const estimate = this.#evaluate(number);
    if (estimate === 0) return number;
    if (estimate === DEAD_END) return undefined;
    for (const operator of this.#heuristic.applicable()) {
      this.#deferred.push(estimate, number, operator);
    }
    const preferred = this.#order.of(this.#heuristic, this.#state);
    const isLarge = this.#task.rules.count > RULES_MANY;
    let tried = 0;
    for (const operator of preferred) {
      if (tried >= TRIED_AT_ONCE) {
        this.#preferred.push(estimate + this.#heuristic.weightOf(operator) - 1, number, operator);
        continue;
      }
      tried += 1;
      const successor = this.#enter(number, operator);
      if (successor === undefined) continue;
      if (this.#pace.due()) await this.#pace.rest();
      const promise = this.#evaluate(successor);
      if (promise === 0) return successor;
      if (promise === DEAD_END) continue;
      // With the step's own weight: else the dearest step, after which least is left, looks best.
      const rank = promise + this.#heuristic.weightOf(operator) - 1;
      this.#preferred.push(rank, successor, EVALUATED);
      if (isLarge && promise < estimate) tried = TRIED_AT_ONCE;
    }
    return undefined;
  }

  /** The estimate of the state at hand, which has this number. */
  #evaluate(number: number): number {
    if (this.#evaluated?.number === number) return this.#evaluated.estimate;
    const estimate = this.#heuristic.evaluate(this.#state);
    this.#evaluated = { number, estimate };
    if (estimate !== DEAD_END && estimate < this.#best) {
      this.#best = estimate;
      this.#preferredTurns -= PREFERENCE_BOOST;
    }
    return estimate;
  }

  /** Makes the successor the state at hand; undefined when it is known already. */
  #enter(parent: number, operator: number): number | undefined {
    this.#states.copyTo(this.#state, parent);
    apply(this.#task, operator, this.#state);
    const number = this.#states.add(this.#state, parent, operator);
    const { count } = this.#states;
    if (count > this.#nodesMax || this.#deferred.count > FRONTIER_MAX) {
      throw new OutOfMemory(`No plan among the first ${count} states`);
    }
    return number;
  }

  #next(): readonly [state: number, operator: number] | undefined {
    const behind = this.#preferredTurns <= this.#deferredTurns;
    if (this.#preferred.count > 0 && (behind || this.#deferred.count === 0)) {
      this.#preferredTurns += 1;
      return this.#preferred.pop();
    }
    this.#deferredTurns += 1;
    return this.#deferred.pop();
  }
}
