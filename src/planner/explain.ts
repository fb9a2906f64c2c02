/**
 * Says why a literal can never be had, following what is missing back to its cause: `needs
 * holding(box_a), which every step of is refused: no_entry(room_one) holds`.
 */
import type { Literal } from "../core/condition.ts";
import type { Pattern } from "./atoms.ts";
import { type Grounding, literal } from "./ground.ts";
import { matches, OPEN, unify } from "./join.ts";
import type { Blocked, Blocker, Problem } from "./problem.ts";
import type { LiteralPatterns, Schema } from "./schema.ts";

/** How far back causes are followed. */
const DEPTH_MAX = 6;

interface Cause {
  readonly why: Blocker;
  /** Follows on the name of what cannot be had. */
  readonly detail: string;
}

/** Why the goal's literal is out of reach; only asked of one that is. */
export function blocked(problem: Problem, grounding: Grounding, wanted: Literal): Blocked {
  const { atoms } = grounding;
  const number = atoms.number(atoms.pattern(wanted.atom));
  const cause =
    unknownName(problem, grounding, number) ??
    causeOf(grounding, literal(number, wanted.holds), new Set());
  return { ...wanted, ...cause };
}

function unknownName(
  { fluents, objects }: Problem,
  { atoms }: Grounding,
  atom: number,
): Cause | undefined {
  const { fluent } = atoms.tableOf(atom);
  if (fluents.every(({ name }) => name !== fluent)) {
    return { why: "unknown", detail: `there is no fluent "${fluent}"` };
  }
  const known = new Set(objects.map(({ name }) => name));
  const stray = atoms
    .argsOf(atom)
    .map((object) => atoms.nameOf(object))
    .find((name) => !known.has(name));
  return stray === undefined
    ? undefined
    : { why: "unknown", detail: `there is no object "${stray}"` };
}

function causeOf(grounding: Grounding, wanted: number, seen: Set<number>): Cause {
  seen.add(wanted);
  const refusal = grounding.refusal(wanted);
  if (refusal !== undefined) {
    return { why: "refused", detail: `what would bring it about is refused: ${refusal}` };
  }
  const makers = makersOf(grounding, wanted);
  if (makers.length === 0) {
    const what = (wanted & 1) === 0 ? "true" : "false";
    return { why: "no_transition", detail: `no transition makes it ${what}` };
  }
  const lacks = makers.map((maker) => lackOf(grounding, maker, seen));
  return { why: "needs", detail: [...new Set(lacks)].join("; ") };
}

/** A way to make a literal: what it needs, with those parameters bound that the literal tells. */
interface Maker {
  readonly schema: Schema;
  readonly needs: readonly LiteralPatterns[];
  readonly binding: readonly number[];
}

function makersOf({ atoms, schemas }: Grounding, wanted: number): Maker[] {
  return schemas.flatMap((schema) =>
    [schema, ...schema.effects].flatMap((source): Maker[] => {
      const made = (wanted & 1) === 0 ? source.adds : source.removes;
      const open = schema.params.map(() => OPEN);
      const needs = source === schema ? [schema] : [schema, source];
      return made
        .filter(({ table }) => table === atoms.tableOf(wanted >> 1))
        .map((pattern) => unify(atoms, schema, pattern, wanted >> 1, open))
        .filter((binding) => binding !== undefined)
        .map((binding) => ({ schema, needs, binding }));
    }),
  );
}

function lackOf(
  grounding: Grounding,
  { schema, needs, binding }: Maker,
  seen: Set<number>,
): string {
  const { atoms, canBe } = grounding;
  const { name } = schema.def;
  const empty = schema.params.find(({ type }) => !atoms.byType.has(type));
  if (empty !== undefined) return `${name} needs a ${empty.type}, and there is none`;
  const positive = needs.flatMap((each) => each.positive);
  for (const pattern of positive) {
    if (matches(atoms, schema, pattern, binding)) continue;
    const isBound = pattern.args.every((arg) => arg >= 0 || binding[-1 - arg] !== OPEN);
    const text = spell(grounding, schema, pattern, binding);
    if (!isBound) return `${name} needs ${text}, which never holds`;
    const missing = literal(atoms.number(pattern, binding), true);
    return `${name} needs ${text}${follow(grounding, missing, seen)}`;
  }
  for (const pattern of needs.flatMap((each) => each.negative)) {
    if (pattern.args.some((arg) => arg < 0 && binding[-1 - arg] === OPEN)) continue;
    const missing = literal(atoms.number(pattern, binding), false);
    if (canBe(missing)) continue;
    const text = spell(grounding, schema, pattern, binding);
    return `${name} needs not ${text}${follow(grounding, missing, seen)}`;
  }
  const together = positive.map((pattern) => spell(grounding, schema, pattern, binding));
  return `${name} needs what cannot be had for one step: ${together.join(", ")}`;
}

function follow(grounding: Grounding, missing: number, seen: Set<number>): string {
  if (seen.has(missing) || seen.size >= DEPTH_MAX) return ", which cannot be had";
  return ` (${causeOf(grounding, missing, seen).detail})`;
}

function spell(
  { atoms }: Grounding,
  { params }: Schema,
  { table, args }: Pattern,
  binding: readonly number[],
): string {
  const names = args.map((arg) => {
    const object = arg >= 0 ? arg : (binding[-1 - arg] as number);
    return object === OPEN ? `any ${params[-1 - arg]?.type}` : atoms.nameOf(object);
  });
  return names.length === 0 ? table.fluent : `${table.fluent}(${names.join(", ")})`;
}
