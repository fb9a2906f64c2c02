/**
 * Checks the definitions of a domain against each other: whatever they name is declared, and fits
 * where it stands. What is found here would otherwise show on a vehicle.
 */
import { type Atom, atomParts } from "../core/atom.ts";
import { atomsOf } from "../core/condition.ts";
import {
  type ArgDef,
  type FluentDef,
  fluentKey,
  type ObjectDef,
  type ObjectTypeDef,
  type ParamDef,
  type StepDef,
  type TransitionDef,
} from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { suggestion } from "./nearest.ts";

/** What definitions may refer to. */
export interface Declared {
  readonly types: ReadonlyMap<string, ObjectTypeDef>;
  readonly fluents: ReadonlyMap<string, readonly FluentDef[]>;
  readonly transitions: ReadonlyMap<string, TransitionDef>;
  readonly objects: ReadonlyMap<string, ObjectDef>;
}

/** @throws {ServantError} `domain.invalid`, naming the first bad part. */
export function checkTransition(def: TransitionDef, declared: Declared): void {
  const { name, params, preconditions, adds, removes, effects = [], cost, script = [] } = def;
  const subject = `transition "${name}"`;
  checkArgs(subject, params, declared);
  const atoms = [
    ...[...preconditions, ...effects.map((effect) => effect.when)].flatMap(atomsOf),
    ...[{ adds, removes }, ...effects].flatMap((effect) => [...effect.adds, ...effect.removes]),
  ];
  for (const text of atoms) checkAtom(subject, text, params, declared);
  if (cost !== undefined && !(Number.isFinite(cost) && cost >= 0)) {
    throw invalid(subject, `its cost is ${cost}, and must be zero or more`);
  }
  for (const step of script) checkStep(subject, step, params, declared);
  const circle = circleFrom(name, declared);
  if (circle !== undefined) throw invalid(subject, `its script goes in a circle: ${circle}`);
}

/** @throws {ServantError} `domain.invalid` for a type that is not declared. */
export function checkArgs(
  subject: string,
  args: readonly ArgDef[],
  { types }: Pick<Declared, "types">,
): void {
  const bad = args.find(({ type }) => !types.has(type));
  if (bad === undefined) return;
  const near = suggestion(bad.type, types.keys());
  throw invalid(subject, `type "${bad.type}" is not declared${near}`);
}

function checkAtom(
  subject: string,
  text: Atom,
  params: readonly ParamDef[],
  declared: Declared,
): void {
  const { fluents } = declared;
  const { fluent, args } = atomParts(text);
  const defs = fluents.get(fluent);
  if (defs === undefined) {
    const near = suggestion(fluent, fluents.keys());
    throw invalid(subject, `fluent "${fluent}" is not declared${near}`);
  }
  const ofArity = defs.filter((def) => def.args.length === args.length);
  if (ofArity.length === 0) {
    const arity = defs.map((def) => def.args.length).join(" or ");
    throw invalid(subject, `"${text}" has ${args.length} arguments, not ${arity}`);
  }
  const types = args.map((arg) => typeOf(subject, arg, `"${text}"`, params, declared));
  const absent = params.find((each) => each.optional && args.includes(`?${each.name}`));
  if (absent !== undefined) {
    throw invalid(subject, `"${text}" needs "${absent.name}", which may be left out`);
  }
  const fits = (def: FluentDef) =>
    types.every((type, place) => type === undefined || type === def.args[place]?.type);
  if (!ofArity.some(fits)) {
    const given = types.map((type) => type ?? "?").join(", ");
    throw invalid(subject, `"${text}" is given (${given}): ${ofArity.map(fluentKey).join(" or ")}`);
  }
}

function checkStep(
  subject: string,
  { transition, parameters }: StepDef,
  params: readonly ParamDef[],
  declared: Declared,
): void {
  const def = declared.transitions.get(transition);
  if (def === undefined) {
    const near = suggestion(transition, declared.transitions.keys());
    throw invalid(subject, `its script has "${transition}", which is not declared${near}`);
  }
  const what = `the "${transition}" of its script`;
  const stray = Object.keys(parameters).find((key) => def.params.every(({ name }) => name !== key));
  if (stray !== undefined) throw invalid(subject, `${what} has no parameter "${stray}"`);
  for (const { name, type, optional } of def.params) {
    const given = parameters[name];
    if (given === undefined && !optional) throw invalid(subject, `${what} needs "${name}"`);
    if (given === undefined) continue;
    const actual = typeOf(subject, given, what, params, declared) ?? type;
    if (actual !== type) throw invalid(subject, `"${name}" of ${what} is a ${type}, no ${actual}`);
    const isLeftOut = params.some((each) => each.optional && `?${each.name}` === given);
    if (isLeftOut && !optional) {
      throw invalid(subject, `"${name}" of ${what} needs "${given}", which may be left out`);
    }
  }
}

/** The type of a parameter or of an object; undefined for an object that is yet to be made. */
function typeOf(
  subject: string,
  arg: string,
  where: string,
  params: readonly ParamDef[],
  { objects }: Declared,
): string | undefined {
  if (!arg.startsWith("?")) return objects.get(arg)?.type;
  const param = params.find(({ name }) => `?${name}` === arg);
  if (param === undefined) throw invalid(subject, `"${arg}" in ${where} is no parameter`);
  return param.type;
}

/** `a > b > a`, when the script of a transition leads back to it. */
function circleFrom(start: string, { transitions }: Declared): string | undefined {
  const seen = new Set<string>();
  const follow = (name: string, way: readonly string[]): string | undefined => {
    for (const { transition } of transitions.get(name)?.script ?? []) {
      if (transition === start) return [...way, transition].join(" > ");
      if (seen.has(transition)) continue;
      seen.add(transition);
      const circle = follow(transition, [...way, transition]);
      if (circle !== undefined) return circle;
    }
    return undefined;
  };
  return follow(start, [start]);
}

function invalid(subject: string, reason: string): ServantError {
  return new ServantError("domain.invalid", `Cannot use ${subject}: ${reason}`);
}
