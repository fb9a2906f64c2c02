/**
 * What a backend believes: objects, the state, the goal. The world is closed: an atom that
 * nothing has set is what its fluent's default says. Every name that comes from outside is
 * checked here, and a refusal names the bad part and the nearest known name.
 */
import { type Atom, atom, atomParts } from "../core/atom.ts";
import type { Domain, FluentDef, ObjectDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { suggestion } from "./nearest.ts";
import { checkObject } from "./objects.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Objects that clients may create between two resets. */
export const CLIENT_OBJECTS_MAX = 100_000;
/** Groundings that the fluents which default to true may have together. */
export const DEFAULT_TRUE_MAX = 1_000_000;

/** What a restart needs to know of a world. */
export interface WorldSnapshot {
  readonly objects: readonly ObjectDef[];
  /** Every atom that something has set, and to what. */
  readonly set: readonly (readonly [Atom, boolean])[];
  readonly goal: readonly Atom[];
}

export class World {
  readonly vocabulary: Vocabulary;
  /** Rises with every change of objects or state: what was planned before may not hold now. */
  revision = 0;
  #created = new Map<string, ObjectDef>();
  #set = new Map<Atom, boolean>();
  #goal: readonly Atom[] = [];
  #state: { readonly revision: number; readonly atoms: ReadonlySet<Atom> } | undefined;

  constructor(domains: readonly Domain[]) {
    this.vocabulary = new Vocabulary(domains);
  }

  /** @throws {ServantError} `domain.conflict`, `domain.invalid` */
  addDomain(domain: Domain): void {
    const clash = domain.objects.find(({ name }) => this.#created.has(name));
    if (clash !== undefined) {
      throw new ServantError(
        "domain.conflict",
        `Cannot add domain "${domain.name}": a client made an object "${clash.name}" already`,
      );
    }
    this.vocabulary.add(domain);
    this.revision += 1;
  }

  objects(): ObjectDef[] {
    return [...this.vocabulary.objects.values(), ...this.#created.values()];
  }

  object(name: string): ObjectDef | undefined {
    return this.vocabulary.objects.get(name) ?? this.#created.get(name);
  }

  /**
   * Makes an object known. One that is there already with the same content is left alone.
   *
   * @throws {ServantError} `object.invalid`, `object.conflict`
   */
  createObject(wanted: ObjectDef): { readonly object: ObjectDef; readonly created: boolean } {
    const object = checkObject(wanted, this.vocabulary, this.object(wanted.name));
    if (this.object(object.name) !== undefined) return { object, created: false };
    if (this.#created.size >= CLIENT_OBJECTS_MAX) {
      throw new ServantError(
        "object.invalid",
        `Cannot create "${object.name}": there are ${CLIENT_OBJECTS_MAX} objects already`,
      );
    }
    this.#created.set(object.name, object);
    this.revision += 1;
    return { object, created: true };
  }

  /**
   * An atom of this world from its text.
   *
   * @throws {ServantError} `atom.malformed`, or `atom.unknown` for a fluent or an object that is
   *   not known, a wrong number of arguments, an object of the wrong type.
   */
  atom(text: string): Atom {
    const { fluent, args } = atomParts(text);
    const def = this.#fluent(fluent, text);
    if (def.args.length !== args.length) {
      throw unknown(
        text,
        `"${fluent}" has ${def.args.length} arguments (${describe(def)}), not ${args.length}`,
      );
    }
    for (const [place, { name, type }] of def.args.entries()) {
      const arg = args[place] ?? "";
      const object = this.object(arg);
      if (object === undefined) {
        const peers = this.objects().filter((each) => each.type === type);
        const names = peers.map((each) => each.name);
        throw unknown(text, `there is no object "${arg}"${suggestion(arg, names)}`);
      }
      if (object.type !== type) {
        throw unknown(text, `"${arg}" is a ${object.type}, and "${name}" is a ${type}`);
      }
    }
    return atom(fluent, args);
  }

  /** Every true atom, defaults included. The set is a snapshot: it does not change. */
  state(): ReadonlySet<Atom> {
    if (this.#state?.revision === this.revision) return this.#state.atoms;
    const atoms = new Set<Atom>(this.#defaults());
    for (const [text, holds] of this.#set) {
      if (holds) atoms.add(text);
      else atoms.delete(text);
    }
    this.#state = { revision: this.revision, atoms };
    return atoms;
  }

  holds(text: Atom): boolean {
    return this.#set.get(text) ?? this.#default(text);
  }

  /** Begins anew from these true atoms; all others are at their default. */
  setStart(atoms: readonly Atom[]): void {
    this.#set = new Map(atoms.map((text) => [text, true]));
    this.revision += 1;
  }

  get goal(): readonly Atom[] {
    return this.#goal;
  }

  setGoal(atoms: readonly Atom[]): void {
    this.#goal = [...new Set(atoms)];
  }

  /** Makes atoms false and then atoms true. */
  apply(adds: Iterable<Atom>, removes: Iterable<Atom>): void {
    for (const text of removes) this.#set.set(text, false);
    for (const text of adds) this.#set.set(text, true);
    this.revision += 1;
  }

  /** Makes every grounding of a fluent false. */
  retract(fluent: string): void {
    const groundings = [...this.state()].filter((text) => atomParts(text).fluent === fluent);
    this.apply([], groundings);
  }

  /** Forgets what clients made: objects, state, goal. */
  reset(): void {
    this.#created.clear();
    this.#set.clear();
    this.#goal = [];
    this.revision += 1;
  }

  snapshot(): WorldSnapshot {
    return { objects: [...this.#created.values()], set: [...this.#set], goal: this.#goal };
  }

  /** Takes a snapshot back; returns what no longer makes sense in this vocabulary. */
  restore({ objects, set, goal }: WorldSnapshot): string[] {
    const dropped: string[] = [];
    const kept = <T>(items: readonly T[], take: (item: T) => void) => {
      for (const item of items) {
        try {
          take(item);
        } catch (cause) {
          if (!(cause instanceof ServantError)) throw cause;
          dropped.push(cause.message);
        }
      }
    };
    kept(objects, (object) => this.createObject(object));
    kept(set, ([text, holds]) => this.#set.set(this.atom(text), holds));
    const wanted: Atom[] = [];
    kept(goal, (text) => wanted.push(this.atom(text)));
    this.#goal = wanted;
    this.revision += 1;
    return dropped;
  }

  #fluent(name: string, text: string): FluentDef {
    const def = this.vocabulary.fluents.get(name);
    if (def !== undefined) return def;
    const known = this.vocabulary.fluents.keys();
    throw unknown(text, `there is no fluent "${name}"${suggestion(name, known)}`);
  }

  #default(text: Atom): boolean {
    return this.vocabulary.fluents.get(atomParts(text).fluent)?.default === true;
  }

  *#defaults(): Generator<Atom> {
    const byType = Map.groupBy(this.objects(), ({ type }) => type);
    let count = 0;
    for (const { name, args, default: holds } of this.vocabulary.fluents.values()) {
      if (!holds) continue;
      for (const names of groundings(args.map(({ type }) => byType.get(type) ?? []))) {
        count += 1;
        if (count > DEFAULT_TRUE_MAX) {
          throw new ServantError(
            "object.invalid",
            `Cannot list the state: "${name}" defaults to true for too many objects`,
          );
        }
        yield atom(name, names);
      }
    }
  }
}

/** Every choice of one object from each list. */
function* groundings(lists: readonly (readonly ObjectDef[])[]): Generator<string[]> {
  const [first, ...rest] = lists;
  if (first === undefined) return yield [];
  for (const { name } of first) for (const names of groundings(rest)) yield [name, ...names];
}

function describe({ args }: FluentDef): string {
  return args.map(({ name, type }) => `${name}: ${type}`).join(", ");
}

function unknown(text: string, reason: string): ServantError {
  return new ServantError("atom.unknown", `Cannot use atom "${text.slice(0, 200)}": ${reason}`);
}
