/** The words of several domains together: what may be said twice, and what a definition may name. */
import { describe, expect, test } from "bun:test";
import { Vocabulary } from "../../src/backend/vocabulary.ts";
import type { Atom } from "../../src/core/atom.ts";
import type { Domain, TransitionDef } from "../../src/core/domain.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { harness } from "./harness.ts";

const harbour: Domain = {
  name: "harbour",
  modules: [],
  types: [{ name: "zone", fields: {} }],
  fluents: [
    { name: "no_entry", args: [{ name: "zone", type: "zone" }], default: false },
    { name: "open", args: [{ name: "zone", type: "zone" }], default: true },
  ],
  transitions: [],
  objects: [{ name: "basin", type: "zone", fields: {} }],
};
const text = (value: string) => value as Atom;

/** Room to room, and what is wrong with it. */
function broken(parts: Partial<TransitionDef>): Domain {
  const base = { name: "visit", preconditions: [], adds: [], removes: [] };
  const params = [
    { name: "start", type: "room" },
    { name: "spare", type: "room", optional: true as const },
  ];
  return {
    ...{ name: "broken", modules: [], types: [], fluents: [], objects: [] },
    transitions: [{ ...base, params, ...parts }],
  };
}

test("a fluent may mean one thing of a room and another of a zone", async () => {
  await using http = harness({ domains: [warehouse, harbour] });
  for (const atom of ["no_entry(room_one)", "no_entry(basin)"]) {
    expect((await http.post("/belief/set", { fluent: atom, value: true })).status).not.toBe(422);
    expect((await http.post("/goal", { goal: [atom] })).status).toBe(200);
  }
  const box = await http.post("/goal", { goal: ["no_entry(box_a)"] });
  expect(box.body.detail).toContain('"location" is a room or "zone" is a zone');
  const near = await http.post("/goal", { goal: ["no_entry(basinn)"] });
  expect(near.body.detail).toContain('nearest is "basin"');
  await http.post("/start", { start: ["no_entry(basin)"] });
  const fluents = (await http.get("/fluents")).body as unknown as {
    name: string;
    groundings: string[];
  }[];
  const both = fluents.filter(({ name }) => name === "no_entry");
  expect(both.map(({ groundings }) => groundings)).toEqual([[], ["no_entry(basin)"]]);
  // The default of the definition that an atom is of.
  expect((await http.get("/state")).body).toMatchObject({
    state: ["hands_free", "no_entry(basin)", "open(basin)"],
  });
});

test("the same definition twice is one, with another default it is a conflict", () => {
  const words = new Vocabulary([warehouse, harbour, { ...harbour }]);
  expect(words.fluents.get("no_entry")).toHaveLength(2);
  const fluents = [{ ...harbour.fluents[1], default: false }] as Domain["fluents"];
  expect(() => words.add({ ...harbour, fluents })).toThrow('fluent "open" twice');
});

test("a domain that is read again for another of its modules is listed once, under both", () => {
  const words = new Vocabulary([{ ...harbour, modules: ["my.harbour"] }]);
  words.add({ ...structuredClone(harbour), modules: ["my.other_harbour"] });
  expect(words.domains.map(({ name }) => name)).toEqual(["harbour"]);
  expect(words.moduleNames()).toEqual(["harbour", "my.harbour", "my.other_harbour"]);
  words.add({ ...harbour, objects: [{ name: "dock", type: "zone", fields: {} }] });
  expect(words.domains).toHaveLength(2); // it says something else
});

test("an object may not have the name of a type of another domain", () => {
  const words = new Vocabulary([warehouse]);
  const objects = [{ name: "room", type: "zone", fields: {} }];
  expect(() => words.add({ ...harbour, objects })).toThrow("a type has that name");
  expect(words.types.has("zone")).toBe(false); // whole or not at all
});

describe("a transition is refused that", () => {
  const always = { and: [] };
  const goHome = { transition: "move", parameters: { start: "?start", end: "room_one" } };
  test.each([
    [
      "adds what is not declared",
      { effects: [{ when: always, adds: [text("robot_att(?start)")], removes: [] }] },
      'fluent "robot_att" is not declared; nearest is "robot_at"',
    ],
    [
      "asks with the wrong arity, deep in a condition",
      { preconditions: [{ not: { or: [{ atom: text("robot_at"), holds: true }] } }] },
      '"robot_at" has 0 arguments, not 1',
    ],
    [
      "names no parameter of its own",
      { adds: [text("robot_at(?end)")] },
      '"?end" in "robot_at(?end)"',
    ],
    ["has an object of the wrong type", { adds: [text("robot_at(box_a)")] }, "is given (box)"],
    ["rests on what may be left out", { adds: [text("robot_at(?spare)")] }, "may be left out"],
    ["costs less than nothing", { cost: -1 }, "its cost is -1"],
    ["costs no number", { cost: Number.NaN }, "its cost is NaN"],
    [
      "has an unknown step in its script",
      { script: [{ ...goHome, transition: "mov" }] },
      'nearest is "move"',
    ],
    [
      "leaves out a parameter of a step",
      { script: [{ ...goHome, parameters: { start: "?start" } }] },
      'needs "end"',
    ],
    [
      "gives a step a parameter it does not have",
      { script: [{ ...goHome, parameters: { ...goHome.parameters, speed: "?start" } }] },
      'no parameter "speed"',
    ],
    [
      "gives a step an object of the wrong type",
      { script: [{ ...goHome, parameters: { start: "?start", end: "box_a" } }] },
      "is a room, no box",
    ],
    [
      "is a part of itself",
      { script: [{ transition: "visit", parameters: { start: "?start" } }] },
      "in a circle: visit > visit",
    ],
  ] as const)("%s", (_, parts, reason) => {
    const words = new Vocabulary([warehouse]);
    expect(() => words.add(broken(parts as Partial<TransitionDef>))).toThrow(reason);
    expect(words.transitions.has("visit")).toBe(false);
  });

  test("and one without fault is taken", () => {
    const words = new Vocabulary([warehouse]);
    const enters = () => false;
    words.add({ ...broken({ script: [goHome], cost: 0 }), code: { visit: { enters } } });
    expect(words.codeOf("visit")?.enters).toBe(enters);
    words.add({ ...broken({ script: [goHome], cost: 0 }) }); // as data, from a plugin: no conflict
    expect(words.codeOf("visit")?.enters).toBe(enters);
  });
});
