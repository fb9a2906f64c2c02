/**
 * Reads a vocabulary as its author would want it read: every mistake with its place, and what is
 * allowed but cannot have been meant.
 */
import { atomParts } from "../core/atom.ts";
import { and, type Condition, waysToHold } from "../core/condition.ts";
import {
  type Domain,
  type FieldKind,
  fluentKey,
  type ObjectDef,
  type ObjectTypeDef,
  type Problem,
  type TransitionDef,
} from "../core/domain.ts";
import { isServantError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { suggestion } from "../core/nearest.ts";
import { argProblems, atomPlaces, transitionProblems } from "./definitions.ts";
import { NO_ENTRY } from "./keep-out.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Conditions whose alternatives multiply to more are not looked into: that would take for ever. */
const WAYS_MAX = 10_000;

/** Every mistake for which a backend would refuse the domain beside `known`. */
export function domainProblems(domain: Domain, known: readonly Domain[]): Problem[] {
  const all = [...known, domain];
  const declared = {
    types: byName(all.flatMap(({ types }) => types)),
    fluents: Map.groupBy(
      all.flatMap(({ fluents }) => fluents),
      ({ name }) => name,
    ),
    transitions: byName(all.flatMap(({ transitions }) => transitions)),
    objects: byName(all.flatMap(({ objects }) => objects)),
  };
  const problems = [
    ...domain.fluents.flatMap(({ args }, index) =>
      within(`fluents[${index}]`, argProblems("args", args, declared)),
    ),
    ...domain.transitions.flatMap((def, index) =>
      within(`transitions[${index}]`, transitionProblems(def, declared)),
    ),
    ...domain.objects.flatMap((def, index) =>
      within(`objects[${index}]`, objectProblems(def, declared.types)),
    ),
  ];
  return problems.length > 0 ? problems : refusal(domain, known);
}

/** What is allowed beside `known` and looks like a mistake. */
export function domainWarnings(domain: Domain, known: readonly Domain[] = []): Problem[] {
  const all = [...known, domain].flatMap(({ objects }) => objects);
  const objects = new Set(all.map(({ name }) => name));
  return [
    ...fluentWarnings(domain),
    ...domain.transitions.flatMap((def, index) =>
      within(`transitions[${index}]`, [
        ...transitionWarnings(def, domain),
        ...objectWarnings(def, objects),
      ]),
    ),
    ...domain.objects.flatMap((def, index) =>
      within(`objects[${index}]`, fieldWarnings(def, domain.types)),
    ),
  ];
}

/** What a backend has against it that has no one place: names that are defined twice. */
function refusal(domain: Domain, known: readonly Domain[]): Problem[] {
  try {
    new Vocabulary([...known, domain]);
    return [];
  } catch (cause) {
    if (!isServantError(cause)) throw cause;
    return [{ place: "", reason: cause.message }];
  }
}

function* objectProblems(
  { name, type }: ObjectDef,
  types: ReadonlyMap<string, ObjectTypeDef>,
): Generator<Problem> {
  if (!types.has(type)) {
    const reason = `type "${type}" is not declared${suggestion(type, types.keys())}`;
    yield { place: "type", reason };
  }
  if (types.has(name)) yield { place: "name", reason: `a type has the name "${name}"` };
}

function fluentWarnings({ fluents, transitions }: Domain): Problem[] {
  const used = { read: new Set<string>(), changed: new Set<string>() };
  for (const { place, text } of transitions.flatMap((def) => [...atomPlaces(def)])) {
    const isChange = /(?:adds|removes)\[\d+\]$/.test(place);
    used[isChange ? "changed" : "read"].add(atomParts(text).fluent);
  }
  return fluents.flatMap((def, index) => {
    const { name } = def;
    if (used.changed.has(name) || name === NO_ENTRY) return []; // keep-outs are read by the backend
    const reason = used.read.has(name)
      ? `no transition changes "${fluentKey(def)}": it is what it was at the start`
      : `no transition reads or changes "${fluentKey(def)}"`;
    return [{ place: `fluents[${index}]`, reason }];
  });
}

function* transitionWarnings(def: TransitionDef, { code = {} }: Domain): Generator<Problem> {
  const { name, params, preconditions, adds, removes, effects = [], script = [] } = def;
  const ofCode = code[name] ?? {};
  const given = new Set([
    ...[...atomPlaces(def)].flatMap(({ text }) => atomParts(text).args),
    ...script.flatMap(({ parameters }) => Object.values(parameters)),
  ]);
  for (const [index, param] of params.entries()) {
    if (given.has(`?${param.name}`) || param.optional || ofCode.script !== undefined) continue;
    const reason = `nothing depends on "${param.name}": any ${param.type} will do`;
    yield { place: `params[${index}]`, reason };
  }
  if (!canHold(and(...preconditions))) {
    yield { place: "preconditions", reason: "they contradict each other: it can never apply" };
  }
  yield* futile({ adds, removes }, "");
  for (const [index, effect] of effects.entries()) {
    yield* futile(effect, `effects[${index}].`);
    if (!canHold(and(...preconditions, effect.when))) {
      yield { place: `effects[${index}].when`, reason: "it never holds when the step may start" };
    }
  }
  const changes = [{ adds, removes }, ...effects].flatMap((each) => [
    ...each.adds,
    ...each.removes,
  ]);
  if (changes.length === 0 && script.length === 0 && ofCode.script === undefined) {
    yield { place: "", reason: `"${name}" changes nothing: a planner never takes it` };
  }
}

/** Objects may be made while the backend runs; most names that nothing declares are mistyped. */
function* objectWarnings(def: TransitionDef, objects: ReadonlySet<string>): Generator<Problem> {
  const names = [
    ...[...atomPlaces(def)].map(({ place, text }) => ({ place, args: atomParts(text).args })),
    ...(def.script ?? []).map(({ parameters }, index) => ({
      ...{ place: `script[${index}]`, args: Object.values(parameters) },
    })),
  ];
  const known = [...def.params.map(({ name }) => `?${name}`), ...objects];
  for (const { place, args } of names) {
    for (const arg of args) {
      if (arg.startsWith("?") || objects.has(arg)) continue;
      yield { place, reason: `no object "${arg}" is declared${suggestion(arg, known)}` };
    }
  }
}

function* futile(
  { adds, removes }: Pick<TransitionDef, "adds" | "removes">,
  before: string,
): Generator<Problem> {
  for (const [index, text] of removes.entries()) {
    if (!adds.includes(text)) continue;
    const reason = `"${text}" is added too, and what is added wins`;
    yield { place: `${before}removes[${index}]`, reason };
  }
}

const KINDS: Readonly<Record<FieldKind, (value: Json) => boolean>> = {
  number: (value) => typeof value === "number",
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  json: () => true,
};

function* fieldWarnings(
  { type, fields }: ObjectDef,
  types: readonly ObjectTypeDef[],
): Generator<Problem> {
  const def = types.find(({ name }) => name === type);
  if (def === undefined) return; // of a vocabulary that this one uses
  for (const [name, value] of Object.entries(fields)) {
    const kind = def.fields[name];
    const place = `fields.${name}`;
    if (kind === undefined) {
      const near = suggestion(name, Object.keys(def.fields));
      yield { place, reason: `a ${type} has no field "${name}"${near}` };
    } else if (!KINDS[kind](value)) yield { place, reason: `it is no ${kind}` };
  }
}

function canHold(condition: Condition): boolean {
  return waysAtMost(condition) > WAYS_MAX || waysToHold(condition).length > 0;
}

/** How many alternatives there can be, before those that contradict themselves are left out. */
function waysAtMost(condition: Condition, holds = true): number {
  if ("atom" in condition) return 1;
  if ("not" in condition) return waysAtMost(condition.not, !holds);
  const [parts, isAll] = "and" in condition ? [condition.and, holds] : [condition.or, !holds];
  const ways = parts.map((part) => waysAtMost(part, holds));
  return isAll ? ways.reduce((a, b) => a * b, 1) : ways.reduce((a, b) => a + b, 0);
}

function within(place: string, problems: Iterable<Problem>): Problem[] {
  return [...problems].map((each) => ({
    ...each,
    place: each.place === "" ? place : `${place}.${each.place}`,
  }));
}

function byName<D extends { readonly name: string }>(defs: readonly D[]): Map<string, D> {
  return new Map(defs.map((def) => [def.name, def]));
}
