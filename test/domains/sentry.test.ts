/**
 * The Sentry's vocabulary, put to the planner as a backend does: through its view, from a state, and
 * back to steps that name objects of the world.
 */
import { expect, test } from "bun:test";
import { type Atom, parseAtom } from "../../src/core/atom.ts";
import type { Domain, ObjectDef, Scene, StepDef } from "../../src/core/domain.ts";
import { adaptiveResampling } from "../../src/domains/adaptive-resampling.ts";
import { sentry } from "../../src/domains/sentry.ts";
import { findPlan } from "../../src/planner/plan.ts";
import { systemClock } from "../../src/system/clock.ts";

const coordinate = (name: string, longitude: number, latitude: number): ObjectDef => ({
  name,
  type: "coordinate",
  fields: { longitude, latitude, coordinate_frame: "local_enu" },
});
const square = (name: string, from: number, to: number): ObjectDef => ({
  name,
  type: "zone",
  fields: {
    coordinate_frame: "local_enu",
    vertices: [
      [from, from],
      [to, from],
      [to, to],
      [from, to],
    ],
    coverage_width: 10,
    robot_width: 1,
  },
});
const objects: readonly ObjectDef[] = [
  coordinate("a", 0, 0),
  coordinate("b", 100, 0),
  coordinate("c", 0, 300),
  square("site", 10, 60),
  { name: "shallow", type: "depthtarget", fields: { depth_m: 10, hold_duration_s: 60 } },
  { name: "deep", type: "depthtarget", fields: { depth_m: 90, hold_duration_s: 60 } },
  { name: "near_bottom", type: "altitudetarget", fields: { altitude_m: 5, hold_duration_s: 60 } },
];

function sceneOf(state: readonly Atom[], known = objects): Scene {
  const byName = new Map(known.map((object) => [object.name, object]));
  return { object: (name) => byName.get(name), objects: known, state: new Set(state) };
}

interface Told {
  readonly state?: readonly string[];
  readonly provided?: readonly string[];
  readonly known?: readonly ObjectDef[];
}

async function planned(goal: readonly string[], { state = [], provided = [], known }: Told = {}) {
  const atoms = state.map(parseAtom);
  const wanted = goal.map(parseAtom);
  const scene = sceneOf(atoms, known);
  const domains: readonly Domain[] = [sentry, adaptiveResampling];
  const outlook = {
    objects: scene.objects,
    state: scene.state,
    transitions: domains.flatMap(({ transitions }) => transitions),
  };
  const wish = { goal: wanted, isProvided: (name: string) => provided.includes(name) };
  const view = sentry.view?.(outlook, wish);
  if (view === undefined) throw new Error("the sentry has a view");
  const { reason, plan } = await findPlan(
    {
      ...view,
      fluents: domains.flatMap(({ fluents }) => fluents),
      goal: wanted.map((atom) => ({ atom, holds: true })),
      allowed: view.allows,
      cost: (step) => sentry.code?.[step.transition]?.cost?.(step, scene) ?? 1,
    },
    { clock: systemClock },
  );
  return plan === null ? reason : plan.map((step) => textOf(view.restore(step)));
}

const textOf = ({ transition, parameters }: StepDef) =>
  `${transition}(${Object.values(parameters).join(", ")})`;

test("a leg starts where the vehicle is", async () => {
  expect(await planned(["at(b)"], { state: ["at(a)"] })).toEqual(["goto(a, b)"]);
});

test("with no position known, the end of the first leg stands for its start", async () => {
  expect(await planned(["at(b)"])).toEqual(["goto(b, b)"]);
  expect(await planned(["visited(b)", "at(a)"])).toEqual(["goto(b, b)", "goto(b, a)"]);
});

test("a survey ends somewhere else: a place to be at comes after it", async () => {
  const goal = ["full_coverage_of(site)", "at(a)"];
  expect(await planned(goal, { state: ["at(a)"] })).toEqual(["survey(site)", "goto(a, a)"]);
  expect(await planned(goal)).toEqual(["survey(site)", "goto(a, a)"]);
});

test("zones are surveyed one beside the other, and a route where it lies on the way", async () => {
  const far = [500, 100, 700, 300, 900];
  const zones = far.map((from) => square(`at_${from}`, from, from + 50));
  const path = { coordinate_frame: "local_enu", waypoints: ["r", "q"] };
  const known = [
    ...[...objects, ...zones, coordinate("q", 400, 400), coordinate("r", 420, 400)],
    { name: "between", type: "route", fields: path },
  ];
  const goal = [...far.map((from) => `full_coverage_of(at_${from})`), "traversed(between)"];
  const steps = [100, 300, 500, 700, 900].map((from) => `survey(at_${from})`);
  steps.splice(2, 0, "follow_path(between)");
  expect(await planned(goal, { known, state: ["at(a)"] })).toEqual(steps);
  const back = await planned([...goal, "at(b)"], { known, state: ["at(a)"] });
  expect(back).toHaveLength(7);
  expect(back.at(-1)).toBe("goto(b, b)");
});

test("one thing is held at a time", async () => {
  expect(await planned(["hold_depth(deep)"], { state: ["hold_depth(shallow)"] })).toEqual([
    "hold_depth_to(deep)",
  ]);
  expect(await planned(["hold_depth(deep)", "hold_altitude(near_bottom)"])).toBe("no_plan_found");
});

test("the phases are planned once somebody provides takeover_control", async () => {
  const provided = ["takeover_control"];
  expect(await planned(["at(b)"], { provided })).toEqual(["takeover_control()", "goto(b, b)"]);
  expect(await planned(["at(b)"], { provided, state: ["phase_at_depth"] })).toEqual(["goto(b, b)"]);
  const home = ["full_coverage_of(site)", "phase_ascending()"];
  expect(await planned(home, { provided })).toEqual([
    "takeover_control()",
    "survey(site)",
    "full_abort()",
  ]);
  expect(await planned(["phase_ascending"])).toBe("goal_unreachable");
});

test("a vehicle on its way up goes nowhere", async () => {
  expect(await planned(["at(b)"], { state: ["phase_ascending"] })).toBe("goal_unreachable");
});

test("a zone of the goal that cannot be flown is refused before anything is planned", async () => {
  const known = [...objects, { ...square("unfit", 0, 1), fields: {} }];
  await expect(planned(["full_coverage_of(unfit)"], { known })).rejects.toThrow(
    'Cannot survey "unfit"',
  );
  await expect(planned(["at(b)"], { known })).resolves.toEqual(["goto(b, b)"]);
});

test("the ends of old tracks do not weigh on a plan", async () => {
  const ends = Array.from({ length: 2_000 }, (_, n) => coordinate(`site_leg_${n}`, n, n));
  const visited = ends.map(({ name }) => `visited(${name})`);
  const known = [...objects, ...ends];
  const state = [...visited, "at(site_leg_1999)"];
  expect(await planned(["at(b)"], { known, state })).toEqual(["goto(site_leg_1999, b)"]);
  const guarded = [...state, "no_entry(site)"];
  expect(await planned(["at(b)"], { known, state: guarded })).toEqual(["goto(site_leg_1999, b)"]);
});

test("resampling is planned beside the Sentry", async () => {
  expect(await planned(["resampling_complete"])).toEqual(["resample_zone(site)"]);
});

test("a step that starts is settled: from where the vehicle is by then", () => {
  const step = { transition: "goto", parameters: { start: "b", end: "b" } };
  expect(sentry.code?.goto?.settle?.(step, sceneOf([parseAtom("at(a)")]))).toEqual({
    transition: "goto",
    parameters: { start: "a", end: "b" },
    assumes: [parseAtom("at(a)")],
  });
  expect(sentry.code?.goto?.settle?.(step, sceneOf([]))).toEqual({
    transition: "goto",
    parameters: { start: "b", end: "b" },
    assumes: [parseAtom("at(b)")],
  });
});

test("a step makes false what it makes impossible", () => {
  const state = ["at(a)", "at(c)", "hold_depth(deep)", "visited(a)"].map(parseAtom);
  const removed = (transition: string) =>
    sentry.code?.[transition]?.alsoRemoves?.({ transition, parameters: {} }, sceneOf(state));
  expect(removed("goto")).toEqual(["at(a)", "at(c)"].map(parseAtom));
  expect(removed("station_keep")).toEqual([parseAtom("hold_depth(deep)")]);
  expect(removed("full_abort")).toEqual(["at(a)", "at(c)", "hold_depth(deep)"].map(parseAtom));
});

test("coordinates are one when place, frame and height are the same", () => {
  const key = (fields: ObjectDef["fields"], type = "coordinate") =>
    sentry.identity?.({ name: "any", type, fields });
  const here = { longitude: -70.66, latitude: 41.5 };
  expect(key(here)).toBe(key({ ...here, coordinate_frame: "geographic" }) as string);
  expect(key({ longitude: 180, latitude: 0 })).toBe(
    key({ longitude: -180, latitude: 0 }) as string,
  );
  expect(key({ longitude: -0, latitude: 0 })).toBe(key({ longitude: 0, latitude: -0 }) as string);
  const others = [
    { ...here, coordinate_frame: "local_enu" },
    { ...here, altitude: 5 },
    { ...here, depth: 5 },
    { ...here, latitude: 41.6 },
  ];
  expect(new Set([here, ...others].map((fields) => key(fields))).size).toBe(5);
  expect(key({ latitude: 41.5 })).toBeUndefined();
  expect(key(here, "zone")).toBeUndefined();
});
