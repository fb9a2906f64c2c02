/** Which operators can be taken in a state, each found by one of its needs alone. */
import { allHold, holdsIn, type Lists, listOf, type Task, toLists } from "./task.ts";

export class Possible {
  /** Operators that were looked at: the measure of work. */
  looked = 0;
  readonly #task: Task;
  /** Literals that operators are found by; and by literal: these operators. */
  readonly #watched: readonly number[];
  readonly #watchers: Lists;
  readonly #free: readonly number[];

  constructor(task: Task) {
    const { bits, operators, rules } = task;
    const shared = new Int32Array(2 * bits);
    for (let step = 0; step < operators.length; step++) {
      for (const need of listOf(rules.needs, step)) shared[need] = (shared[need] as number) + 1;
    }
    const watchers: number[][] = Array.from({ length: 2 * bits }, () => []);
    const free: number[] = [];
    for (let step = 0; step < operators.length; step++) {
      // The need that the fewest others share holds least often.
      const [first, ...others] = listOf(rules.needs, step);
      if (first === undefined) free.push(step);
      else {
        const rarest = others.reduce(
          (best, need) => ((shared[need] as number) < (shared[best] as number) ? need : best),
          first,
        );
        watchers[rarest]?.push(step);
      }
    }
    this.#task = task;
    this.#free = free;
    this.#watchers = toLists(watchers);
    this.#watched = [...watchers.keys()].filter((literal) => watchers[literal]?.length !== 0);
  }

  in(state: Uint32Array): number[] {
    const { needs } = this.#task.rules;
    const possible = [...this.#free];
    this.looked += possible.length;
    for (const literal of this.#watched) {
      if (!holdsIn(state, literal)) continue;
      for (const step of listOf(this.#watchers, literal)) {
        this.looked += 1;
        if (allHold(needs, step, state)) possible.push(step);
      }
    }
    return possible;
  }
}
