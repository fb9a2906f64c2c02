/**
 * The FF heuristic: what a plan would cost if nothing were ever lost. The cheapest maker of each
 * literal is its supporter, and the supporters followed back from the goal are the relaxed plan.
 */
import { Additive, NO_RULE, UNREACHED } from "./additive.ts";
import type { Links } from "./links.ts";
import type { Task } from "./task.ts";

export const DEAD_END = -1;
/** What an operator of average cost weighs beside one that costs nothing and weighs 1. */
const WEIGHT_OF_COST = 4;
const WEIGHT_MAX = 64;

export class Heuristic {
  /** After `evaluate`: the operators of the relaxed plan that can be taken in the state. */
  readonly preferred: number[] = [];
  /** How often `evaluate` was called: the measure of work. */
  evaluations = 0;
  /** After `evaluate`: all operators of the relaxed plan. */
  readonly relaxed: number[] = [];
  readonly #task: Task;
  readonly #additive: Additive;
  readonly #weights: Int32Array;
  /** Per operator and literal: the evaluation in which the relaxed plan took it. */
  readonly #operatorStamp: Int32Array;
  readonly #literalStamp: Int32Array;
  readonly #wanted: number[] = [];
  #stamp = 0;

  constructor(task: Task, links: Links) {
    this.#task = task;
    this.#weights = weightsOf(task.costs);
    this.#additive = new Additive(task, links, this.#weights);
    this.#operatorStamp = new Int32Array(task.operators.length);
    this.#literalStamp = new Int32Array(2 * task.bits);
  }

  /** The weight of a relaxed plan from the state to the goal: 0 at the goal, or `DEAD_END`. */
  evaluate(state: Uint32Array, goal: Int32Array = this.#task.goal): number {
    this.evaluations += 1;
    this.#additive.update(state, goal);
    this.preferred.length = 0;
    this.relaxed.length = 0;
    for (const wanted of goal) if (this.#additive.targets[wanted] === UNREACHED) return DEAD_END;
    return this.#extract(goal);
  }

  /** After `evaluate`: what the steps of the relaxed plan cost together. */
  relaxedCost(): number {
    let cost = 0;
    for (const operator of this.relaxed) cost += this.#task.costs[operator] as number;
    return cost;
  }

  /** After `evaluate`: what each literal of the task's goal costs to bring about by itself. */
  goalCosts(): number[] {
    return [...this.#task.goal].map((wanted) => this.#additive.targets[wanted] as number);
  }

  /** What an operator weighs in estimates. */
  weightOf(operator: number): number {
    return this.#weights[operator] as number;
  }

  /** The operators that can be taken in the state of the last `evaluate`. */
  applicable(): Int32Array {
    return this.#additive.ready.subarray(0, this.#additive.readyCount);
  }

  #extract(goal: Int32Array): number {
    const { needs, operatorOf } = this.#task.rules;
    const { targets, supporters } = this.#additive;
    const wanted = this.#wanted;
    this.#stamp += 1;
    let weight = 0;
    for (const each of goal) wanted.push(each);
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
      if (targets[next] === 0 || this.#literalStamp[next] === this.#stamp) continue;
      this.#literalStamp[next] = this.#stamp;
      const rule = supporters[next] as number;
      if (rule === NO_RULE) continue;
      const operator = operatorOf[rule] as number;
      if (this.#operatorStamp[operator] !== this.#stamp) {
        this.#operatorStamp[operator] = this.#stamp;
        weight += this.#weights[operator] as number;
        this.relaxed.push(operator);
        if (this.#additive.isReady(operator)) this.preferred.push(operator);
      }
      const end = needs.starts[rule + 1] as number;
      for (let at = needs.starts[rule] as number; at < end; at++) {
        wanted.push(needs.items[at] as number);
      }
    }
    return weight;
  }
}

/** Small whole numbers in proportion to the costs, plus one: a step is a step, even one for nothing. */
function weightsOf(costs: Float64Array): Int32Array {
  const first = costs[0] ?? 1;
  if (costs.every((cost) => cost === first)) return new Int32Array(costs.length).fill(1);
  const mean = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
  return Int32Array.from(costs, (cost) =>
    Math.min(WEIGHT_MAX, 1 + Math.round((WEIGHT_OF_COST * cost) / mean)),
  );
}
