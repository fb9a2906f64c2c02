import { expect, test } from "bun:test";
import type { Atom } from "../../src/core/atom.ts";
import { and, not, or } from "../../src/core/condition.ts";
import { unique } from "../../src/core/domain.ts";
import {
  domain,
  fluent,
  objectRef,
  objectType,
  optional,
  step,
  transition,
  when,
} from "../../src/core/vocabulary.ts";

const room = objectType("room", { capacity: "number" });
const box = objectType("box");
const kitchen = room("kitchen", { capacity: 3 });
const robotAt = fluent("robot_at", { location: room });
const boxAt = fluent("box_at", { location: room }, { what: box });
const free = fluent("hands_free").defaultTrue();
const pick = transition("pick", {
  params: { from: room, what: box },
  preconditions: ({ from, what }) => [free(), robotAt(from), not(boxAt(from, what))],
  adds: ({ from, what }) => [boxAt(from, what)],
  removes: () => [free()],
});

test("a fluent applied to objects is an atom", () => {
  expect(boxAt(kitchen, box.ref("b1"))).toBe("box_at(kitchen, b1)" as Atom);
  expect(free()).toBe("hands_free" as Atom);
  expect(free.def).toEqual({ name: "hands_free", args: [], default: true });
  expect(boxAt.def.args).toEqual([
    { name: "location", type: "room" },
    { name: "what", type: "box" },
  ]);
});

test("an object prints as its name, in text and in JSON", () => {
  expect(`${kitchen} ${JSON.stringify({ at: kitchen })}`).toBe('kitchen {"at":"kitchen"}');
  expect(objectRef("x", "room").type).toBe("room");
});

test("a transition is plain data over its parameters", () => {
  expect(pick.def).toEqual({
    name: "pick",
    params: [
      { name: "from", type: "room" },
      { name: "what", type: "box" },
    ],
    preconditions: [
      { atom: "hands_free" as Atom, holds: true },
      { atom: "robot_at(?from)" as Atom, holds: true },
      { atom: "box_at(?from, ?what)" as Atom, holds: false },
    ],
    adds: ["box_at(?from, ?what)" as Atom],
    removes: ["hands_free" as Atom],
  });
  expect(transition("rest", {}).def).toMatchObject({ params: [], adds: [], preconditions: [] });
});

test("a domain holds every type, fluent and object that its transitions reach, once", () => {
  const found = domain("house", { transitions: [pick, pick], fluents: [robotAt], modules: ["m"] });
  const names = (of: readonly { name: string }[]) => of.map((each) => each.name).sort();
  expect(names(found.types)).toEqual(["box", "room"]);
  expect(names(found.fluents)).toEqual(["box_at", "hands_free", "robot_at"]);
  expect(names(found.transitions)).toEqual(["pick"]);
  expect(found.objects).toEqual([{ name: "kitchen", type: "room", fields: { capacity: 3 } }]);
  expect(JSON.parse(JSON.stringify(found))).toEqual(found);
});

test("a transition defined while another is being defined keeps both their fluents", () => {
  const outer = transition("outer", {
    adds: () => {
      transition("inner", { adds: () => [free()] });
      return [robotAt(kitchen)];
    },
  });
  expect(outer.fluents.map(({ def }) => def.name)).toEqual(["robot_at"]);
});

test("two contents under one name are a conflict; the same content twice is none", () => {
  const same = [
    { name: "a", fields: { x: 1, y: 2 } },
    { name: "a", fields: { y: 2, x: 1 } },
  ];
  expect(unique("type", same)).toHaveLength(1);
  const conflict = expect.objectContaining({ code: "domain.conflict" });
  const wide = objectType("room", { capacity: "string" });
  expect(() => domain("d", { types: [room, wide] })).toThrow(conflict);
  expect(() => domain("d", { fluents: [free, fluent("hands_free")] })).toThrow(conflict);
  const twice = objectType("cup");
  twice("c1", { size: 1 });
  twice("c1", { size: 2 });
  expect(() => domain("d", { types: [twice] })).toThrow(/object "c1" twice/);
});

test("a name that no atom could hold is refused when it is declared", () => {
  for (const name of ["", "a b", "a(b)", "1st", "a,b", '"a"']) {
    const refused = expect.objectContaining({ code: "atom.malformed" });
    expect(() => objectType(name), name).toThrow(refused);
    expect(() => room(name), name).toThrow(refused);
    expect(() => fluent(name), name).toThrow(refused);
    expect(() => transition(name, {}), name).toThrow(refused);
  }
});

test("a transition may have effects under conditions, a cost, and steps that it is made of", () => {
  const go = transition("go", {
    params: { to: room },
    preconditions: ({ to }) => [or(free(), and(robotAt(to), not(free())))],
    effects: ({ to }) => [when(free(), { adds: [robotAt(to)] })],
    cost: 2.5,
  });
  const tour = transition("tour", {
    params: { a: room, b: room },
    script: ({ a, b }) => [step(go, { to: a }), step(go, { to: b })],
  });
  expect(go.def).toMatchObject({
    preconditions: [
      {
        or: [
          { atom: "hands_free", holds: true },
          { and: [{ atom: "robot_at(?to)" }, { atom: "hands_free", holds: false }] },
        ],
      },
    ],
    effects: [{ when: { atom: "hands_free", holds: true }, adds: ["robot_at(?to)"], removes: [] }],
    cost: 2.5,
  });
  expect(tour.def.script).toEqual([
    { transition: "go", parameters: { to: "?a" } },
    { transition: "go", parameters: { to: "?b" } },
  ]);
  expect(() => transition("bad", { cost: -1 })).toThrow("its cost is -1");
});

test("what data cannot say of a transition stays beside it as code", () => {
  const go = transition("go", { params: { to: room }, cost: () => 7, enters: () => true });
  const { code, transitions } = domain("house", { transitions: [go] });
  expect(code?.go?.cost?.({ transition: "go", parameters: {} }, {} as never)).toBe(7);
  expect(Object.keys(code?.go ?? {})).toEqual(["cost", "enters"]);
  expect(transitions[0]).not.toHaveProperty("cost");
});

test("a parameter may be left out, by whoever gives no such thing to a step", () => {
  const rest = transition("rest", { params: { at: room, until: optional(box) } });
  expect(rest.def.params).toEqual([
    { name: "at", type: "room" },
    { name: "until", type: "box", optional: true },
  ]);
  expect(step(rest, { at: kitchen }).parameters).toEqual({ at: "kitchen" });
  expect(step(rest, { at: kitchen, until: undefined }).parameters).toEqual({ at: "kitchen" });
  expect(domain("d", { transitions: [rest] }).types.map(({ name }) => name)).toEqual([
    "room",
    "box",
  ]);
});

test("a fluent may be used with two meanings in one transition", () => {
  const [ofRoom, ofBox] = [fluent("seen", { room }), fluent("seen", { box })];
  const look = transition("look", {
    params: { where: room, what: box },
    adds: ({ where, what }) => [ofRoom(where), ofBox(what)],
  });
  expect(domain("d", { transitions: [look] }).fluents).toEqual([ofRoom.def, ofBox.def]);
});

test("an argument that is no record of one name is refused where there is no type checker", () => {
  const careless = fluent as (name: string, ...args: object[]) => unknown;
  expect(() => careless("near", { a: room, b: box })).toThrow("not of {a, b}");
  expect(() => careless("near", {})).toThrow("each argument is a record of one name");
});
