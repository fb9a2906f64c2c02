// Goal: whatever a handler takes is declared in the types that OSC2 has, the same each time, or its
// action is left out with a reason that says what to do. scenario-execution itself judges what is
// written in test/peer/scenario-stub.test.ts.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { z } from "zod";
import { schemaOf } from "../../src/core/catalogue.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { objectType, optional, transition } from "../../src/core/vocabulary.ts";
import { declare } from "../../src/stubs/declare.ts";
import { oscText } from "../../src/stubs/write-osc.ts";
import { prose } from "./any-action.ts";
import { reasons, source, sourceOf, written } from "./declared.ts";

const metres = z.number().meta({ unit: "m" });

test.each([
  ["numbers", z.number(), "v: float"],
  ["a number's default", z.number().default(2), "v: float = 2.0"],
  ["a small default", z.number().default(-1.5e-7), "v: float = -1.5e-7"],
  ["a large default", z.number().default(1e21), "v: float = 1.0e+21"],
  ["whole numbers", z.int().default(-3), "v: int = -3"],
  ["yes or no", z.boolean().default(false), "v: bool = false"],
  ["texts", z.string(), "v: string"],
  [
    "a text's default",
    z.string().default(`a"b'c\\d\né😀`),
    String.raw`v: string = "a\"b\'c\\d\U0000000a\U000000e9\U0001f600"`,
  ],
  ["what may be left out", z.string().optional(), "v: string  # optional"],
  ["what may be null", z.int().min(0).nullable(), "v: int  # at least 0"],
  ["what means something", z.number().describe("how\nfar"), "v: float  # how far"],
  ["limits", z.number().gt(0).lte(2.5), "v: float  # above 0, at most 2.5"],
  ["patterns", z.string().regex(/^[A-H]$/), "v: string  # as ^[A-H]$"],
  ["lists", z.array(z.int()).default([1, 2]), "v: list of int = [1, 2]"],
  ["an empty list", z.array(z.string()).default([]), "v: list of string  # default []"],
  ["lengths", metres.default(2), "v: length = 2.0m"],
  ["lists of lengths", z.array(metres).default([0.5]), "v: list of length = [0.5m]"],
  ["times", z.int().default(10).meta({ unit: "s" }), "v: time = 10.0s"],
  ["accelerations", z.number().default(1).meta({ unit: "m/s²" }), "v: acceleration = 1.0mpss"],
  ["angles", z.number().meta({ unit: "rad" }).optional(), "v: angle  # optional"],
  ["temperatures", z.number().meta({ unit: "K" }), "v: temperature  # write it in K"],
  ["units of nobody", z.number().meta({ unit: "µl" }), "v: float  # in µl"],
])("%s are declared", (_, schema, expected) => {
  expect(written(source("go", { v: schema }))).toBe(`action go:\n    ${expected}\n`);
});

test("an action is declared with its actor, its meaning and what it takes", () => {
  const home = source("arm.home", {}, "Finds where\nit is.");
  const move = source("arm.move", { to: z.object({ x: metres, mode: z.enum(["slow", "fast"]) }) });
  expect(
    written(home, move, source("check", { load: z.number().meta({ unit: "kg" }) })),
  ).toBe(`enum arm_mode: [slow, fast]

struct arm_to:
    x: length
    mode: arm_mode

actor arm

# Finds where it is.
action arm.home

action arm.move:
    to: arm_to

action check:
    load: mass
`);
});

test("enums and structs that are alike share one type, under its title if it has one", () => {
  const mode = z.enum(["slow", "fast"]);
  const pose = z.object({ x: metres, yaw: z.number().default(0) }).meta({ title: "Pose" });
  const text = written(
    source("go", { pace: mode.default("fast"), to: pose, via: z.array(pose) }),
    source("turn", { speed: z.enum(["slow", "fast"]), pose: pose.optional() }),
    source("stop", { pace: z.enum(["now", "soon"]) }),
  );
  // A parameter is called `pose`: no type may be.
  expect(text).toBe(`enum arm_pace: [slow, fast]

struct arm_pose:
    x: length
    yaw: float  # default 0

enum stop_pace: [now, soon]

action go:
    pace: arm_pace = arm_pace!fast
    to: arm_pose
    via: list of arm_pose

action turn:
    speed: arm_pace
    pose: arm_pose  # optional

action stop:
    pace: stop_pace
`);
});

test("a default of a struct says what it gives, and the plugin fills in the rest", () => {
  const at = z.object({ x: metres, note: z.string().optional() });
  const text = written(
    source("go", {
      goal: z
        .object({ at, modes: z.array(z.enum(["a", "b"])) })
        .default({ at: { x: 1 }, modes: ["b"] }),
      bare: z.object({ q: z.int().default(1) }).prefault({}),
    }),
  );
  expect(text).toContain(
    "    goal: arm_goal = arm_goal(at: arm_at(x: 1.0m), modes: [arm_modes!b])\n",
  );
  expect(text).toContain("    bare: arm_bare  # default {}\n");
});

test("a quantity is a float where something beside it is called as its type is", () => {
  const pace = z.number().default(0.5).meta({ unit: "m/s", description: "of the tip" });
  expect(written(source("go", { speed: pace, other: pace, x: metres }))).toBe(`action go:
    speed: float = 0.5  # a speed, in m/s; of the tip
    other: float = 0.5  # a speed, in m/s; of the tip
    x: length
`);
});

test("texts that are one of several are an enum, however the schema says so", () => {
  const either = z.union([z.literal("a"), z.literal("b"), z.null()]);
  expect(written(source("go", { v: either, w: z.literal(["a", "b"]), x: z.literal("c") }))).toBe(
    `enum arm_v: [a, b]

enum arm_x: [c]

action go:
    v: arm_v
    w: arm_v
    x: arm_x
`,
  );
});

test("a shared schema is declared by its id", () => {
  const shared = z.object({ x: metres }).meta({ id: "StubShared" });
  const text = written(source("go", { start: shared.describe("where"), to: z.array(shared) }));
  expect(text).toContain("    start: stub_shared  # where\n    to: list of stub_shared\n");
});

test("a transition is called with the names of objects", () => {
  const room = objectType("room");
  const move = transition("move", { params: { start: room, end: optional(room) } });
  const mark = {
    kind: "action",
    name: "move",
    method: "go",
    transition: move,
    options: {},
  } as const;
  expect(written({ name: "move", schema: schemaOf(mark) })).toBe(`action move:
    start: string  # the name of a room
    end: string  # the name of a room; optional
`);
});

test("an actor's action may take its actor, which no scenario gives", () => {
  const actor = z.object({ name: z.string() });
  expect(written(source("arm.go", { associated_actor: actor, x: metres }))).toBe(
    "actor arm\n\naction arm.go:\n    x: length\n",
  );
});

const nested: z.ZodType = z.lazy(() => z.object({ next: nested.optional() }));
test.each([
  ["a union", z.union([z.number(), z.string()]), /"v" may be one thing or another: give each/],
  [
    "several objects",
    z.discriminatedUnion("k", [z.object({ k: z.literal("a") }), z.object({ k: z.literal("b") })]),
    /one thing or another/,
  ],
  ["a record", z.record(z.string(), z.int()), /"v" has fields of any name: name them/],
  ["a tuple", z.tuple([z.number(), z.number()]), /"v" is a tuple: use an object/],
  ["a list of lists", z.array(z.array(z.int())), /"v" is a list of lists: put the inner one/],
  ["anything", z.unknown(), /"v" may be anything: give it one type/],
  ["a list of anything", z.array(z.any()), /"v\[\]" may be anything/],
  ["only null", z.null(), /"v" may be anything/],
  ["numbers to choose of", z.literal([1, 2]), /"v" lists values that are no texts/],
  [
    "a member that is no name",
    z.enum(["half-open"]),
    /"v" has the value "half-open", which is no name/,
  ],
  [
    "a member that is a word",
    z.enum(["fast", "keep"]),
    /the value "keep", which is a word of OSC2/,
  ],
  [
    "another unit",
    z.number().meta({ unit: "mm" }),
    /"v" is in mm: scenarios send m, so take it in m/,
  ],
  [
    "another unit inside",
    z.object({ t: z.array(z.number().meta({ unit: "ms" })) }),
    /"v.t\[\]" is in ms/,
  ],
  ["itself", nested, /nests within itself/],
])("an action that takes %s is left out, with the reason", (_, schema, expected) => {
  expect(reasons(source("go", { v: schema })).join("; ")).toMatch(expected);
});

test.each([
  ["unit", /"unit" is a word of OSC2: call it otherwise/],
  ["s", /is a word of OSC2/],
  ["lambda", /is a word of Python/],
  ["mps", /is a unit of osc.types/],
  ["self", /is what the client calls one of its own/],
  ["name", /is what the client calls one of its own/],
  ["max-speed", /is no name in OSC2/],
  ["_private", /is no name in OSC2/],
])("an action with a parameter %s is left out", (name, expected) => {
  expect(reasons(source("go", { [name]: z.int() }))).toEqual([expect.stringMatching(expected)]);
});

test.each([
  ["a record", z.record(z.string(), z.int()), /^"params" has fields of any name/],
  [
    "one of several objects",
    z.union([z.object({}), z.object({ x: z.int() })]),
    /^"params" may be one/,
  ],
  ["a text", z.string(), /^"params" may be anything/],
  ["no schema of JSON", z.object({ at: z.date() }), /^nobody can tell its parameters/],
])("an action whose parameters are %s is left out", (_, schema, expected) => {
  expect(reasons(sourceOf("go", schema))).toEqual([expect.stringMatching(expected)]);
});

test("parameters may be a schema with an id, a lazy one, or two in one", () => {
  const shared = z.object({ x: metres }).meta({ id: "StubParams" });
  const lazy = z.lazy(() => z.object({ x: metres }));
  const both = z.object({}).and(z.object({ x: metres }));
  for (const schema of [shared, lazy, both]) {
    expect(written(sourceOf("go", schema))).toBe("action go:\n    x: length\n");
  }
});

test("a field may be called as Python's words are: only parameters are named there", () => {
  expect(written(source("go", { v: z.object({ lambda: z.int(), name: z.string() }) }))).toContain(
    "    lambda: int\n    name: string\n",
  );
});

test.each([
  ["do", /"do" is a word of OSC2/],
  ["go-home", /is no name/],
  ["a.b.c", /"b.c" is no name/],
  ["arm.do", /"do" is a word/],
  ["log", /is declared by a library of scenario-execution/],
  ["length", /is declared by a library/],
  ["position.go", /"position" is declared by a library/],
])("an action %s is left out", (name, expected) => {
  expect(reasons(source(name, {})).join("; ")).toMatch(expected);
});

test("an action is left out where the client would never get through to it", () => {
  const strict = z.strictObject({ x: z.int() });
  expect(reasons(sourceOf("arm.go", strict))).toEqual([
    'it must take "associated_actor", which the client adds: use z.object, or name it',
  ]);
  expect(reasons(sourceOf("go", strict))).toEqual([]);
  expect(reasons(source("go", { associated_actor: z.object({}) }))).toHaveLength(1);
  const charged = z.object({ name: z.string(), battery: z.int() });
  expect(reasons(source("arm.go", { associated_actor: charged }))).toEqual([
    '"associated_actor.battery" is not known: an actor has a name only',
  ]);
  expect(reasons(source("arm.go", {}), source("arm", {}))).toEqual(['"arm" is an actor, too']);
  expect(reasons({ name: "go" })[0]).toContain("nobody can tell its parameters");
});

// Schemas come from any library: what is no schema at all may not end the command either.
test("whatever a schema says, its action is declared or left out, on lines of its own", () => {
  const words = ["type", "enum", "const", "items", "anyOf", "$ref", "default", "unit", "title"];
  const keys = fc.constantFrom(...words, "description", "properties", "required", "x", "__proto__");
  const types = fc.constantFrom("object", "array", "number", "string", "#/$defs/x", "\n}\n");
  const { schema } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, types, fc.string(), fc.integer(), tie("schema"), tie("list")),
    list: fc.array(tie("value"), { maxLength: 3 }),
    schema: fc.dictionary(keys, fc.oneof(prose, tie("value")), { maxKeys: 5 }),
  }));
  const anySchema = fc.record({ type: fc.constant("object"), properties: schema, $defs: schema });
  fc.assert(
    fc.property(anySchema, prose, (each, description) => {
      const json = JSON.parse(JSON.stringify(each)) as JsonObject;
      const { library, leftOut } = declare("arm", [{ name: "go", description, schema: json }]);
      expect(library.actions.length + leftOut.length).toBe(1);
      const known = /^(?:#.*|import osc\.types|(?:action|struct|enum) \w+:?.*| {4}\w+: .*|)$/;
      for (const line of oscText(library, "origin").split(/[\n\r\f]/)) expect(line).toMatch(known);
    }),
    { numRuns: 2_000 },
  );
});

test("all reasons are told at once, and what can be declared is", () => {
  const { library, leftOut } = declare("arm", [
    source("arm.bad", { unit: z.int(), v: z.tuple([z.int()]) }),
    source("fine", { v: z.int() }),
  ]);
  expect(library.actions.map(({ name }) => name)).toEqual(["fine"]);
  expect(library.actors).toEqual([]);
  expect(leftOut).toEqual([
    { action: "arm.bad", reasons: [expect.any(String), expect.any(String)] },
  ]);
});
