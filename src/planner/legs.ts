/**
 * What it costs to reach each part of a goal from wherever the last part was reached. Most goals of
 * a mission are marks that no step asks for: a place was visited, a sample taken. What steps do ask
 * for (where the vehicle is, what it holds) is the situation, and from one situation a single
 * search by cost (Dijkstra's) finds the cheapest way to every part of the goal.
 */
import { Heap } from "./heap.ts";
import type { Pace } from "./pace.ts";
import { Possible } from "./possible.ts";
import { States } from "./states.ts";
import { apply, holdsIn, inverted, type Lists, listOf, type Task, toLists } from "./task.ts";

/** Row by row, one for each situation, the first is where it begins: what each part costs there. */
export interface LegTable {
  readonly situations: readonly number[];
  /** By row, and in it by part; Infinity for what is out of reach, or farther than was looked. */
  readonly costs: Float64Array;
  /** The row of the situation at the end of each leg. */
  readonly ends: Int32Array;
  /** By row: true when what the goal asks for beside its marks holds there. */
  readonly isEnd: readonly boolean[];
}

/** The cheapest ways from one situation, by part of the goal. */
interface Legs {
  readonly costs: Float64Array;
  /** The situation at the end of each, -1 where there is none. */
  readonly ends: Int32Array;
  /** How each was reached: its last step, and where that was taken; -1 where none was needed. */
  readonly steps: Int32Array;
  readonly before: Int32Array;
  /** By situation on the way: the step that led there, and where that was taken. */
  readonly reached: ReadonlyMap<number, Reached>;
}
interface Reached {
  spent: number;
  before: number;
  step: number;
}

const NONE = -1;
/** Situations from which legs are looked for, at most: a table of them is kept. */
const SITUATIONS_MAX = 1000;

/** The parts of the goal that are marks: only rules that make them ask for them, if any do. */
export function marksOf({ bits, goal, rules }: Task): number[] {
  const neededBy = inverted(rules.needs, 2 * bits);
  const makes = (rule: number, mark: number) => listOf(rules.makes, rule).includes(mark);
  return [...goal].filter((part) =>
    [part, part ^ 1].every((either) => listOf(neededBy, either).every((rule) => makes(rule, part))),
  );
}

export class LegFinder {
  /** Parts of the goal; elsewhere they are known by their place here. */
  readonly parts: readonly number[];
  /** The places of those that are marks. */
  readonly marks: readonly number[];
  readonly #task: Task;
  readonly #situations: States;
  readonly #legs = new Map<number, Legs>();
  /** The bits of a situation; and those bits beside them that are set while marks are awaited. */
  readonly #mask: Uint32Array;
  readonly #awaited: Uint32Array;
  /** Parts of the goal that are no marks. */
  readonly #others: readonly number[];
  /** By operator: the places in `parts` of marks that it may make. */
  readonly #marksBy: Lists;
  readonly #possible: Possible;
  readonly #state: Uint32Array;
  readonly #after: Uint32Array;

  /** `parts` of the goal, of which `marks` are marks. */
  constructor(task: Task, parts: readonly number[], marks: ReadonlySet<number>) {
    const { rules, words, operators } = task;
    this.parts = parts;
    this.marks = [...parts.keys()].filter((place) => marks.has(parts[place] as number));
    this.#task = task;
    this.#situations = new States(task);
    this.#mask = new Uint32Array(words);
    for (const need of rules.needs.items) setBit(this.#mask, need >> 1);
    for (const goal of task.goal) if (!marks.has(goal)) setBit(this.#mask, goal >> 1);
    this.#awaited = new Uint32Array(words);
    for (const mark of marks) {
      clearBit(this.#mask, mark >> 1);
      if ((mark & 1) === 1) setBit(this.#awaited, mark >> 1);
    }
    const placeOf = new Map(parts.map((part, place) => [part, place]));
    this.#others = [...task.goal].filter((part) => !marks.has(part));
    const marksBy: number[][] = operators.map(() => []);
    for (let rule = 0; rule < rules.count; rule++) {
      for (const made of listOf(rules.makes, rule)) {
        const place = marks.has(made) ? placeOf.get(made) : undefined;
        if (place !== undefined) marksBy[rules.operatorOf[rule] as number]?.push(place);
      }
    }
    this.#marksBy = toLists(marksBy);
    this.#possible = new Possible(task);
    this.#state = new Uint32Array(words);
    this.#after = new Uint32Array(words);
  }

  /** The number of the situation of a state. */
  situationOf(state: Uint32Array): number {
    const { words } = this.#task;
    for (let word = 0; word < words; word++) {
      this.#state[word] =
        ((state[word] as number) & (this.#mask[word] as number)) | (this.#awaited[word] as number);
    }
    return (
      this.#situations.find(this.#state) ?? (this.#situations.add(this.#state, 0, 0) as number)
    );
  }

  /** The steps of a leg: from a situation that was explored to a part that can be had from there. */
  way(situation: number, place: number): number[] {
    const legs = this.#legs.get(situation) as Legs;
    const way: number[] = [];
    let at = legs.before[place] as number;
    if (legs.steps[place] !== NONE) way.push(legs.steps[place] as number);
    while (at !== situation) {
      const { before, step } = legs.reached.get(at) as Reached;
      way.push(step);
      at = before;
    }
    return way.reverse();
  }

  /**
   * The legs from a situation and from wherever they lead, as far as so many steps suffice that
   * are looked at.
   *
   * @throws {OutOfTime} {OutOfMemory}
   */
  async from(start: number, workMax: number, pace: Pace): Promise<LegTable> {
    const open = [start];
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      if (next === NONE || this.#legs.has(next)) continue;
      if (this.#possible.looked >= workMax || this.#legs.size >= SITUATIONS_MAX) break;
      const legs = await this.#from(next, workMax, pace);
      this.#legs.set(next, legs);
      open.push(...legs.ends);
    }
    return this.#table();
  }

  #table(): LegTable {
    const ends = [...this.#legs.values()].flatMap((legs) => [...legs.ends]);
    const situations = [...new Set([...this.#legs.keys(), ...ends, NONE])];
    const rowOf = new Map(situations.map((situation, row) => [situation, row]));
    const count = this.parts.length;
    const table = {
      situations,
      costs: new Float64Array(situations.length * count).fill(Number.POSITIVE_INFINITY),
      ends: new Int32Array(situations.length * count).fill(rowOf.get(NONE) as number),
      isEnd: situations.map((situation) => situation !== NONE && this.#isEnd(situation)),
    };
    for (const [situation, legs] of this.#legs) {
      const offset = (rowOf.get(situation) as number) * count;
      table.costs.set(legs.costs, offset);
      for (const [place, end] of legs.ends.entries()) {
        table.ends[offset + place] = rowOf.get(end) as number;
      }
    }
    return table;
  }

  /** True when the parts of the goal that are no marks hold. */
  #isEnd(situation: number): boolean {
    this.#situations.copyTo(this.#state, situation);
    return this.#others.every((part) => holdsIn(this.#state, part));
  }

  async #from(source: number, workMax: number, pace: Pace): Promise<Legs> {
    const { costs: prices } = this.#task;
    const count = this.parts.length;
    const legs = {
      costs: new Float64Array(count).fill(Number.POSITIVE_INFINITY),
      ends: new Int32Array(count).fill(NONE),
      steps: new Int32Array(count).fill(NONE),
      before: new Int32Array(count).fill(NONE),
      reached: new Map<number, Reached>([[source, { spent: 0, before: source, step: NONE }]]),
    };
    const here = new Uint32Array(this.#task.words);
    const open = new Heap();
    open.push(0, 0, source);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { number, spent } = next;
      if (spent > (legs.reached.get(number) as Reached).spent) continue; // reached cheaper since
      if (legs.costs.every((cost) => cost <= spent)) break;
      if (this.#possible.looked >= workMax) break;
      if (pace.due()) await pace.rest();
      this.#situations.copyTo(here, number);
      for (const part of this.#others) {
        const place = this.parts.indexOf(part);
        if (place === -1) continue; // the plan had no need to bring it about
        if (spent >= (legs.costs[place] as number) || !holdsIn(here, part)) continue;
        legs.costs[place] = spent;
        legs.ends[place] = number;
        legs.before[place] = number;
      }
      for (const step of this.#possible.in(here)) {
        const cost = spent + (prices[step] as number);
        const after = this.#take(step, here, (place) => {
          if (cost >= (legs.costs[place] as number)) return false;
          legs.costs[place] = cost;
          legs.steps[place] = step;
          legs.before[place] = number;
          return true;
        });
        for (const place of after.marks) legs.ends[place] = after.situation;
        if (cost >= (legs.reached.get(after.situation)?.spent ?? Number.POSITIVE_INFINITY))
          continue;
        legs.reached.set(after.situation, { spent: cost, before: number, step });
        open.push(cost, cost, after.situation);
      }
    }
    return legs;
  }

  /** The situation after a step, and which of the marks it makes are wanted. */
  #take(step: number, here: Uint32Array, isWanted: (place: number) => boolean) {
    const after = this.#after;
    after.set(here);
    apply(this.#task, step, after);
    const marks: number[] = [];
    for (const place of listOf(this.#marksBy, step)) {
      if (holdsIn(after, this.parts[place] as number) && isWanted(place)) marks.push(place);
    }
    return { situation: this.situationOf(after), marks };
  }
}

function setBit(bits: Uint32Array, bit: number): void {
  bits[bit >> 5] = (bits[bit >> 5] as number) | (1 << (bit & 31));
}

function clearBit(bits: Uint32Array, bit: number): void {
  bits[bit >> 5] = (bits[bit >> 5] as number) & ~(1 << (bit & 31));
}
