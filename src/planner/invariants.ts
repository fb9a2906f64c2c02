/**
 * Finds sets of atoms of which at most one is true at a time: a robot is in one room, a box lies in
 * one room or is held. Guess, check, repair (as Helmert's invariant synthesis does, here over ground
 * steps): a guess names fluents, one argument of each may be counted over, the others tell the sets
 * apart. It holds when no step makes an atom of a set true without making another one false that it
 * needs; a step that breaks it names the fluent that might be missing.
 */
import type { FluentTable } from "./atoms.ts";
import type { Grounding, Operator } from "./ground.ts";
import type { Pace } from "./pace.ts";
import { OPERATORS_PER_LOOK } from "./relevance.ts";

/** Guesses and checks at most; what was not found by then is left to the search. */
const GUESSES_MAX = 300;
const CHECKS_MAX = 1_000_000;
const PARTS_MAX = 5;

/** A fluent of a guess; `order` are the places of its arguments that tell the sets apart. */
interface Part {
  readonly table: FluentTable;
  readonly order: readonly number[];
}
type Guess = readonly Part[];

/** For an atom: the sets that it is in, as keys. Two atoms with one key in common exclude each other. */
export type Exclusions = (atom: number) => readonly string[];

/**
 * The sets that may hold two of these atoms; others are not looked for.
 *
 * @throws {OutOfTime} when the pace says so.
 */
export async function exclusions(
  grounding: Grounding,
  wanted: readonly number[],
  pace: Pace,
): Promise<Exclusions> {
  const sound = await new Synthesis(grounding, wanted).run(pace);
  const { atoms, initial } = grounding;
  const keysOf = (atom: number) =>
    sound.flatMap((guess, index) => {
      const set = setOf(guess, atoms.tableOf(atom), atoms.argsOf(atom));
      return set === undefined ? [] : [`${index}:${set}`];
    });
  // More than one true at the start, and "not more than at the start" says nothing.
  const counts = new Map<string, number>();
  for (const atom of new Set(initial)) {
    for (const key of keysOf(atom)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return (atom) => keysOf(atom).filter((key) => (counts.get(key) ?? 0) <= 1);
}

class Synthesis {
  readonly #grounding: Grounding;
  /** The operators that add to a fluent. */
  readonly #adders = new Map<FluentTable, Operator[]>();
  /** The atoms that are asked about, by fluent. */
  readonly #wanted: ReadonlyMap<FluentTable, readonly number[]>;
  readonly #guesses: Guess[] = [];
  readonly #known = new Set<string>();
  readonly #numbers = new Map<FluentTable, number>();
  #checks = 0;

  constructor(grounding: Grounding, wanted: readonly number[]) {
    this.#grounding = grounding;
    this.#wanted = Map.groupBy(new Set(wanted), (atom) => grounding.atoms.tableOf(atom));
  }

  async #findAdders(pace: Pace): Promise<void> {
    const { operators, atoms } = this.#grounding;
    for (const [index, operator] of operators.entries()) {
      if (index % OPERATORS_PER_LOOK === 0 && pace.due()) await pace.rest();
      const made = [operator, ...operator.effects].flatMap(({ makes }) => makes);
      const tables = made.filter(isPositive).map((each) => atoms.tableOf(each >> 1));
      for (const table of new Set(tables)) {
        const known = this.#adders.get(table);
        if (known === undefined) this.#adders.set(table, [operator]);
        else known.push(operator);
      }
    }
  }

  async run(pace: Pace): Promise<readonly Guess[]> {
    await this.#findAdders(pace);
    for (const table of this.#wanted.keys()) {
      const places = Array.from({ length: table.arity }, (_, place) => place);
      this.#guess([{ table, order: places }]);
      for (const counted of places) {
        this.#guess([{ table, order: places.filter((place) => place !== counted) }]);
      }
    }
    const sound: Guess[] = [];
    // The walk includes what it appends.
    for (const guess of this.#guesses) {
      if (await this.#check(guess, pace)) sound.push(guess);
      if (this.#checks > CHECKS_MAX) break;
    }
    return sound;
  }

  #guess(guess: Guess): void {
    const parts = guess.map(({ table, order }) => {
      if (!this.#numbers.has(table)) this.#numbers.set(table, this.#numbers.size);
      return `${this.#numbers.get(table)}(${order.join()})`;
    });
    const key = parts.sort().join(" ");
    if (this.#known.has(key) || this.#guesses.length >= GUESSES_MAX) return;
    this.#known.add(key);
    if (this.#mayHelp(guess)) this.#guesses.push(guess);
  }

  /** True when two of the atoms are in one set, or when a repair could bring that about. */
  #mayHelp(guess: Guess): boolean {
    if ([...this.#wanted.keys()].some((table) => guess.every((part) => part.table !== table))) {
      return true;
    }
    const sets = guess.flatMap(({ table }) =>
      (this.#wanted.get(table) ?? []).map((atom) => this.#setOf(guess, atom)),
    );
    return new Set(sets).size < sets.length;
  }

  async #check(guess: Guess, pace: Pace): Promise<boolean> {
    for (const { table } of guess) {
      for (const operator of this.#adders.get(table) ?? []) {
        this.#checks += 1;
        if (this.#checks % 64 === 0 && pace.due()) await pace.rest();
        if (!this.#isBalanced(guess, operator)) return false;
      }
    }
    return true;
  }

  /** True when the operator adds no atom to a set without taking one out; else guesses what would. */
  #isBalanced(guess: Guess, operator: Operator): boolean {
    const added = new Map<string, number>();
    const rules = [operator, ...operator.effects];
    // What any of its effects may add is not surely lost: what is added wins.
    const isRegained = (atom: number) =>
      operator.effects.length > 0 && rules.some(({ makes }) => makes.includes(atom));
    for (const rule of rules) {
      const isNeeded = (wanted: number) =>
        operator.needs.includes(wanted) || rule.needs.includes(wanted);
      const lost = [...operator.makes, ...(rule === operator ? [] : rule.makes)].filter(
        (each) => !isPositive(each) && isNeeded(each ^ 1) && !isRegained(each ^ 1),
      );
      for (const made of rule.makes) {
        if (!isPositive(made) || isNeeded(made)) continue;
        const set = this.#setOf(guess, made >> 1);
        if (set === undefined) continue;
        if ((added.get(set) ?? made) !== made) return false; // two at once: nothing makes up for it
        added.set(set, made);
        if (lost.some((each) => this.#setOf(guess, each >> 1) === set)) continue;
        this.#repair(guess, made >> 1, lost);
        return false;
      }
    }
    return true;
  }

  #setOf(guess: Guess, atom: number): string | undefined {
    const { atoms } = this.#grounding;
    return setOf(guess, atoms.tableOf(atom), atoms.argsOf(atom));
  }

  /** Guesses again, with a fluent of which the operator takes an atom away. */
  #repair(guess: Guess, added: number, lost: readonly number[]): void {
    const { atoms } = this.#grounding;
    if (guess.length >= PARTS_MAX) return;
    const own = guess.find(({ table }) => table === atoms.tableOf(added)) as Part;
    const wanted = own.order.map((place) => atoms.argsOf(added)[place] as number);
    for (const each of lost) {
      const table = atoms.tableOf(each >> 1);
      if (guess.some((part) => part.table === table)) continue;
      for (const order of ordersOf(atoms.argsOf(each >> 1), wanted)) {
        this.#guess([...guess, { table, order }]);
      }
    }
  }
}

/** The set that an atom is in by the values that tell the sets apart. */
function setOf(guess: Guess, table: FluentTable, args: readonly number[]): string | undefined {
  for (const part of guess) {
    if (part.table === table) return part.order.map((place) => args[place]).join();
  }
  return undefined;
}

/** The choices of places that hold the wanted values, where at most one place is left over. */
function ordersOf(args: readonly number[], wanted: readonly number[]): number[][] {
  if (args.length < wanted.length || args.length > wanted.length + 1) return [];
  return wanted.reduce<number[][]>(
    (orders, value) =>
      orders.flatMap((order) =>
        args.flatMap((arg, place) =>
          arg === value && !order.includes(place) ? [[...order, place]] : [],
        ),
      ),
    [[]],
  );
}

function isPositive(literal: number): boolean {
  return (literal & 1) === 0;
}
