/**
 * What a backend takes back from its store when it starts. What cannot be read, or makes no sense in
 * the present vocabulary, is reported and stays in the store: another start may understand it.
 */
import * as z from "zod/mini";
import type { Json } from "../core/json.ts";
import type { BackendStore, DocumentKind } from "./store.ts";
import { type KeptWorld, OBJECTS_CHANGED } from "./world.ts";

const Names = z.array(z.string());
const ObjectRow = z.object({
  type: z.string(),
  fields: z.record(z.string(), z.json()),
  parent: z.optional(z.string()),
});
const ServantRow = z.object({ transitions: Names, fluents: Names });

export interface Kept extends KeptWorld {
  readonly objectsChangedAtMs: number | undefined;
  readonly servants: readonly (z.infer<typeof ServantRow> & { readonly id: string })[];
  /** What could not be read, in words. */
  readonly unreadable: readonly string[];
}

export function readKept(store: BackendStore): Kept {
  const unreadable: string[] = [];
  const rows = <T>(kind: DocumentKind, schema: z.ZodMiniType<T>) =>
    store.documents(kind).flatMap(({ key, value }) => {
      const parsed = schema.safeParse(value);
      if (parsed.success) return [{ key, value: parsed.data }];
      unreadable.push(`${kind} "${key}": ${z.prettifyError(parsed.error)}`);
      return [];
    });
  return {
    objects: rows("object", ObjectRow).map(({ key, value }) => {
      const { type, fields, parent } = value;
      const def = { name: key, type, fields: fields as Record<string, Json> };
      return parent === undefined ? def : { ...def, parent };
    }),
    atoms: rows("atom", z.boolean()).map(({ key, value }) => [key, value] as const),
    goal: rows("goal", Names).flatMap(({ value }) => value),
    objectsChangedAtMs: rows("meta", z.number()).find(({ key }) => key === OBJECTS_CHANGED)?.value,
    servants: rows("servant", ServantRow).map(({ key, value }) => ({ id: key, ...value })),
    unreadable,
  };
}
