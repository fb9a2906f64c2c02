// Goal: what a plugin's actions are called with is told in a line that a person can follow, whatever
// schema they bring; no schema breaks it or makes it large.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { z } from "zod";
import { commandOf, DOC_MAX_CHARS } from "../../src/core/catalogue.ts";
import type { ActionOptions, ParamsSchema } from "../../src/core/handlers.ts";
import { objectType, optional, transition } from "../../src/core/vocabulary.ts";

const command = (schema: ParamsSchema, options: ActionOptions = {}) =>
  commandOf({ kind: "action", name: "weigh", method: "weigh", schema, options });
const signature = (schema: ParamsSchema) => command(schema).signature;

test("a schema's parameters are told with their types, defaults and meaning", () => {
  const params = z.object({
    settle_ms: z.number().default(500).describe("how long it waits before"),
    mode: z.enum(["fast", "exact"]),
    note: z.string().optional(),
  });
  expect(command(params, { description: "Weighs." })).toEqual({
    name: "weigh",
    signature: '(settle_ms: number = 500, mode: "fast" | "exact", note?: string)',
    doc: "Weighs.\nsettle_ms: how long it waits before",
    params: [
      { name: "settle_ms", type: "number", isOptional: true, default: 500 },
      { name: "mode", type: '"fast" | "exact"', isOptional: false },
      { name: "note", type: "string", isOptional: true },
    ],
  });
});

test.each([
  ["nothing", z.object({}), "()"],
  ["lists", z.object({ g: z.array(z.number()) }), "(g: number[])"],
  ["lists of either", z.object({ g: z.array(z.enum(["a", "b"])) }), '(g: ("a" | "b")[])'],
  ["tuples", z.object({ at: z.tuple([z.number(), z.string()]) }), "(at: [number, string])"],
  [
    "nested objects",
    z.object({ to: z.object({ x_mm: z.number(), note: z.string().optional() }) }),
    "(to: { x_mm: number, note?: string })",
  ],
  ["records", z.object({ by: z.record(z.string(), z.int()) }), "(by: { [name]: integer })"],
  ["either", z.object({ v: z.union([z.number(), z.object({})]) }), "(v: number | {})"],
  ["what may be null", z.object({ v: z.number().nullable() }), "(v: number | null)"],
  ["anything", z.object({ v: z.unknown() }), "(v: any)"],
  ["one value", z.object({ v: z.literal("on") }), '(v: "on")'],
  ["what is changed on its way", z.object({ v: z.string().transform(Number) }), "(v: string)"],
  ["defaults of several", z.object({ v: z.array(z.int()).default([1]) }), "(v: integer[] = [1])"],
])("%s", (_, schema, expected) => {
  expect(signature(schema)).toBe(expected);
});

test("a unit is told with what it is the unit of", () => {
  const pace = z.number().default(1).meta({ unit: "m/s", description: "of the tip" });
  const { doc } = command(z.object({ pace, reach: z.number().meta({ unit: "m" }) }));
  expect(doc).toBe("pace: of the tip, in m/s\nreach: in m");
});

test("what JSON cannot tell, or another library's, is left open", () => {
  expect(signature(z.object({ at: z.date() }))).toBe("(...)");
  expect(signature(z.string())).toBe("(...)");
  expect(signature({ safeParse: (data) => ({ success: true, data }) })).toBe("(...)");
  const broken = { safeParse: () => ({ success: true as const, data: 1 }), "~standard": 7 };
  expect(signature(broken)).toBe("(...)");
});

test("a transition's parameters are told by the types of their objects", () => {
  const room = objectType("room");
  const move = transition("move", { params: { start: room, end: room, by: optional(room) } });
  const options = { description: "Drives." };
  const mark = {
    kind: "action",
    name: "move",
    method: "drive",
    transition: move,
    options,
  } as const;
  expect(commandOf(mark)).toMatchObject({
    signature: "(start: room, end: room, by?: room)",
    doc: "Drives.",
  });
});

/** What may stand in the place of a JSON schema, deep and wide. */
const { shape } = fc.letrec<{ shape: unknown }>((tie) => {
  const inner = tie("shape");
  const members = fc.dictionary(fc.string(), inner, { maxKeys: 5 });
  return {
    shape: fc.oneof(
      { maxDepth: 8, depthSize: "small", withCrossShrink: true },
      fc.jsonValue(),
      fc.record({ enum: fc.array(fc.string(), { maxLength: 100 }) }),
      fc.record({ anyOf: fc.array(inner, { maxLength: 5 }) }),
      fc.record({ type: fc.constant("array"), items: inner }),
      fc.record({ type: fc.constant("array"), prefixItems: fc.array(inner, { maxLength: 5 }) }),
      fc.record({ type: fc.constant("object"), properties: members, required: fc.jsonValue() }),
      fc.record({ type: fc.constant("object"), additionalProperties: inner }),
      fc.record({ description: fc.string(), default: fc.jsonValue(), type: fc.jsonValue() }),
    ),
  };
});
const said = (input: unknown) => ({
  safeParse: (data: unknown) => ({ success: true as const, data }),
  "~standard": { jsonSchema: { input: () => input } },
});

test("whatever the shape, it is short and plain", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), shape, { maxKeys: 5 }), (properties) => {
      const told = command(said({ type: "object", properties }), {
        description: "x".repeat(9_000),
      });
      expect(told.doc.length).toBeLessThanOrEqual(DOC_MAX_CHARS);
      for (const { type } of told.params) expect(type.length).toBeLessThanOrEqual(200);
      expect(told.params).toHaveLength(Object.keys(properties).length);
      expect(JSON.parse(JSON.stringify(told))).toEqual(told);
    }),
  );
});

test("of a shape without end, or with a thousand parameters, the beginning is told", () => {
  let deep: unknown = { type: "number" };
  for (let level = 0; level < 100; level += 1) deep = { type: "array", items: deep };
  const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`p${n}`, {}]));
  expect(signature(said({ properties: { deep } }))).toBe("(deep?: any[][][][][])");
  expect(command(said({ properties: wide })).params).toHaveLength(64);
  const long = { enum: Array.from({ length: 100 }, (_, n) => `value ${n}`) };
  expect(command(said({ properties: { long } })).params[0]?.type).toHaveLength(200);
});
