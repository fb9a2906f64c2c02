// Goal: what a step does to a state is one rule for planner, executor and whoever looks on.
import { expect, test } from "bun:test";
import { type Atom, atom } from "../../src/core/atom.ts";
import { not, or } from "../../src/core/condition.ts";
import { groundStep, outcome } from "../../src/core/outcome.ts";

const lit = (room: string) => atom("lit", [room]);
const [hall, attic, safe, at] = [lit("hall"), lit("attic"), atom("safe"), atom("at", ["hall"])];
const when = { atom: hall, holds: true };
const done = (step: Parameters<typeof outcome>[0], ...state: Atom[]) =>
  outcome(step, new Set(state));

test("outcome() judges conditional effects in the state before the step", () => {
  const step = { adds: [hall], removes: [], effects: [{ when, adds: [safe], removes: [at] }] };
  expect(done(step)).toEqual({ adds: [hall], removes: [] });
  expect(done(step, hall)).toEqual({ adds: [hall, safe], removes: [at] });
});

test("outcome() lets what is added win, wherever it is added and removed", () => {
  const takes = { when, adds: [], removes: [safe] };
  const gives = { when: or(hall, attic), adds: [safe, at], removes: [] };
  expect(done({ adds: [safe], removes: [], effects: [takes] }, hall)).toEqual({
    adds: [safe],
    removes: [],
  });
  expect(done({ adds: [], removes: [at], effects: [takes, gives] }, hall)).toEqual({
    adds: [safe, at],
    removes: [],
  });
  expect(done({ adds: [], removes: [at], effects: [takes, gives] })).toEqual({
    adds: [],
    removes: [at],
  });
});

test("groundStep() puts objects in the place of parameters, in conditional effects too", () => {
  const here = lit("?room");
  const def = {
    name: "enter",
    params: [{ name: "room", type: "room" }],
    preconditions: [],
    adds: [atom("at", ["?room"]), here],
    removes: [here],
    effects: [{ when: not(here), adds: [here], removes: [safe] }],
  };
  expect(groundStep(def, { room: "hall" })).toEqual({
    transition: "enter",
    parameters: { room: "hall" },
    adds: [at, hall],
    removes: [],
    effects: [{ when: not(hall), adds: [hall], removes: [safe] }],
  });
  const { effects: _, ...plain } = def;
  expect(groundStep(plain, { room: "attic" })).not.toHaveProperty("effects");
});
