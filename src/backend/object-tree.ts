/** Objects nested under what they are parts of. */
import type { ObjectDef } from "../core/domain.ts";
import type { JsonObject } from "../core/json.ts";

/** An object as the protocol shows it; `value_fields` are the declared fields alone. */
export function describeObject({ name, type, fields, parent }: ObjectDef): JsonObject {
  return { name, type, value_fields: fields, ...(parent === undefined ? {} : { parent }) };
}

/** What has no parent, or one that is not there, stands at the top. */
export function objectTree(objects: readonly ObjectDef[]): JsonObject[] {
  const names = new Set(objects.map(({ name }) => name));
  const byParent = Map.groupBy(objects, ({ parent }) =>
    parent !== undefined && names.has(parent) ? parent : undefined,
  );
  const nodesUnder = (parent: string | undefined): JsonObject[] =>
    (byParent.get(parent) ?? []).map((each) => ({
      ...describeObject(each),
      children: nodesUnder(each.name),
    }));
  return nodesUnder(undefined);
}
