/**
 * A grounded problem packed for search. Only atoms that can change and matter to the goal get a
 * bit; a literal is a number, 2 * bit when it wants the atom true and 2 * bit + 1 when false.
 */
import { type Grounding, literal, type Operator } from "./ground.ts";
import type { Pace } from "./pace.ts";
import { OPERATORS_PER_LOOK, relevantTo } from "./relevance.ts";

/** Lists of numbers in one array: list i is `items[starts[i]]` up to `items[starts[i + 1]]`. */
export interface Lists {
  readonly starts: Int32Array;
  readonly items: Int32Array;
}

export interface Task {
  readonly bits: number;
  /** Words of 32 bits in a state. */
  readonly words: number;
  readonly initial: Uint32Array;
  readonly operators: readonly Operator[];
  /** What operators need and make, and what their conditional effects do. */
  readonly rules: Rules;
  readonly costs: Float64Array;
  readonly goal: Int32Array;
}
/**
 * Rule i below the number of operators is what operator i does in any case. The rules from there
 * on are conditional effects: they need their own conditions beside those of their operator.
 */
export interface Rules {
  readonly count: number;
  readonly needs: Lists;
  readonly makes: Lists;
  /** The operator of each rule. */
  readonly operatorOf: Int32Array;
  /** By operator: its rules that are conditional effects. */
  readonly effectsOf: Lists;
  readonly hasEffects: boolean;
}

const NONE: readonly number[] = [];

/**
 * Packs what can matter to the goal, given as literals over the grounding's atoms.
 *
 * @throws {OutOfTime} when the pace says so.
 */
export async function pack(
  grounding: Grounding,
  goal: readonly number[],
  pace: Pace,
): Promise<Task> {
  const { operators, atoms } = await relevantTo(grounding, goal, pace);
  const bitOf = new Int32Array(grounding.atoms.count).fill(-1);
  let bits = 0;
  for (const atom of atoms) bitOf[atom] = bits++;
  const toBits = (literals: readonly number[]) => {
    const packed: number[] = [];
    for (const each of literals) {
      const bit = bitOf[each >> 1] as number;
      if (bit >= 0) packed.push(2 * bit + (each & 1));
    }
    return packed;
  };
  const words = Math.max(1, Math.ceil(bits / 32));
  const initial = new Uint32Array(words);
  for (const atom of grounding.initial) {
    for (const made of toBits([literal(atom, true)])) setLiteral(initial, made);
  }
  return {
    bits,
    words,
    initial,
    operators,
    rules: await toRules(operators, toBits, pace),
    costs: Float64Array.from(operators, ({ cost }) => cost),
    goal: Int32Array.from(new Set(toBits(goal))),
  };
}

async function toRules(
  operators: readonly Operator[],
  toBits: (literals: readonly number[]) => number[],
  pace: Pace,
): Promise<Rules> {
  const needs: number[][] = [];
  const makes: number[][] = [];
  for (const [index, operator] of operators.entries()) {
    if (index % OPERATORS_PER_LOOK === 0 && pace.due()) await pace.rest();
    needs.push(toBits(operator.needs));
    makes.push(toBits(operator.makes));
  }
  const operatorOf = [...operators.keys()];
  const effectsOf: number[][] = [];
  for (const [index, { effects }] of operators.entries()) {
    if (index % OPERATORS_PER_LOOK === 0 && pace.due()) await pace.rest();
    const own = effects.map((effect) => {
      needs.push([...(needs[index] as number[]), ...toBits(effect.needs)]);
      operatorOf.push(index);
      return makes.push(toBits(effect.makes)) - 1;
    });
    effectsOf.push(own);
  }
  return {
    count: makes.length,
    needs: await packed(needs, pace),
    makes: await packed(makes, pace),
    operatorOf: Int32Array.from(operatorOf),
    effectsOf: await packed(effectsOf, pace),
    hasEffects: makes.length > operators.length,
  };
}

/** With 50,000 operators each of these takes some milliseconds. */
async function packed(lists: readonly (readonly number[])[], pace: Pace): Promise<Lists> {
  if (pace.due()) await pace.rest();
  return toLists(lists);
}

/** True when the state satisfies the literal. */
export function holdsIn(state: Uint32Array, wanted: number): boolean {
  const word = state[wanted >> 6] as number;
  return ((word >>> ((wanted >> 1) & 31)) & 1) !== (wanted & 1);
}

/** Makes the literal true in the state. */
export function setLiteral(state: Uint32Array, made: number): void {
  const at = made >> 6;
  const mask = 1 << ((made >> 1) & 31);
  const word = state[at] as number;
  state[at] = (made & 1) === 0 ? word | mask : word & ~mask;
}

/** True when every literal of list `index` holds in the state. */
export function allHold(lists: Lists, index: number, state: Uint32Array): boolean {
  const end = lists.starts[index + 1] as number;
  for (let at = lists.starts[index] as number; at < end; at++) {
    if (!holdsIn(state, lists.items[at] as number)) return false;
  }
  return true;
}

/** Applies an operator to the state. Its conditional effects are judged before anything changes. */
export function apply({ rules }: Task, operator: number, state: Uint32Array): void {
  const fired = rules.hasEffects ? firedBy(rules, operator, state) : NONE;
  if (fired.length === 0) makeAll(rules, operator, state);
  else {
    // What is added wins: everything is removed first.
    const happening = [operator, ...fired];
    for (const rule of happening) makeAll(rules, rule, state, 1);
    for (const rule of happening) makeAll(rules, rule, state, 0);
  }
}

/** The conditional effects that an operator has in this state. */
export function firedBy({ effectsOf, needs }: Rules, operator: number, state: Uint32Array) {
  const fired: number[] = [];
  const end = effectsOf.starts[operator + 1] as number;
  for (let at = effectsOf.starts[operator] as number; at < end; at++) {
    const rule = effectsOf.items[at] as number;
    if (allHold(needs, rule, state)) fired.push(rule);
  }
  return fired;
}

/** Makes the literals of a rule true; only those that add, or only those that remove, when told. */
function makeAll({ makes }: Rules, rule: number, state: Uint32Array, only?: 0 | 1): void {
  const end = makes.starts[rule + 1] as number;
  for (let at = makes.starts[rule] as number; at < end; at++) {
    const made = makes.items[at] as number;
    if (only === undefined || (made & 1) === only) setLiteral(state, made);
  }
}

export function isReached(goal: Int32Array, state: Uint32Array): boolean {
  for (const wanted of goal) if (!holdsIn(state, wanted)) return false;
  return true;
}

/** What the steps of a plan cost together. */
export function costOf({ costs }: Task, plan: readonly number[]): number {
  return plan.reduce((sum, operator) => sum + (costs[operator] as number), 0);
}

/** True when the plan can be carried out and reaches the goal. */
export function solves(task: Task, plan: readonly number[]): boolean {
  const state = task.initial.slice();
  for (const operator of plan) {
    if (!allHold(task.rules.needs, operator, state)) return false;
    apply(task, operator, state);
  }
  return isReached(task.goal, state);
}

export function listOf({ starts, items }: Lists, list: number): Int32Array {
  return items.subarray(starts[list], starts[list + 1]);
}

export function toLists(lists: readonly (readonly number[])[]): Lists {
  const starts = new Int32Array(lists.length + 1);
  let count = 0;
  for (let index = 0; index < lists.length; index++) {
    count += (lists[index] as readonly number[]).length;
    starts[index + 1] = count;
  }
  const items = new Int32Array(count);
  let next = 0;
  // Set one by one: for lists as short as these TypedArray.set is slower.
  for (const list of lists) for (const item of list) items[next++] = item;
  return { starts, items };
}

/** For each number below `size`: the lists that contain it, in order. */
export function inverted({ starts, items }: Lists, size: number): Lists {
  const begins = new Int32Array(size + 1);
  for (const item of items) begins[item + 1] = (begins[item + 1] as number) + 1;
  for (let at = 0; at < size; at++) {
    begins[at + 1] = (begins[at + 1] as number) + (begins[at] as number);
  }
  const next = begins.slice();
  const inverse = new Int32Array(items.length);
  for (let list = 0; list + 1 < starts.length; list++) {
    const end = starts[list + 1] as number;
    for (let at = starts[list] as number; at < end; at++) {
      const item = items[at] as number;
      inverse[next[item] as number] = list;
      next[item] = (next[item] as number) + 1;
    }
  }
  return { starts: begins, items: inverse };
}
