/** The atoms that hold unless something says otherwise: of fluents that default to true. */
import { type Atom, atom } from "../core/atom.ts";
import type { ObjectDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Groundings that the fluents which default to true may have together. */
export const DEFAULT_TRUE_MAX = 1_000_000;

/** @throws {ServantError} `object.invalid` when there are too many to list */
export function* defaultAtoms(
  vocabulary: Vocabulary,
  objects: readonly ObjectDef[],
): Generator<Atom> {
  const byType = Map.groupBy(objects, ({ type }) => type);
  let count = 0;
  for (const { name, args, default: holds } of vocabulary.fluentDefs()) {
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

/** Every choice of one object from each list. */
function* groundings(lists: readonly (readonly ObjectDef[])[]): Generator<string[]> {
  const [first, ...rest] = lists;
  if (first === undefined) return yield [];
  for (const { name } of first) for (const names of groundings(rest)) yield [name, ...names];
}
