/**
 * What is left to pay at least: every part of a goal that does not hold must still be made by some
 * operator, which shares its cost among all parts that it makes. Never too high, and good where each
 * part is a place to visit and the way there is the cost.
 */
import { holdsIn, inverted, type Lists, listOf, type Task } from "./task.ts";

/** For a goal: the least cost of reaching it from a state. */
export type Least = (state: Uint32Array) => number;

export class LeastCosts {
  readonly #task: Task;
  readonly #makers: Lists;
  /** Per operator: parts of the goal that it may make. */
  readonly #parts: Int32Array;

  constructor(task: Task) {
    this.#task = task;
    this.#makers = inverted(task.rules.makes, 2 * task.bits);
    this.#parts = new Int32Array(task.operators.length);
  }

  /** For a goal and states that are reached from `from`. */
  to(goal: Int32Array, from: Uint32Array): Least {
    const { costs, rules } = this.#task;
    const parts = this.#parts.fill(0);
    for (const wanted of goal) {
      for (const rule of listOf(this.#makers, wanted)) {
        const operator = rules.operatorOf[rule] as number;
        parts[operator] = (parts[operator] as number) + 1;
      }
    }
    const least = Float64Array.from(goal, (wanted) => {
      let share = Number.POSITIVE_INFINITY;
      for (const rule of listOf(this.#makers, wanted)) {
        const operator = rules.operatorOf[rule] as number;
        const own = (costs[operator] as number) / (parts[operator] as number);
        if (own < share && !this.#isTooLate(rule, wanted, from)) share = own;
      }
      return share;
    });
    return (state) => {
      let sum = 0;
      for (let at = 0; at < goal.length; at++) {
        if (!holdsIn(state, goal[at] as number)) sum += least[at] as number;
      }
      return sum;
    };
  }

  /**
   * True when the rule needs what only comes about together with what it makes, such as a step from
   * a place to the same place, for nothing, to have been there.
   */
  #isTooLate(rule: number, made: number, from: Uint32Array): boolean {
    if (listOf(this.#makers, made ^ 1).length > 0) return false; // it may be lost again
    const { needs, makes, operatorOf } = this.#task.rules;
    return listOf(needs, rule).some(
      (needed) =>
        !holdsIn(from, needed) &&
        listOf(this.#makers, needed).every((maker) =>
          listOf(makes, operatorOf[maker] as number).includes(made),
        ),
    );
  }
}
