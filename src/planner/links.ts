/** How the rules of a task hang together, by what they need and make. */
import type { Pace } from "./pace.ts";
import { inverted, type Lists, type Task } from "./task.ts";

export interface Links {
  /** By literal: 1 when a rule or the goal needs it. */
  readonly isNeeded: Uint8Array;
  /** By literal: the rules that need it. */
  readonly neededBy: Lists;
  /** By rule: what it makes, as far as it is needed. */
  readonly makes: Lists;
  /** By literal that is needed: the rules that make it. */
  readonly makers: Lists;
}

/**
 * With 50,000 operators each of the lists takes some milliseconds: others have their turn between.
 *
 * @throws {OutOfTime} when the pace says so.
 */
export async function linksOf({ bits, goal, rules }: Task, pace: Pace): Promise<Links> {
  const isNeeded = new Uint8Array(2 * bits);
  for (const each of goal) isNeeded[each] = 1;
  for (const each of rules.needs.items) isNeeded[each] = 1;
  const neededBy = inverted(rules.needs, 2 * bits);
  if (pace.due()) await pace.rest();
  const makes = filtered(rules.makes, isNeeded);
  if (pace.due()) await pace.rest();
  const makers = inverted(makes, 2 * bits);
  if (pace.due()) await pace.rest();
  return { isNeeded, neededBy, makes, makers };
}

function filtered({ starts, items }: Lists, keeps: Uint8Array): Lists {
  const begins = new Int32Array(starts.length);
  const kept = new Int32Array(items.length);
  let count = 0;
  for (let list = 0; list + 1 < starts.length; list++) {
    const end = starts[list + 1] as number;
    for (let at = starts[list] as number; at < end; at++) {
      const item = items[at] as number;
      if (keeps[item] === 1) kept[count++] = item;
    }
    begins[list + 1] = count;
  }
  return { starts: begins, items: kept.subarray(0, count) };
}
