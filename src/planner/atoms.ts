/**
 * Atoms and objects as small integers. Besides numbering atoms it indexes those that were
 * reached by fluent, argument place and object, so that a join looks at few candidates.
 */
import { type Atom, atom, atomParts } from "../core/atom.ts";
import type { ObjectDef } from "../core/domain.ts";

/** An atom whose arguments are objects (0 and up) or parameters (parameter i is -1 - i). */
export interface Pattern {
  readonly table: FluentTable;
  readonly args: readonly number[];
}

/** The reached atoms of one fluent, in the order they were reached. */
export class FluentTable {
  readonly reached: number[] = [];
  readonly #numbers = new Map<number | string, number>();
  readonly #buckets: Map<number, number[]>[];

  constructor(
    readonly fluent: string,
    readonly arity: number,
  ) {
    this.#buckets = Array.from({ length: arity }, () => new Map());
  }

  numberOf(args: readonly number[], otherwise: () => number): number {
    const key = args.length > 2 ? args.join() : pairKey(args[0] ?? 0, args[1] ?? 0);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = otherwise();
      this.#numbers.set(key, number);
    }
    return number;
  }

  reach(number: number, args: readonly number[]): void {
    this.reached.push(number);
    for (const [place, object] of args.entries()) {
      const buckets = this.#buckets[place];
      const bucket = buckets?.get(object);
      if (bucket === undefined) buckets?.set(object, [number]);
      else bucket.push(number);
    }
  }

  /** The reached atoms with this object in this place. */
  with(place: number, object: number): readonly number[] {
    return this.#buckets[place]?.get(object) ?? NONE;
  }
}

const NONE: readonly number[] = [];
/** More objects than fit into a world; two of their numbers fit into one. */
const OBJECTS_MAX = 2 ** 26;

function pairKey(first: number, second: number): number {
  return first * OBJECTS_MAX + second;
}

export class Atoms {
  /** The objects of each type, as numbers. */
  readonly byType = new Map<string, number[]>();
  readonly #objects = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #types: (string | undefined)[] = [];
  readonly #tables = new Map<string, FluentTable>();
  readonly #tableOf: FluentTable[] = [];
  readonly #argsOf: (readonly number[])[] = [];
  readonly #texts: Atom[] = [];

  constructor(objects: readonly ObjectDef[]) {
    for (const { name, type } of objects) {
      if (this.#objects.has(name)) continue;
      const object = this.#object(name, type);
      const peers = this.byType.get(type);
      if (peers === undefined) this.byType.set(type, [object]);
      else peers.push(object);
    }
  }

  get count(): number {
    return this.#argsOf.length;
  }

  /** Reads an atom of a definition; `params` are the names that `?name` may stand for. */
  pattern(text: Atom, params: readonly string[] = []): Pattern {
    const { fluent, args } = atomParts(text);
    return {
      table: this.#table(fluent, args.length),
      args: args.map((arg) => {
        const param = arg.startsWith("?") ? params.indexOf(arg.slice(1)) : -1;
        return param >= 0 ? -1 - param : (this.#objects.get(arg) ?? this.#object(arg, undefined));
      }),
    };
  }

  /** The number of the atom that a pattern makes with its parameters bound. */
  number(pattern: Pattern, binding: readonly number[] = NONE): number {
    const { table } = pattern;
    const args = pattern.args.map((arg) => (arg >= 0 ? arg : (binding[-1 - arg] as number)));
    return table.numberOf(args, () => {
      this.#tableOf.push(table);
      return this.#argsOf.push(args) - 1;
    });
  }

  /** Lets joins see the atom from now on. */
  reach(number: number): void {
    this.tableOf(number).reach(number, this.argsOf(number));
  }

  tableOf(number: number): FluentTable {
    return this.#tableOf[number] as FluentTable;
  }

  argsOf(number: number): readonly number[] {
    return this.#argsOf[number] as readonly number[];
  }

  typeOf(object: number): string | undefined {
    return this.#types[object];
  }

  nameOf(object: number): string {
    return this.#names[object] as string;
  }

  text(number: number): Atom {
    let text = this.#texts[number];
    if (text === undefined) {
      const names = this.argsOf(number).map((object) => this.nameOf(object));
      text = atom(this.tableOf(number).fluent, names);
      this.#texts[number] = text;
    }
    return text;
  }

  #object(name: string, type: string | undefined): number {
    const object = this.#names.push(name) - 1;
    this.#types.push(type);
    this.#objects.set(name, object);
    return object;
  }

  #table(fluent: string, arity: number): FluentTable {
    // The same name with another number of arguments never matches, so it is another fluent.
    const key = `${fluent}/${arity}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      table = new FluentTable(fluent, arity);
      this.#tables.set(key, table);
    }
    return table;
  }
}
