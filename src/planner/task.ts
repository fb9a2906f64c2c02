/**
 * A grounded problem packed for search. Only atoms that can change and matter to the goal get a
 * bit; a literal is a number, 2 * bit when it wants the atom true and 2 * bit + 1 when false.
 */
import type { Grounding, Operator } from "./ground.ts";

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
  /** Literals that an operator needs, and that it makes true, by operator. */
  readonly needs: Lists;
  readonly makes: Lists;
  /** The operators that need a literal, by literal. */
  readonly neededBy: Lists;
  readonly goal: Int32Array;
}

/** A literal over atom numbers of the grounding, coded like those over bits. */
export const literal = (atom: number, holds: boolean) => 2 * atom + (holds ? 0 : 1);

/** Packs what can matter to the goal, given as literals over the grounding's atoms. */
export function pack(grounding: Grounding, goal: readonly number[]): Task {
  const { atoms, initial } = grounding;
  const changes = (atom: number) => grounding.canHold(atom) && grounding.canFail(atom);
  const open = goal.filter((each) => changes(each >> 1));
  const { operators, relevant } = relevance(grounding, open, changes);
  const bitOf = new Int32Array(atoms.count).fill(-1);
  let bits = 0;
  for (const each of relevant) if (bitOf[each >> 1] === -1) bitOf[each >> 1] = bits++;

  const toBits = (literals: readonly number[]) => [
    ...new Set(
      literals
        .filter((each) => bitOf[each >> 1] !== -1)
        .map((each) => 2 * (bitOf[each >> 1] as number) + (each & 1)),
    ),
  ];
  const needs = operators.map((operator) => toBits(conditionsOf(operator)));
  const neededBy: number[][] = Array.from({ length: 2 * bits }, () => []);
  for (const [operator, literals] of needs.entries()) {
    for (const each of literals) neededBy[each]?.push(operator);
  }
  const words = Math.max(1, Math.ceil(bits / 32));
  const state = new Uint32Array(words);
  for (const atom of initial) {
    const bit = bitOf[atom] ?? -1;
    if (bit >= 0) setLiteral(state, 0, 2 * bit);
  }
  return {
    bits,
    words,
    initial: state,
    operators,
    needs: toLists(needs),
    makes: toLists(operators.map((operator) => toBits(effectsOf(operator)))),
    neededBy: toLists(neededBy),
    goal: Int32Array.from(toBits(open)),
  };
}

/** True when the state at this offset satisfies the literal. */
export function holdsIn(state: Uint32Array, offset: number, wanted: number): boolean {
  const word = state[offset + (wanted >> 6)] as number;
  return ((word >>> ((wanted >> 1) & 31)) & 1) !== (wanted & 1);
}

/** Makes the literal true in the state at this offset. */
export function setLiteral(state: Uint32Array, offset: number, made: number): void {
  const at = offset + (made >> 6);
  const mask = 1 << ((made >> 1) & 31);
  const word = state[at] as number;
  state[at] = (made & 1) === 0 ? word | mask : word & ~mask;
}

/** True when every literal of list `index` holds in the state. */
export function allHold(lists: Lists, index: number, state: Uint32Array): boolean {
  const end = lists.starts[index + 1] as number;
  for (let at = lists.starts[index] as number; at < end; at++) {
    if (!holdsIn(state, 0, lists.items[at] as number)) return false;
  }
  return true;
}

/** Applies an operator to the state at this offset. */
export function apply(task: Task, operator: number, state: Uint32Array, offset = 0): void {
  const { starts, items } = task.makes;
  const end = starts[operator + 1] as number;
  for (let at = starts[operator] as number; at < end; at++) {
    setLiteral(state, offset, items[at] as number);
  }
}

/** The literals that lead to the goal, and the operators that make one of them true. */
function relevance(
  { operators }: Grounding,
  goal: readonly number[],
  changes: (atom: number) => boolean,
): { operators: readonly Operator[]; relevant: ReadonlySet<number> } {
  const makers = new Map<number, number[]>();
  for (const [index, operator] of operators.entries()) {
    for (const made of effectsOf(operator)) {
      const known = makers.get(made);
      if (known === undefined) makers.set(made, [index]);
      else known.push(index);
    }
  }
  const relevant = new Set(goal);
  const kept = new Uint8Array(operators.length);
  // The walk includes what it inserts.
  for (const wanted of relevant) {
    for (const index of makers.get(wanted) ?? []) {
      if (kept[index] === 1) continue;
      kept[index] = 1;
      for (const each of conditionsOf(operators[index] as Operator)) {
        if (changes(each >> 1)) relevant.add(each);
      }
    }
  }
  return { operators: operators.filter((_, index) => kept[index] === 1), relevant };
}

function conditionsOf({ positive, negative }: Operator): number[] {
  return [
    ...positive.map((atom) => literal(atom, true)),
    ...negative.map((atom) => literal(atom, false)),
  ];
}

function effectsOf({ adds, removes }: Operator): number[] {
  return [
    ...adds.map((atom) => literal(atom, true)),
    ...removes.map((atom) => literal(atom, false)),
  ];
}

export function toLists(lists: readonly (readonly number[])[]): Lists {
  const starts = new Int32Array(lists.length + 1);
  for (const [index, list] of lists.entries()) {
    starts[index + 1] = (starts[index] as number) + list.length;
  }
  const items = new Int32Array(starts[lists.length] as number);
  for (const [index, list] of lists.entries()) items.set(list, starts[index]);
  return { starts, items };
}
