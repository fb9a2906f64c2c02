/** Takes out of a plan what it can do without: greedy action elimination. */
import { OutOfTime, type Pace } from "./pace.ts";
import { allHold, apply, isReached, type Task } from "./task.ts";

/**
 * The plan without the steps that proved unneeded. A step is tried without, together with every
 * later step that its absence makes impossible; the rest stays in order. When time runs out
 * the plan as short as it is by then is the answer: it is valid at every moment.
 */
export async function shorten(task: Task, plan: readonly number[], pace: Pace): Promise<number[]> {
  let kept = [...plan];
  try {
    // A step may prove unneeded only after a later one is gone: again until nothing goes.
    for (let before = Number.POSITIVE_INFINITY; kept.length < before; ) {
      before = kept.length;
      for (let at = 0; at < kept.length; ) {
        if (pace.due()) await pace.rest();
        const shorter = without(task, kept, at);
        if (shorter === undefined) at += 1;
        else kept = shorter;
      }
    }
  } catch (cause) {
    if (!(cause instanceof OutOfTime)) throw cause;
  }
  return kept;
}

function without(task: Task, plan: readonly number[], at: number): number[] | undefined {
  const state = task.initial.slice();
  const kept: number[] = [];
  for (const [index, operator] of plan.entries()) {
    if (index === at || !allHold(task.rules.needs, operator, state)) continue;
    apply(task, operator, state);
    kept.push(operator);
  }
  return isReached(task.goal, state) ? kept : undefined;
}
