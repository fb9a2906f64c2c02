/** A small search (A*) for a cheaper way from one state to what is needed after it. */
import { Heap } from "./heap.ts";
import { DEAD_END, type Heuristic } from "./heuristic.ts";
import type { Least } from "./least.ts";
import type { Pace } from "./pace.ts";
import { States } from "./states.ts";
import { apply, isReached, type Task } from "./task.ts";

export interface Wish {
  readonly from: Uint32Array;
  readonly goal: Int32Array;
  /** The way must cost less. */
  readonly below: number;
  /** What is left to pay at least. */
  readonly least: Least;
  /** What guides: how much is left at least, or as the relaxed plan has it, which may be too much. */
  readonly guide: "least" | "relaxed";
  /** States to look at, at most. */
  readonly evaluationsMax: number;
}

/**
 * Operators of a way that costs less; undefined when none was found within the limit.
 *
 * @throws {OutOfTime} when the pace says so.
 */
export async function cheaperWay(
  task: Task,
  heuristic: Heuristic,
  pace: Pace,
  { from, goal, below, least, guide, evaluationsMax }: Wish,
): Promise<number[] | undefined> {
  const states = new States(task);
  const spent: number[] = [0];
  const open = new Heap();
  const state = from.slice();
  const last = heuristic.evaluations + evaluationsMax;
  states.add(state, 0, 0);
  open.push(0, 0, 0);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { number, spent: then } = next;
    if (then > (spent[number] as number)) continue; // a cheaper way to it was found since
    states.copyTo(state, number);
    if (isReached(goal, state)) return states.pathTo(number);
    if (heuristic.evaluations >= last) return undefined;
    if (heuristic.evaluate(state, goal) === DEAD_END) continue;
    for (const operator of [...heuristic.applicable()]) {
      if (pace.due()) await pace.rest();
      const cost = then + (task.costs[operator] as number);
      states.copyTo(state, number);
      apply(task, operator, state);
      const lowest = cost + least(state);
      if (lowest >= below) continue;
      const known = states.find(state);
      if (known !== undefined && cost >= (spent[known] as number)) continue;
      const reached = known ?? (states.add(state, number, operator) as number);
      if (known !== undefined) states.reroute(known, number, operator);
      spent[reached] = cost;
      // What is least is known without a relaxed plan: a state is evaluated when its turn comes.
      if (guide === "least") open.push(lowest, cost, reached);
      else if (heuristic.evaluations >= last) return undefined;
      else if (heuristic.evaluate(state, goal) !== DEAD_END) {
        open.push(cost + heuristic.relaxedCost(), cost, reached);
      }
    }
  }
  return undefined;
}
