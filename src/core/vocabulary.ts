/**
 * The words a planner and a servant share: object types, fluents, transitions. Written in
 * TypeScript with `objectType`, `fluent` and `transition`; carried as the plain data of `Domain`.
 *
 * @example
 * const room = objectType("room", { capacity: "number" });
 * const robotAt = fluent("robot_at", { location: room });
 * const move = transition("move", {
 *   params: { start: room, end: room },
 *   preconditions: ({ start }) => [robotAt(start)],
 *   adds: ({ end }) => [robotAt(end)],
 *   removes: ({ start }) => [robotAt(start)],
 * });
 */
import { type Atom, atom } from "./atom.ts";
import { ServantError } from "./errors.ts";
import { canonicalJson, type Json } from "./json.ts";

export type FieldKind = "number" | "string" | "boolean" | "json";

export interface ObjectTypeDef {
  readonly name: string;
  readonly fields: Readonly<Record<string, FieldKind>>;
}
export interface ObjectDef {
  readonly name: string;
  readonly type: string;
  readonly fields: Readonly<Record<string, Json>>;
}
export interface ArgDef {
  readonly name: string;
  /** The name of an object type. */
  readonly type: string;
}
export interface FluentDef {
  readonly name: string;
  readonly args: readonly ArgDef[];
  /** What holds of every grounding that nothing has set. */
  readonly default: boolean;
}
/** An atom over parameters: `?start` stands for the parameter `start`. */
export interface Literal {
  readonly atom: Atom;
  readonly holds: boolean;
}
export interface TransitionDef {
  readonly name: string;
  readonly params: readonly ArgDef[];
  readonly preconditions: readonly Literal[];
  readonly adds: readonly Atom[];
  readonly removes: readonly Atom[];
}
export interface Domain {
  readonly name: string;
  /** The names under which a servant may ask for this vocabulary. */
  readonly modules: readonly string[];
  readonly types: readonly ObjectTypeDef[];
  readonly fluents: readonly FluentDef[];
  readonly transitions: readonly TransitionDef[];
  readonly objects: readonly ObjectDef[];
}

/** An object, by name; prints as its name. */
export interface ObjectRef<T extends string = string> {
  readonly name: string;
  readonly type: T;
  toString(): string;
  toJSON(): string;
}

export interface ObjectType<T extends string = string> {
  /** Declares an object of this type, known to every backend that knows the vocabulary. */
  (name: string, fields?: Readonly<Record<string, Json>>): ObjectRef<T>;
  /** Refers to an object that somebody else declared. */
  ref(name: string): ObjectRef<T>;
  readonly def: ObjectTypeDef;
  readonly objects: readonly ObjectDef[];
}
/** The reference type of an object type: `type Room = RefOf<typeof room>`. */
export type RefOf<O> = O extends ObjectType<infer T> ? ObjectRef<T> : never;

type ArgSpec = Readonly<Record<string, ObjectType>>;
type RefsOf<A extends readonly ArgSpec[]> = {
  [I in keyof A]: RefOf<A[I][keyof A[I]]>;
};

export interface Fluent<A extends readonly ArgSpec[] = readonly ArgSpec[]> {
  (...refs: RefsOf<A>): Atom;
  readonly def: FluentDef;
  readonly types: readonly ObjectType[];
  /** The same fluent, true of whatever nothing has set. */
  defaultTrue(): Fluent<A>;
}
/** Any fluent, where only its definition matters. */
export type AnyFluent = { readonly def: FluentDef; readonly types: readonly ObjectType[] };

export type ParamSpec = Readonly<Record<string, ObjectType>>;
export type ParamsOf<P extends ParamSpec> = { [K in keyof P]: RefOf<P[K]> };

export interface Transition<P extends ParamSpec = ParamSpec> {
  readonly def: TransitionDef;
  readonly params: P;
  readonly fluents: readonly AnyFluent[];
}
export interface TransitionSpec<P extends ParamSpec> {
  readonly params?: P;
  readonly preconditions?: (params: ParamsOf<P>) => readonly (Atom | Literal)[];
  readonly adds?: (params: ParamsOf<P>) => readonly Atom[];
  readonly removes?: (params: ParamsOf<P>) => readonly Atom[];
}

/** Names a kind of object and the value fields each of them carries. */
export function objectType<const T extends string>(
  name: T,
  fields: Readonly<Record<string, FieldKind>> = {},
): ObjectType<T> {
  const objects: ObjectDef[] = [];
  const declare = (objectName: string, values: Readonly<Record<string, Json>> = {}) => {
    objects.push({ name: checkedName(objectName), type: name, fields: values });
    return objectRef(objectName, name);
  };
  const def = { name: checkedName(name), fields };
  const members = { ref: (of: string) => objectRef(of, name), def, objects };
  return Object.assign(declare, members);
}

/** A reference to an object by its name. */
export function objectRef<T extends string>(name: string, type: T): ObjectRef<T> {
  return { name, type, toString: () => name, toJSON: () => name };
}

/** Names a predicate; each argument is a record of its name and type, in order. */
export function fluent<const A extends readonly ArgSpec[]>(name: string, ...args: A): Fluent<A> {
  return makeFluent(name, args, false);
}

/** The condition that an atom does not hold. */
export function not(condition: Atom): Literal {
  return { atom: condition, holds: false };
}

/** Names a change of the world: what it needs and what it makes true and false. */
export function transition<const P extends ParamSpec = Record<never, never>>(
  name: string,
  spec: TransitionSpec<P>,
): Transition<P> {
  const params = spec.params ?? ({} as P);
  const variables = Object.fromEntries(
    Object.entries(params).map(([param, type]) => [param, objectRef(`?${param}`, type.def.name)]),
  ) as ParamsOf<P>;
  const used = new Map<string, AnyFluent>();
  const def = collecting(used, () => ({
    name: checkedName(name),
    params: Object.entries(params).map(([param, type]) => ({ name: param, type: type.def.name })),
    preconditions: (spec.preconditions?.(variables) ?? []).map((condition) =>
      typeof condition === "string" ? { atom: condition, holds: true } : condition,
    ),
    adds: spec.adds?.(variables) ?? [],
    removes: spec.removes?.(variables) ?? [],
  }));
  return { def, params, fluents: [...used.values()] };
}

/** A vocabulary from its transitions and fluents, with every type and object they reach. */
export function domain(
  name: string,
  parts: {
    readonly transitions?: readonly Transition[];
    readonly fluents?: readonly AnyFluent[];
    readonly types?: readonly ObjectType[];
    readonly modules?: readonly string[];
  },
): Domain {
  const transitions = parts.transitions ?? [];
  const fluents = [...(parts.fluents ?? []), ...transitions.flatMap((each) => each.fluents)];
  const types = [
    ...(parts.types ?? []),
    ...transitions.flatMap((each) => Object.values(each.params)),
    ...fluents.flatMap((each) => each.types),
  ];
  return {
    name,
    modules: parts.modules ?? [],
    types: unique(
      "type",
      types.map((type) => type.def),
    ),
    fluents: unique(
      "fluent",
      fluents.map((each) => each.def),
    ),
    transitions: unique(
      "transition",
      transitions.map((each) => each.def),
    ),
    objects: unique(
      "object",
      [...new Set(types)].flatMap((type) => type.objects),
    ),
  };
}

/**
 * The definitions, each name once.
 *
 * @throws {ServantError} `domain.conflict` when two differ under one name.
 */
export function unique<D extends { readonly name: string }>(what: string, defs: readonly D[]): D[] {
  const byName = new Map<string, D>();
  for (const def of defs) {
    const known = byName.get(def.name);
    if (known !== undefined && canonicalJson(known as Json) !== canonicalJson(def as Json)) {
      throw new ServantError(
        "domain.conflict",
        `Cannot define ${what} "${def.name}" twice with different content`,
      );
    }
    byName.set(def.name, def);
  }
  return [...byName.values()];
}

function makeFluent<const A extends readonly ArgSpec[]>(
  name: string,
  args: A,
  defaultsTo: boolean,
): Fluent<A> {
  const pairs = args.flatMap((record) => Object.entries(record));
  const def: FluentDef = {
    name: checkedName(name),
    args: pairs.map(([arg, type]) => ({ name: arg, type: type.def.name })),
    default: defaultsTo,
  };
  const made: Fluent<A> = Object.assign(
    (...refs: RefsOf<A>) => {
      collector?.set(name, made);
      return atom(
        name,
        (refs as readonly ObjectRef[]).map((ref) => ref.name),
      );
    },
    { def, types: pairs.map(([, type]) => type), defaultTrue: () => makeFluent(name, args, true) },
  );
  return made;
}

// While a transition is being defined, the fluents it applies are noted here: an atom is plain
// text and could not lead back to them.
let collector: Map<string, AnyFluent> | undefined;

function collecting<T>(into: Map<string, AnyFluent>, define: () => T): T {
  const outer = collector;
  collector = into;
  try {
    return define();
  } finally {
    collector = outer;
  }
}

function checkedName<N extends string>(name: N): N {
  if (!/^[A-Za-z_][\w.:-]*$/.test(name)) {
    throw new ServantError(
      "atom.malformed",
      `Cannot name a thing "${name}": use letters, digits, _`,
    );
  }
  return name;
}
