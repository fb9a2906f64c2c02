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
  type Problem,
  type StepDef,
  type TransitionDef,
} from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { suggestion } from "../core/nearest.ts";

/** What definitions may refer to. */
export interface Declared {
  readonly types: ReadonlyMap<string, ObjectTypeDef>;
  readonly fluents: ReadonlyMap<string, readonly FluentDef[]>;
  readonly transitions: ReadonlyMap<string, TransitionDef>;
  readonly objects: ReadonlyMap<string, ObjectDef>;
}

/** @throws {ServantError} `domain.invalid`, naming the first bad part. */
export function checkTransition(def: TransitionDef, declared: Declared): void {
  for (const { reason } of transitionProblems(def, declared)) {
    throw invalid(`transition "${def.name}"`, reason);
  }
}

/** @throws {ServantError} `domain.invalid` for a type that is not declared. */
export function checkArgs(
  subject: string,
  args: readonly ArgDef[],
  declared: Pick<Declared, "types">,
): void {
  for (const { reason } of argProblems("", args, declared)) throw invalid(subject, reason);
}

/** Every type that is not declared; `list` is what the arguments are called. */
export function* argProblems(
  list: string,
  args: readonly ArgDef[],
  { types }: Pick<Declared, "types">,
): Generator<Problem> {
  for (const [index, { type }] of args.entries()) {
    if (types.has(type)) continue;
    const near = suggestion(type, types.keys());
    yield { place: `${list}[${index}].type`, reason: `type "${type}" is not declared${near}` };
  }
}

/** Everything that is wrong with a transition; places are within it. */
export function* transitionProblems(def: TransitionDef, declared: Declared): Generator<Problem> {
  const { name, params, cost, script = [] } = def;
  yield* argProblems("params", params, declared);
  for (const { place, text } of atomPlaces(def)) {
    const reason = atomProblem(text, params, declared);
    if (reason !== undefined) yield { place, reason };
  }
  if (cost !== undefined && !(Number.isFinite(cost) && cost >= 0)) {
    yield { place: "cost", reason: `its cost is ${cost}, and must be zero or more` };
  }
  for (const [index, step] of script.entries()) {
    const reason = stepProblem(step, params, declared);
    if (reason !== undefined) yield { place: `script[${index}]`, reason };
  }
  const circle = circleFrom(name, declared);
  if (circle !== undefined) {
    yield { place: "script", reason: `its script goes in a circle: ${circle}` };
  }
}

/** Every atom of a transition and where it stands; of a condition, the condition's place. */
export function* atomPlaces(
  def: TransitionDef,
): Generator<{ readonly place: string; readonly text: Atom }> {
  for (const [index, condition] of def.preconditions.entries()) {
    for (const text of atomsOf(condition)) yield { place: `preconditions[${index}]`, text };
  }
  yield* changes(def, "");
  for (const [index, effect] of (def.effects ?? []).entries()) {
    for (const text of atomsOf(effect.when)) yield { place: `effects[${index}].when`, text };
    yield* changes(effect, `effects[${index}].`);
  }
}

function* changes({ adds, removes }: Pick<TransitionDef, "adds" | "removes">, before: string) {
  for (const [index, text] of adds.entries()) yield { place: `${before}adds[${index}]`, text };
  for (const [index, text] of removes.entries()) {
    yield { place: `${before}removes[${index}]`, text };
  }
}

function atomProblem(
  text: Atom,
  params: readonly ParamDef[],
  declared: Declared,
): string | undefined {
  const { fluents } = declared;
  const { fluent, args } = atomParts(text);
  const defs = fluents.get(fluent);
  if (defs === undefined) {
    return `fluent "${fluent}" is not declared${suggestion(fluent, fluents.keys())}`;
  }
  const ofArity = defs.filter((def) => def.args.length === args.length);
  if (ofArity.length === 0) {
    const arity = defs.map((def) => def.args.length).join(" or ");
    return `"${text}" has ${args.length} arguments, not ${arity}`;
  }
  const stray = args.find((arg) => isStray(arg, params));
  if (stray !== undefined) return strayText(stray, `"${text}"`, params);
  const absent = params.find((each) => each.optional && args.includes(`?${each.name}`));
  if (absent !== undefined) return `"${text}" needs "${absent.name}", which may be left out`;
  const types = args.map((arg) => typeOf(arg, params, declared));
  const fits = (def: FluentDef) =>
    types.every((type, place) => type === undefined || type === def.args[place]?.type);
  if (ofArity.some(fits)) return undefined;
  const given = types.map((type) => type ?? "?").join(", ");
  return `"${text}" is given (${given}): ${ofArity.map(fluentKey).join(" or ")}`;
}

function stepProblem(
  { transition, parameters }: StepDef,
  params: readonly ParamDef[],
  declared: Declared,
): string | undefined {
  const def = declared.transitions.get(transition);
  if (def === undefined) {
    const near = suggestion(transition, declared.transitions.keys());
    return `its script has "${transition}", which is not declared${near}`;
  }
  const what = `the "${transition}" of its script`;
  const known = def.params.map(({ name }) => name);
  const extra = Object.keys(parameters).find((key) => !known.includes(key));
  if (extra !== undefined) {
    return `${what} has no parameter "${extra}"${suggestion(extra, known)}`;
  }
  for (const { name, type, optional } of def.params) {
    const given = parameters[name];
    if (given === undefined && !optional) return `${what} needs "${name}"`;
    if (given === undefined) continue;
    if (isStray(given, params)) return strayText(given, what, params);
    const actual = typeOf(given, params, declared) ?? type;
    if (actual !== type) return `"${name}" of ${what} is a ${type}, no ${actual}`;
    const isLeftOut = params.some((each) => each.optional && `?${each.name}` === given);
    if (isLeftOut && !optional) {
      return `"${name}" of ${what} needs "${given}", which may be left out`;
    }
  }
  return undefined;
}

function isStray(arg: string, params: readonly ParamDef[]): boolean {
  return arg.startsWith("?") && params.every(({ name }) => `?${name}` !== arg);
}

function strayText(arg: string, where: string, params: readonly ParamDef[]): string {
  const known = params.map(({ name }) => `?${name}`);
  return `"${arg}" in ${where} is no parameter${suggestion(arg, known)}`;
}

/** The type of a parameter or of an object; undefined for an object that is yet to be made. */
function typeOf(
  arg: string,
  params: readonly ParamDef[],
  { objects }: Declared,
): string | undefined {
  if (!arg.startsWith("?")) return objects.get(arg)?.type;
  return params.find(({ name }) => `?${name}` === arg)?.type;
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
