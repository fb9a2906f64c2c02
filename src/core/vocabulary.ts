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
import { toCondition, type Wanted } from "./condition.ts";
import {
  type ConditionalEffect,
  type Domain,
  type FluentDef,
  fluentKey,
  type StepDef,
  type TransitionCode,
  type TransitionDef,
  unique,
} from "./domain.ts";
import { ServantError } from "./errors.ts";
import {
  type AnyObjectType,
  checkedName,
  type ObjectRef,
  objectRef,
  type RefOf,
} from "./object-type.ts";

export {
  type AnyObjectType,
  type FieldValues,
  type ObjectRef,
  type ObjectType,
  objectRef,
  objectType,
  type RefOf,
} from "./object-type.ts";

type ArgSpec = Readonly<Record<string, AnyObjectType>>;
type RefsOf<A extends readonly ArgSpec[]> = {
  [I in keyof A]: RefOf<A[I][keyof A[I]]>;
};
type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never;
/** A record of two names has no order to go by. */
type OneNameEach<A extends readonly ArgSpec[]> = {
  [I in keyof A]: IsUnion<keyof A[I]> extends false ? A[I] : never;
};

export interface Fluent<A extends readonly ArgSpec[] = readonly ArgSpec[]> {
  (...refs: RefsOf<A>): Atom;
  readonly def: FluentDef;
  readonly types: readonly AnyObjectType[];
  /** The same fluent, true of whatever nothing has set. */
  defaultTrue(): Fluent<A>;
  /** The same fluent, of which one grounding can hold: observing one denies the others. */
  exclusive(): Fluent<A>;
}
/** Any fluent, where only its definition matters. */
export type AnyFluent = { readonly def: FluentDef; readonly types: readonly AnyObjectType[] };

/** A parameter that may be left out: see `optional`. */
export interface Optional<O extends AnyObjectType = AnyObjectType> {
  readonly optional: O;
}
export type ParamSpec = Readonly<Record<string, AnyObjectType | Optional>>;
/** What stands for the parameters that are always given. */
export type GivenOf<P extends ParamSpec> = {
  readonly [K in keyof P as P[K] extends Optional ? never : K]: RefOf<P[K]>;
};
/** The parameters of a step: what may be left out may be undefined. */
export type ParamsOf<P extends ParamSpec> = GivenOf<P> & {
  readonly [K in keyof P as P[K] extends Optional ? K : never]?:
    | (P[K] extends Optional<infer O> ? RefOf<O> : never)
    | undefined;
};

export interface Transition<P extends ParamSpec = ParamSpec> {
  readonly def: TransitionDef;
  readonly params: P;
  readonly fluents: readonly AnyFluent[];
  readonly code?: TransitionCode;
}
/** Conditions and effects rest on what is always given; only a script may pass on what is not. */
export interface TransitionSpec<P extends ParamSpec> {
  readonly params?: P;
  readonly preconditions?: (params: GivenOf<P>) => readonly Wanted[];
  readonly adds?: (params: GivenOf<P>) => readonly Atom[];
  readonly removes?: (params: GivenOf<P>) => readonly Atom[];
  /** What happens only where a condition holds before the step: `when(condition, {...})`. */
  readonly effects?: (params: GivenOf<P>) => readonly ConditionalEffect[];
  /** What a step costs, zero or more; a function is asked for each. 1 when absent. */
  readonly cost?: number | NonNullable<TransitionCode["cost"]>;
  /** What a step is made of; a function is asked for each. */
  readonly script?:
    | ((params: ParamsOf<P>) => readonly StepDef[])
    | { readonly legs: NonNullable<TransitionCode["script"]> };
  /** True when a step would enter a place that is kept out of. */
  readonly enters?: NonNullable<TransitionCode["enters"]>;
  /** What a step makes false beside `removes`, when only the state can tell. */
  readonly alsoRemoves?: NonNullable<TransitionCode["alsoRemoves"]>;
  /** The step as it is to be taken when it starts. */
  readonly settle?: NonNullable<TransitionCode["settle"]>;
}

/** Names a predicate; each argument is a record of its name and type, in order. */
export function fluent<const A extends readonly ArgSpec[]>(
  name: string,
  ...args: A & OneNameEach<A>
): Fluent<A> {
  const stray = args.find((record) => Object.keys(record).length !== 1);
  if (stray === undefined) return makeFluent<A>(name, args, { default: false });
  const given = Object.keys(stray).join(", ");
  throw new ServantError(
    "domain.invalid",
    `Cannot use fluent "${name}": each argument is a record of one name, not of {${given}}`,
  );
}

/** A parameter that may be left out by whoever triggers a transition; a planner never gives it. */
export function optional<O extends AnyObjectType>(type: O): Optional<O> {
  return { optional: type };
}

/** Names a change of the world: what it needs and what it makes true and false. */
export function transition<const P extends ParamSpec = Record<never, never>>(
  name: string,
  spec: TransitionSpec<P>,
): Transition<P> {
  const params = spec.params ?? ({} as P);
  const variables = Object.fromEntries(
    Object.entries(params).map(([param, type]) => [
      param,
      objectRef(`?${param}`, typeOf(type).def.name),
    ]),
  ) as ParamsOf<P>;
  const used = new Set<AnyFluent>();
  const def = collecting(used, () => definition(name, params, variables, spec));
  const fluents = [...used];
  const code = codeOf(spec);
  return { def, params, fluents, ...(code === undefined ? {} : { code }) };
}

/** An effect of a transition that only happens where `condition` holds before the step. */
export function when(
  condition: Wanted,
  effect: { readonly adds?: readonly Atom[]; readonly removes?: readonly Atom[] },
): ConditionalEffect {
  return { when: toCondition(condition), adds: effect.adds ?? [], removes: effect.removes ?? [] };
}

/** A step of a script: a transition with its parameters. */
export function step<P extends ParamSpec>(transition: Transition<P>, params: ParamsOf<P>): StepDef {
  const given = Object.entries(params as Readonly<Record<string, ObjectRef | undefined>>);
  const named = given.flatMap(([param, object]) =>
    object === undefined ? [] : [[param, object.name]],
  );
  return { transition: transition.def.name, parameters: Object.fromEntries(named) };
}

/** A vocabulary from its transitions and fluents, with every type and object they reach. */
export function domain(
  name: string,
  parts: {
    readonly transitions?: readonly Transition[];
    readonly fluents?: readonly AnyFluent[];
    readonly types?: readonly AnyObjectType[];
    readonly modules?: readonly string[];
    /** How the vocabulary is put to a planner, where that is not as it stands. */
    readonly view?: NonNullable<Domain["view"]>;
    /** Which objects are one and the same. */
    readonly identity?: NonNullable<Domain["identity"]>;
    /** Refuses objects that can be of no use. */
    readonly checkObject?: NonNullable<Domain["checkObject"]>;
  },
): Domain {
  const transitions = parts.transitions ?? [];
  const fluents = [...(parts.fluents ?? []), ...transitions.flatMap((each) => each.fluents)];
  const types = [
    ...(parts.types ?? []),
    ...transitions.flatMap((each) => Object.values(each.params).map(typeOf)),
    ...fluents.flatMap((each) => each.types),
  ];
  const code = Object.fromEntries(
    transitions.flatMap((each) => (each.code === undefined ? [] : [[each.def.name, each.code]])),
  );
  return {
    name,
    ...(Object.keys(code).length === 0 ? {} : { code }),
    ...(parts.view === undefined ? {} : { view: parts.view }),
    ...(parts.identity === undefined ? {} : { identity: parts.identity }),
    ...(parts.checkObject === undefined ? {} : { checkObject: parts.checkObject }),
    modules: parts.modules ?? [],
    types: unique(
      "type",
      types.map((type) => type.def),
    ),
    fluents: unique(
      "fluent",
      fluents.map((each) => each.def),
      fluentKey,
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

function definition<P extends ParamSpec>(
  name: string,
  params: P,
  variables: ParamsOf<P>,
  spec: TransitionSpec<P>,
): TransitionDef {
  const { cost, script } = spec;
  const effects = spec.effects?.(variables);
  return {
    name: checkedName(name),
    params: Object.entries(params).map(([param, type]) => ({
      name: param,
      type: typeOf(type).def.name,
      ...("optional" in type ? { optional: true } : {}),
    })),
    preconditions: (spec.preconditions?.(variables) ?? []).map(toCondition),
    adds: spec.adds?.(variables) ?? [],
    removes: spec.removes?.(variables) ?? [],
    ...(effects === undefined ? {} : { effects }),
    ...(typeof cost === "number" ? { cost: checkedCost(name, cost) } : {}),
    ...(typeof script === "function" ? { script: script(variables) } : {}),
  };
}

function typeOf(param: AnyObjectType | Optional): AnyObjectType {
  return "optional" in param ? param.optional : param;
}

function codeOf<P extends ParamSpec>(spec: TransitionSpec<P>): TransitionCode | undefined {
  const { cost, script, enters, alsoRemoves, settle } = spec;
  const code: TransitionCode = {
    ...(typeof cost === "function" ? { cost } : {}),
    ...(typeof script === "object" ? { script: script.legs } : {}),
    ...(enters === undefined ? {} : { enters }),
    ...(alsoRemoves === undefined ? {} : { alsoRemoves }),
    ...(settle === undefined ? {} : { settle }),
  };
  return Object.keys(code).length === 0 ? undefined : code;
}

function checkedCost(name: string, cost: number): number {
  if (Number.isFinite(cost) && cost >= 0) return cost;
  throw new ServantError("domain.invalid", `Cannot use transition "${name}": its cost is ${cost}`);
}

function makeFluent<const A extends readonly ArgSpec[]>(
  name: string,
  args: A,
  kind: Pick<FluentDef, "default" | "exclusive">,
): Fluent<A> {
  const pairs = args.flatMap((record) => Object.entries(record));
  const def: FluentDef = {
    name: checkedName(name),
    args: pairs.map(([arg, type]) => ({ name: arg, type: type.def.name })),
    ...kind,
  };
  const made: Fluent<A> = Object.assign(
    (...refs: RefsOf<A>) => {
      collector?.add(made);
      return atom(
        name,
        (refs as readonly ObjectRef[]).map((ref) => ref.name),
      );
    },
    {
      ...{ def, types: pairs.map(([, type]) => type) },
      defaultTrue: () => makeFluent(name, args, { ...kind, default: true }),
      exclusive: () => makeFluent(name, args, { ...kind, exclusive: true }),
    },
  );
  return made;
}

// While a transition is being defined, the fluents it applies are noted here: an atom is plain
// text and could not lead back to them.
let collector: Set<AnyFluent> | undefined;

function collecting<T>(into: Set<AnyFluent>, define: () => T): T {
  const outer = collector;
  collector = into;
  try {
    return define();
  } finally {
    collector = outer;
  }
}
