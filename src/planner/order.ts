/**
 * The order in which the first steps of a relaxed plan are worth trying. Good is a step that lets
 * others of the relaxed plan follow at once, bad is one that stops others that could be taken now:
 * a robot picks up what lies here before it leaves, and goes where it can put down what it holds.
 * Of two as good the cheaper one goes first.
 */
import type { Heuristic } from "./heuristic.ts";
import { holdsIn, type Lists, type Task } from "./task.ts";

export class Order {
  readonly #task: Task;
  /** Per literal: steps of the relaxed plan that need it now, and that need nothing else any more. */
  readonly #usedBy: Int32Array;
  readonly #awaitedBy: Int32Array;
  readonly #scores: Int32Array;

  constructor(task: Task) {
    this.#task = task;
    this.#usedBy = new Int32Array(2 * task.bits);
    this.#awaitedBy = new Int32Array(2 * task.bits);
    this.#scores = new Int32Array(task.operators.length);
  }

  /** The preferred steps of the last evaluation, the best first. */
  of({ preferred, relaxed }: Heuristic, state: Uint32Array): number[] {
    const { needs, makes } = this.#task.rules;
    for (const operator of relaxed) this.#note(operator, state, 1);
    for (const operator of preferred) {
      let score = 0;
      each(makes, operator, (made) => {
        score += (this.#awaitedBy[made] as number) - (this.#usedBy[made ^ 1] as number);
      });
      // It does not stop itself.
      each(needs, operator, (needed) => {
        if (includes(makes, operator, needed ^ 1)) score += 1;
      });
      this.#scores[operator] = score;
    }
    for (const operator of relaxed) this.#note(operator, state, -1);
    const { costs } = this.#task;
    return preferred.toSorted(
      (a, b) =>
        (this.#scores[b] as number) - (this.#scores[a] as number) ||
        (costs[a] as number) - (costs[b] as number),
    );
  }

  #note(operator: number, state: Uint32Array, change: 1 | -1): void {
    const { needs } = this.#task.rules;
    let missing = 0;
    let last = -1;
    each(needs, operator, (needed) => {
      if (holdsIn(state, needed)) return;
      missing += 1;
      last = needed;
    });
    if (missing === 1) this.#awaitedBy[last] = (this.#awaitedBy[last] as number) + change;
    if (missing > 0) return;
    each(needs, operator, (needed) => {
      this.#usedBy[needed] = (this.#usedBy[needed] as number) + change;
    });
  }
}

function each({ starts, items }: Lists, list: number, visit: (item: number) => void): void {
  const end = starts[list + 1] as number;
  for (let at = starts[list] as number; at < end; at++) visit(items[at] as number);
}

function includes({ starts, items }: Lists, list: number, wanted: number): boolean {
  const end = starts[list + 1] as number;
  for (let at = starts[list] as number; at < end; at++) if (items[at] === wanted) return true;
  return false;
}
