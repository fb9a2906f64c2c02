/**
 * Makes a plan cheaper, part by part: a stretch of it is replaced by a cheaper way from the state
 * before it to all that the rest of the plan needs. How much of this is done is counted in states
 * looked at, not in seconds, so that the same problem gives the same plan on every machine.
 */
import { cheaperWay, type Wish } from "./cheaper.ts";
import type { Heuristic } from "./heuristic.ts";
import { LeastCosts } from "./least.ts";
import { OutOfMemory, OutOfTime, type Pace } from "./pace.ts";
import { apply, costOf, firedBy, holdsIn, listOf, type Rules, solves, type Task } from "./task.ts";
import { inBetterOrder } from "./tour.ts";

/** States that improvement looks at: at least so many rules' worth, and half of what search did. */
const RULES_LOOKED_AT = 150_000;
const STATES_MIN = 50;
const STATES_MAX = 1000;
const SHARE_OF_SEARCH = 0.5;
/** Steps of a stretch, after the whole plan was tried; each stretch may use a part of the states. */
const STRETCHES = [4, 8, 16, 32];
const STATES_PER_STEP = 16;
const GUIDES = ["least", "relaxed"] as const;

/**
 * The plan or a cheaper one. It ends when the states are used up, when a round over all stretches
 * has brought nothing, or when time or room runs out: the plan is valid at every moment.
 */
export async function improve(
  task: Task,
  plan: readonly number[],
  heuristic: Heuristic,
  pace: Pace,
): Promise<readonly number[]> {
  const share = Math.min(STATES_MAX, Math.max(STATES_MIN, RULES_LOOKED_AT / task.rules.count));
  const limit = heuristic.evaluations + Math.max(share, SHARE_OF_SEARCH * heuristic.evaluations);
  const leastCosts = new LeastCosts(task);
  let best = plan;
  /** Preparing a stretch is work too, counted in states that could have been looked at instead. */
  let prepared = 0;
  const left = () => limit - heuristic.evaluations - prepared;
  const tryStretch = async (from: number, to: number, guide: Wish["guide"], states: number) => {
    const wish = await wishFor(task, best, { from, to }, pace);
    prepared += 1 + (best.length * wish.goal.length) / task.rules.count;
    const least = leastCosts.to(wish.goal, wish.from);
    if (least(wish.from) >= wish.below) return;
    const evaluationsMax = Math.min(states, left());
    const way = await cheaperWay(task, heuristic, pace, { ...wish, least, guide, evaluationsMax });
    if (way === undefined) return;
    const candidate = best.toSpliced(from, to - from, ...way);
    if (solves(task, candidate)) best = candidate;
  };
  const round = async (guide: Wish["guide"]) => {
    for (const steps of STRETCHES) {
      for (let from = 0; from < best.length; from += steps / 2) {
        if (left() <= 0) return;
        await tryStretch(from, Math.min(from + steps, best.length), guide, STATES_PER_STEP * steps);
      }
    }
  };
  try {
    const searched = SHARE_OF_SEARCH * heuristic.evaluations * task.rules.count;
    best = await inBetterOrder(task, best, Math.max(RULES_LOOKED_AT, searched), pace);
    for (const guide of GUIDES) {
      await tryStretch(0, best.length, guide, left() / 4);
    }
    for (let before = Number.POSITIVE_INFINITY; costOf(task, best) < before; ) {
      before = costOf(task, best);
      for (const guide of GUIDES) await round(guide);
    }
  } catch (cause) {
    if (!(cause instanceof OutOfTime || cause instanceof OutOfMemory)) throw cause;
  }
  return best;
}

/** What a stretch of the plan starts from, leads to and costs. */
async function wishFor(
  task: Task,
  plan: readonly number[],
  { from, to }: { readonly from: number; readonly to: number },
  pace: Pace,
) {
  const state = task.initial.slice();
  const states: Uint32Array[] = [];
  for (const operator of plan) {
    if (pace.due()) await pace.rest();
    states.push(state.slice());
    apply(task, operator, state);
  }
  let goal: ReadonlySet<number> = new Set(task.goal);
  for (let at = plan.length - 1; at >= to; at--) {
    if (pace.due()) await pace.rest();
    goal = neededBefore(task.rules, plan[at] as number, states[at] as Uint32Array, goal);
  }
  return {
    from: states[from] ?? state,
    goal: Int32Array.from(goal),
    below: costOf(task, plan.slice(from, to)),
  };
}

/**
 * What must hold before a step, for it to be possible and for `goal` to hold after it as it did in
 * this state: its conditional effects that help must happen, and those that harm must not.
 */
function neededBefore(
  rules: Rules,
  operator: number,
  state: Uint32Array,
  goal: ReadonlySet<number>,
): Set<number> {
  const { needs, makes, effectsOf } = rules;
  const fired = firedBy(rules, operator, state);
  const helping = [
    operator,
    ...fired.filter((rule) => listOf(makes, rule).some((m) => goal.has(m))),
  ];
  const needed = new Set(goal);
  for (const rule of helping) for (const made of listOf(makes, rule)) needed.delete(made);
  for (const rule of helping) for (const each of listOf(needs, rule)) needed.add(each);
  for (const rule of listOf(effectsOf, operator)) {
    if (fired.includes(rule) || !listOf(makes, rule).some((made) => goal.has(made ^ 1))) continue;
    const prevented = listOf(needs, rule).find((each) => !holdsIn(state, each));
    if (prevented !== undefined) needed.add(prevented ^ 1);
  }
  return needed;
}
