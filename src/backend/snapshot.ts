/** The state as earlier versions kept it, one JSON document, for the store that took its place. */
import * as z from "zod/mini";
import type { Json } from "../core/json.ts";
import type { Change } from "./store.ts";

const Names = z.array(z.string());
const Snapshot = z.object({
  version: z.literal(1),
  objects: z.array(
    z.object({ name: z.string(), type: z.string(), fields: z.record(z.string(), z.json()) }),
  ),
  set: z.array(z.tuple([z.string(), z.boolean()])),
  goal: Names,
  servants: z.array(z.object({ id: z.string(), transitions: Names, fluents: Names })),
});

/** What a store takes to know what the document says. @throws what JSON and the schema throw */
export function changesOfSnapshot(text: string): Change[] {
  const { objects, set, goal, servants } = Snapshot.parse(JSON.parse(text));
  return [
    ...objects.map(({ name, type, fields }): Change => {
      return { op: "put", kind: "object", key: name, value: { type, fields: fields as Json } };
    }),
    ...set.map(([key, value]): Change => ({ op: "put", kind: "atom", key, value })),
    { op: "put", kind: "goal", key: "atoms", value: goal },
    ...servants.map(({ id, ...offer }): Change => {
      return { op: "put", kind: "servant", key: id, value: offer };
    }),
  ];
}
