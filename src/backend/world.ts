/**
 * What a backend believes: objects, the state, the goal. The world is closed: an atom that
 * nothing has set is what its fluent's default says. Every name that comes from outside is
 * checked here, and a refusal names the bad part and the nearest known name. Every change is kept.
 */
import { type Atom, atomParts } from "../core/atom.ts";
import type { Domain, FluentDef, ObjectDef, Scene } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { firstOf } from "./brief.ts";
import { defaultAtoms } from "./default-atoms.ts";
import { type Created, Objects } from "./objects.ts";
import { definitionOf, isReadable, readAtom } from "./read-atom.ts";
import { type Keep, keepNothing } from "./store.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Atoms that a goal may have: more than a planner could take on. */
export const GOAL_ATOMS_MAX = 5_000;

/** Under this name it is kept when an object last changed. */
export const OBJECTS_CHANGED = "objects_changed_at_ms";

/** What an earlier life kept, as text. */
export interface KeptWorld {
  readonly objects: readonly ObjectDef[];
  /** Every atom that something has set, and to what. */
  readonly atoms: readonly (readonly [string, boolean])[];
  readonly goal: readonly string[];
}
/** What became true and false. */
export interface StateChange {
  readonly added: readonly Atom[];
  readonly removed: readonly Atom[];
}
export interface WorldParts {
  readonly clock: Clock;
  readonly keep?: Keep;
  /** Told of every change of the state that changes an atom. */
  readonly onStateChange?: (change: StateChange) => void;
  /** Told of what somebody says holds or does not, changed or not; without atoms: of all. */
  readonly onSaid?: (atoms?: ReadonlySet<Atom>) => void;
}

export class World {
  readonly vocabulary: Vocabulary;
  /** Rises with every change of objects or state: what was planned before may not hold now. */
  revision = 0;
  readonly #parts: WorldParts;
  readonly #keep: Keep;
  readonly #objects: Objects;
  #objectsChangedAtMs: number;
  /** What steps that are under way name, and which step it is. */
  readonly #held = new Set<{ readonly names: readonly string[]; readonly step: string }>();
  /** Of an earlier life, and not understood yet. */
  #waiting: KeptWorld = { objects: [], atoms: [], goal: [] };
  #set = new Map<Atom, boolean>();
  #goal: readonly Atom[] = [];
  #state: { readonly revision: number; readonly atoms: ReadonlySet<Atom> } | undefined;
  #scene: { readonly revision: number; readonly scene: Scene } | undefined;

  constructor(domains: readonly Domain[], parts: WorldParts) {
    this.#parts = parts;
    this.#objectsChangedAtMs = parts.clock.now();
    this.#keep = parts.keep ?? keepNothing;
    this.vocabulary = new Vocabulary(domains);
    this.#objects = new Objects(this.vocabulary, this.#keep);
  }

  /** @throws {ServantError} `domain.conflict`, `domain.invalid` */
  addDomain(domain: Domain): void {
    const names = [...domain.objects, ...domain.types].map(({ name }) => name);
    const clash = names.find((name) => this.#objects.isMade(name));
    if (clash !== undefined) {
      throw new ServantError(
        "domain.conflict",
        `Cannot add domain "${domain.name}": a client made an object "${clash}" already`,
      );
    }
    this.vocabulary.add(domain);
    this.#place(this.#waiting);
  }

  objects(): ObjectDef[] {
    return this.#objects.all();
  }

  object(name: string): ObjectDef | undefined {
    return this.#objects.get(name);
  }

  /** @throws {ServantError} `object.unknown`, with the nearest known name. */
  requireObject(name: string): ObjectDef {
    return this.#objects.require(name);
  }

  /** When an object last came, went or changed, in epoch milliseconds; it rises with each. */
  get objectsChangedAtMs(): number {
    return this.#objectsChangedAtMs;
  }

  /** What a transition's code may look at. It is a snapshot: it does not change. */
  scene(): Scene {
    if (this.#scene?.revision === this.revision) return this.#scene.scene;
    const objects = this.objects();
    const byName = new Map(objects.map((each) => [each.name, each]));
    const scene = { object: (name: string) => byName.get(name), objects, state: this.state() };
    this.#scene = { revision: this.revision, scene };
    return scene;
  }

  /**
   * Makes an object known. One that is there already with the same content, or at the same place,
   * is left alone.
   *
   * @throws {ServantError} `object.invalid`, `object.conflict`, `object.unknown` for its parent
   */
  createObject(wanted: ObjectDef): Created {
    const made = this.#objects.create(wanted);
    if (made.created) this.#objectsChanged();
    return made;
  }

  /**
   * Gives fields of an object new values; null takes one away.
   *
   * @throws {ServantError} `object.unknown`, `object.invalid`, `object.conflict`
   */
  updateObject(name: string, fields: Readonly<Record<string, Json>>): ObjectDef {
    const object = this.#objects.update(name, fields);
    this.#objectsChanged();
    return object;
  }

  /** Lets no object go that a step names, until what is returned is called. */
  hold(step: string, names: readonly string[]): () => void {
    const held = { step, names };
    this.#held.add(held);
    return () => void this.#held.delete(held);
  }

  /**
   * Forgets an object; with `withParts` its parts too, and what the state says of them. Returns the
   * names of those that are gone.
   *
   * @throws {ServantError} `object.unknown`, or `object.in-use` when a domain declares it, or when
   *   atoms of the state (unless `withParts`), the goal, a step that is under way or other objects
   *   name it
   */
  deleteObject(name: string, { withParts }: { readonly withParts: boolean }): string[] {
    this.#objects.require(name);
    const whole = this.#objects.withParts(name);
    const gone = withParts ? whole : new Set([name]);
    const declared = [...gone].find((each) => !this.#objects.isMade(each));
    if (declared !== undefined) throw inUse(name, [`"${declared}" belongs to a domain`]);
    const names = (text: Atom) => atomParts(text).args.some((arg) => gone.has(arg));
    const atoms = [...this.#set].filter(([text]) => names(text));
    const holding = withParts ? [] : atoms.filter(([, holds]) => holds);
    const held = [...this.#held].filter((each) => each.names.some((one) => gone.has(one)));
    const uses = [
      ...held.map(({ step }) => `${step} is under way`),
      ...this.#goal.filter(names).map((text) => `the goal has ${text}`),
      ...holding.map(([text]) => `${text} holds`),
      ...this.#objects.referrersOf(gone).map((each) => `"${each.name}" names it`),
      ...[...whole.difference(gone)].map((part) => `"${part}" is a part of it`),
    ];
    if (uses.length > 0) throw inUse(name, uses);
    this.apply(
      [],
      atoms.map(([text]) => text),
    );
    for (const [text] of atoms) {
      this.#set.delete(text);
      this.#keep.remove("atom", text);
    }
    for (const each of gone) this.#objects.remove(each);
    this.#objectsChanged();
    return [...gone];
  }

  /** An atom of this world from its text. @throws {ServantError} as `readAtom` */
  atom(text: string): Atom {
    return readAtom(text, this.vocabulary, this.#objects);
  }

  /** Whether `atom` would take it. */
  isAtom(text: Atom): boolean {
    return isReadable(text, this.vocabulary, this.#objects);
  }

  /** The definition that an atom of this world is of: a fluent's name may have several. */
  definitionOf(text: Atom): FluentDef | undefined {
    return definitionOf(text, this.vocabulary, (name) => this.object(name)?.type);
  }

  /** Every true atom, defaults included. The set is a snapshot: it does not change. */
  state(): ReadonlySet<Atom> {
    if (this.#state?.revision === this.revision) return this.#state.atoms;
    const atoms = new Set<Atom>(defaultAtoms(this.vocabulary, this.objects()));
    for (const [text, holds] of this.#set) {
      if (holds) atoms.add(text);
      else atoms.delete(text);
    }
    this.#state = { revision: this.revision, atoms };
    return atoms;
  }

  holds(text: Atom): boolean {
    return this.#set.get(text) ?? this.definitionOf(text)?.default === true;
  }

  /** Begins anew from these true atoms; all others are at their default. */
  setStart(atoms: readonly Atom[]): void {
    this.#parts.onSaid?.();
    const before = this.state();
    this.#set = new Map(atoms.map((text) => [text, true]));
    this.#waiting = { ...this.#waiting, atoms: [] };
    this.#keep.clear("atom");
    for (const text of this.#set.keys()) this.#keep.put("atom", text, true);
    this.revision += 1;
    const after = this.state();
    this.#told({ added: [...after.difference(before)], removed: [...before.difference(after)] });
  }

  get goal(): readonly Atom[] {
    return this.#goal;
  }

  setGoal(atoms: readonly Atom[]): void {
    const goal = [...new Set(atoms)];
    this.#goal = goal;
    this.#waiting = { ...this.#waiting, goal: [] };
    this.#keep.put("goal", "atoms", goal);
  }

  /** Makes atoms false and then atoms true. */
  apply(adds: Iterable<Atom>, removes: Iterable<Atom>): void {
    const wanted = new Map<Atom, boolean>();
    for (const text of removes) wanted.set(text, false);
    for (const text of adds) wanted.set(text, true);
    this.#parts.onSaid?.(new Set(wanted.keys()));
    const changed = [...wanted].filter(([text, holds]) => this.holds(text) !== holds);
    for (const [text, holds] of wanted) {
      if (this.#set.get(text) !== holds) this.#keep.put("atom", text, holds);
      this.#set.set(text, holds);
    }
    this.revision += 1;
    const of = (truth: boolean) =>
      changed.filter(([, holds]) => holds === truth).map(([text]) => text);
    this.#told({ added: of(true), removed: of(false) });
  }

  /** Forgets what clients made: objects, state, goal. */
  reset(): void {
    this.setStart([]);
    this.#objects.clear();
    this.#waiting = { ...this.#waiting, objects: [] };
    this.setGoal([]);
    this.#objectsChanged();
  }

  /**
   * Takes back what was kept; returns why some of it makes no sense in this vocabulary. That waits
   * for a domain that knows it. Half a goal would be another one: it waits as a whole.
   */
  restore(kept: KeptWorld & { readonly objectsChangedAtMs: number | undefined }): string[] {
    this.#objectsChangedAtMs = kept.objectsChangedAtMs ?? this.#objectsChangedAtMs;
    return this.#place(kept);
  }

  #place({ objects, atoms, goal }: KeptWorld): string[] {
    const faults: string[] = [];
    const left = <T>(items: readonly T[], take: (item: T) => void) =>
      items.filter((item) => {
        try {
          take(item);
          return false;
        } catch (cause) {
          if (!(cause instanceof ServantError)) throw cause;
          return faults.push(cause.message) > 0;
        }
      });
    const unknown = left(objects, (object) => {
      if (!this.#objects.isMade(object.name)) this.#objects.restore(object); // else: a later one
    });
    const unread = left(atoms, ([text, holds]) => this.#set.set(this.atom(text), holds));
    const wanted: Atom[] = [];
    const isGoalRead = left(goal, (text) => wanted.push(this.atom(text))).length === 0;
    if (isGoalRead && goal.length > 0) this.#goal = wanted;
    this.#waiting = { objects: unknown, atoms: unread, goal: isGoalRead ? [] : goal };
    this.revision += 1;
    return faults;
  }

  #objectsChanged(): void {
    this.revision += 1;
    // A microsecond later at least: two changes within one tick of the clock are two.
    const nowMs = Math.max(this.#parts.clock.now(), this.#objectsChangedAtMs + 0.001);
    this.#objectsChangedAtMs = nowMs;
    this.#keep.put("meta", OBJECTS_CHANGED, nowMs);
  }

  #told(change: StateChange): void {
    if (change.added.length + change.removed.length > 0) this.#parts.onStateChange?.(change);
  }
}

function inUse(name: string, uses: readonly string[]): ServantError {
  return new ServantError("object.in-use", `Cannot delete "${name}": ${firstOf(uses)}`);
}
