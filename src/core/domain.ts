/**
 * A vocabulary as plain data: object types, fluents, transitions, objects. `vocabulary.ts` writes it
 * in TypeScript, `wire/domain.ts` reads it from JSON. What data cannot say of a transition (a cost
 * that is a distance, the legs of a survey) is its `TransitionCode`.
 */
import type { Atom } from "./atom.ts";
import type { Condition } from "./condition.ts";
import { ServantError } from "./errors.ts";
import { canonicalJson, type Json } from "./json.ts";
import type { Pieces } from "./pieces.ts";

export type FieldKind = "number" | "string" | "boolean" | "json";

export interface ObjectTypeDef {
  readonly name: string;
  readonly fields: Readonly<Record<string, FieldKind>>;
}
export interface ObjectDef {
  readonly name: string;
  readonly type: string;
  readonly fields: Readonly<Record<string, Json>>;
  /** The object that it is a part of: it goes when that one is deleted with all its parts. */
  readonly parent?: string;
}
export interface ArgDef {
  readonly name: string;
  /** The name of an object type. */
  readonly type: string;
}
export interface ParamDef extends ArgDef {
  /** May be left out by whoever triggers it; a planner never uses it. */
  readonly optional?: true;
}
export interface FluentDef {
  readonly name: string;
  readonly args: readonly ArgDef[];
  /** What holds of every grounding that nothing has set. */
  readonly default: boolean;
  /** Only one grounding can hold: what is observed to be true makes the others false. */
  readonly exclusive?: true;
}
/** What a step also makes true and false where `when` holds in the state before it. */
export interface ConditionalEffect {
  readonly when: Condition;
  readonly adds: readonly Atom[];
  readonly removes: readonly Atom[];
}
/** In its atoms `?start` stands for the parameter `start`. What is added wins over what is removed. */
export interface TransitionDef {
  readonly name: string;
  readonly params: readonly ParamDef[];
  /** All of them are needed. */
  readonly preconditions: readonly Condition[];
  readonly adds: readonly Atom[];
  readonly removes: readonly Atom[];
  readonly effects?: readonly ConditionalEffect[];
  /** What one step costs, zero or more; 1 when absent. `TransitionCode.cost` goes before it. */
  readonly cost?: number;
  /** The steps that it is made of, with `?param` for its own parameters. `TransitionCode.script` goes before it. */
  readonly script?: readonly StepDef[];
}
/** A transition named with its parameters: object names, or `?param` of the one around it. */
export interface StepDef {
  readonly transition: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** What code may look at: the objects and the state of one moment. */
export interface Scene {
  object(name: string): ObjectDef | undefined;
  readonly objects: readonly ObjectDef[];
  readonly state: ReadonlySet<Atom>;
}
/** What a scripted step is made of. */
export interface Legs {
  /** Objects that the legs name and that are not there yet. */
  readonly objects: readonly ObjectDef[];
  /** In order. The step is done when the last one is. */
  readonly steps: readonly StepDef[];
}
/** Pure functions: the same scene gives the same answer. They throw a `ServantError` that says what is wrong. */
export interface TransitionCode {
  /** What the step costs, zero or more. */
  readonly cost?: (step: StepDef, scene: Scene) => number;
  /** What the step is made of; work of more than a few milliseconds comes in pieces. */
  readonly script?: (step: StepDef, scene: Scene) => Legs | Pieces<Legs>;
  /** True when the step would enter `place`, of which `no_entry` holds. */
  readonly enters?: (step: StepDef, place: ObjectDef, scene: Scene) => boolean;
  /** What it makes false beside what its definition says, judged in the state before it. */
  readonly alsoRemoves?: (step: StepDef, scene: Scene) => readonly Atom[];
  /** The step as it is to be taken now; asked when it is about to start. Not asked of a trigger. */
  readonly settle?: (step: StepDef, scene: Scene) => Settled;
}
export interface Settled extends StepDef {
  /** What the step may take for granted although nothing says so: its preconditions are judged with it. */
  readonly assumes: readonly Atom[];
}

/** What a planner is given to look at. */
export interface Outlook {
  readonly objects: readonly ObjectDef[];
  readonly state: ReadonlySet<Atom>;
  readonly transitions: readonly TransitionDef[];
}
export interface Wish {
  readonly goal: readonly Atom[];
  /** True when a servant does the transition, or the backend was told that one will. */
  readonly isProvided: (transition: string) => boolean;
}
/** An outlook made for one wish, and the way back from it. */
export interface View extends Outlook {
  /** False of steps that are none in it. */
  readonly allows: (step: StepDef) => boolean;
  /** A step that was found in it, as it reads in the world. */
  readonly restore: (step: StepDef) => StepDef;
}

export interface Domain {
  readonly name: string;
  /** The names under which a servant may ask for this vocabulary. */
  readonly modules: readonly string[];
  readonly types: readonly ObjectTypeDef[];
  readonly fluents: readonly FluentDef[];
  readonly transitions: readonly TransitionDef[];
  readonly objects: readonly ObjectDef[];
  /** By the name of the transition. Absent in what was read from JSON. */
  readonly code?: Readonly<Record<string, TransitionCode>>;
  /**
   * Where a planner needs more or less than the world holds: leaves out what cannot matter, puts in
   * what is not known. Pure; throws a `ServantError` when the wish names what cannot be planned for.
   */
  readonly view?: (outlook: Outlook, wish: Wish) => View;
  /** Objects of one type for which it says the same are one and the same; undefined: says nothing. */
  readonly identity?: (object: ObjectDef) => string | undefined;
  /**
   * Throws a `ServantError` with code `object.invalid` for what can be of no use, whatever else there
   * is: asked when an object is made or changed. What is not said yet, or said by name, may pass.
   */
  readonly checkObject?: (object: ObjectDef) => void;
}

/** What is wrong with a vocabulary, and where: `transitions[3].adds[0]`, empty for the whole. */
export interface Problem {
  readonly place: string;
  readonly reason: string;
}

/**
 * What tells one fluent from another: its name and the types of its arguments. A name may have
 * several definitions: `no_entry(room)` beside `no_entry(zone)`.
 */
export function fluentKey({ name, args }: FluentDef): string {
  return `${name}(${args.map(({ type }) => type).join(", ")})`;
}

/**
 * The definitions, each name (or other key) once.
 *
 * @throws {ServantError} `domain.conflict` when two differ under one name.
 */
export function unique<D extends { readonly name: string }>(
  what: string,
  defs: readonly D[],
  keyOf: (def: D) => string = ({ name }) => name,
): D[] {
  const byKey = new Map<string, D>();
  for (const def of defs) {
    const known = byKey.get(keyOf(def));
    if (known !== undefined && canonicalJson(known as Json) !== canonicalJson(def as Json)) {
      throw new ServantError(
        "domain.conflict",
        `Cannot define ${what} "${def.name}" twice with different content`,
      );
    }
    byKey.set(keyOf(def), def);
  }
  return [...byKey.values()];
}
