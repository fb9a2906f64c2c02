/** A small search (A*) for a cheaper way from one state to what is needed after it. */
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

interface Entry {
  readonly rank: number;
  readonly spent: number;
  readonly number: number;
}

/** Lowest rank first; of equals the one that has got further, so that ties do not fan out. */
class Heap {
  readonly #entries: Entry[] = [];

  push(rank: number, spent: number, number: number): void {
    const entries = this.#entries;
    const entry = { rank, spent, number };
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(entry, entries[above] as Entry)) break;
      entries[at] = entries[above] as Entry;
      at = above;
    }
    entries[at] = entry;
  }

  pop(): Entry | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= entries.length) break;
      const right = entries[below + 1];
      if (right !== undefined && isBefore(right, entries[below] as Entry)) below += 1;
      if (!isBefore(entries[below] as Entry, last)) break;
      entries[at] = entries[below] as Entry;
      at = below;
    }
    entries[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.spent > b.spent);
}
