/**
 * Finds the bindings of a transition's parameters under which its positive preconditions are
 * all reached. It always continues with the precondition that leaves the fewest candidates, so
 * static conditions such as `connected(a, b)` prune before anything is multiplied out.
 */
import type { ArgDef } from "../core/domain.ts";
import type { Atoms, Pattern } from "./atoms.ts";
import type { Schema } from "./schema.ts";

/** What stands in a binding for a parameter that is still open. */
export const OPEN = -1;

/**
 * Each binding that `reached` has just made possible, once: one that uses it, and else only
 * atoms reached before. Without `reached`, the bindings of a schema without positive
 * preconditions. Yields undefined between bindings, so that a long search can be paused.
 */
export function* bindings(
  atoms: Atoms,
  schema: Schema,
  reached?: number,
): Generator<readonly number[] | undefined> {
  const binding = schema.params.map(() => OPEN);
  if (reached === undefined) {
    if (schema.positive.length === 0) yield* join(atoms, schema, binding, []);
    return;
  }
  for (const [index, pattern] of schema.positive.entries()) {
    if (pattern.table !== atoms.tableOf(reached)) continue;
    const bound = unify(atoms, schema, pattern, reached, binding);
    // An earlier precondition may not use the new atom again: that binding was already found.
    const others = schema.positive.map((other, at) => ({
      pattern: other,
      not: at < index ? reached : undefined,
    }));
    others.splice(index, 1);
    if (bound !== undefined) yield* join(atoms, schema, bound, others);
  }
}

interface Wanted {
  readonly pattern: Pattern;
  readonly not: number | undefined;
}

function* join(
  atoms: Atoms,
  schema: Schema,
  binding: readonly number[],
  wanted: readonly Wanted[],
): Generator<readonly number[] | undefined> {
  yield undefined;
  if (wanted.length === 0) {
    yield* product(atoms, schema, binding);
    return;
  }
  let next = 0;
  let candidates = candidatesFor(wanted[0] as Wanted, binding);
  for (let at = 1; at < wanted.length; at++) {
    const others = candidatesFor(wanted[at] as Wanted, binding);
    if (others.length >= candidates.length) continue;
    next = at;
    candidates = others;
  }
  const { pattern, not } = wanted[next] as Wanted;
  const rest = wanted.filter((_, at) => at !== next);
  for (const candidate of candidates) {
    if (candidate === not) continue;
    const bound = unify(atoms, schema, pattern, candidate, binding);
    if (bound !== undefined) yield* join(atoms, schema, bound, rest);
  }
}

/** Fills the parameters that no positive precondition mentions with every object of the type. */
function* product(
  atoms: Atoms,
  schema: Schema,
  binding: readonly number[],
): Generator<readonly number[] | undefined> {
  const open = binding.indexOf(OPEN);
  if (open === -1) {
    yield binding;
    return;
  }
  for (const object of atoms.byType.get((schema.params[open] as ArgDef).type) ?? []) {
    yield* product(atoms, schema, binding.with(open, object));
  }
}

/** True when a reached atom fits the pattern as far as its parameters are bound. */
export function matches(
  atoms: Atoms,
  schema: Schema,
  pattern: Pattern,
  binding: readonly number[],
): boolean {
  return candidatesFor({ pattern, not: undefined }, binding).some(
    (candidate) => unify(atoms, schema, pattern, candidate, binding) !== undefined,
  );
}

function candidatesFor({ pattern }: Wanted, binding: readonly number[]): readonly number[] {
  let fewest: readonly number[] = pattern.table.reached;
  for (const [place, arg] of pattern.args.entries()) {
    const object = arg >= 0 ? arg : (binding[-1 - arg] as number);
    if (object === OPEN) continue;
    const bucket = pattern.table.with(place, object);
    if (bucket.length < fewest.length) fewest = bucket;
  }
  return fewest;
}

/** The binding extended so that the pattern becomes the atom; undefined when it cannot. */
export function unify(
  atoms: Atoms,
  schema: Schema,
  pattern: Pattern,
  candidate: number,
  binding: readonly number[],
): readonly number[] | undefined {
  const objects = atoms.argsOf(candidate);
  let bound: number[] | undefined;
  for (const [place, arg] of pattern.args.entries()) {
    const object = objects[place] as number;
    const known = arg >= 0 ? arg : ((bound ?? binding)[-1 - arg] as number);
    if (known === object) continue;
    const param = schema.params[-1 - arg];
    if (known !== OPEN || atoms.typeOf(object) !== param?.type) return undefined;
    bound ??= [...binding];
    bound[-1 - arg] = object;
  }
  return bound ?? binding;
}
