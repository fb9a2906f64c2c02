// Goal: plans for the warehouse are right, short, and told in words a person can use.
import { expect, test } from "bun:test";
import { type Atom, atom, parseAtom } from "../../src/core/atom.ts";
import { not } from "../../src/core/condition.ts";
import { fluent, objectType, transition } from "../../src/core/vocabulary.ts";
import { findPlan, type GroundStep, type Problem } from "../../src/planner/plan.ts";
import { boxAt, carry, robotAt, wanted } from "./rooms.ts";
import { fakeClock } from "./tasks.ts";
import { tilesSwapped } from "./tiles.ts";

const clock = fakeClock();
const spell = ({ transition: name, parameters }: GroundStep) =>
  `${name}(${Object.values(parameters).join(", ")})`;

test("findPlan() carries a box with four steps, its parameters in declared order", async () => {
  const problem = { ...carry(3, 2), goal: wanted(boxAt(2, 1)) };
  const { reason, plan, detail } = await findPlan(problem, { clock });
  expect(reason).toBe("plan_found");
  expect(plan?.map(spell)).toEqual([
    "move(room_0, room_1)",
    "pick(room_1, box_1)",
    "move(room_1, room_2)",
    "place(room_2, box_1)",
  ]);
  expect(plan?.[1]?.parameters).toEqual({ room: "room_1", box: "box_1" });
  expect(Object.keys(plan?.[1]?.parameters ?? {})).toEqual(["room", "box"]);
  expect(plan?.[1]?.adds).toEqual([atom("holding", ["box_1"])]);
  expect(detail).toBe("A plan of 4 steps");
});

test.each([
  [10, 10, 30],
  [30, 40, 120],
])(
  "findPlan() moves boxes over %d rooms (%d boxes) in at most %d steps",
  async (rooms, boxes, max) => {
    const { plan } = await findPlan(carry(rooms, boxes), { clock });
    expect(plan?.length).toBeLessThanOrEqual(max);
  },
);

test("findPlan() needs a fluent that defaults to true only when the state holds it", async () => {
  const problem = carry(2, 1);
  const busy = new Set([...problem.state].filter((each) => each !== "hands_free"));
  const { reason, detail } = await findPlan({ ...problem, state: busy }, { clock });
  expect(reason).toBe("goal_unreachable");
  expect(detail).toContain("box_at(room_1, box_0)");
});

test("findPlan() goes around a keep-out, and says so when there is no way around", async () => {
  const place = objectType("place");
  const at = fluent("at", { place });
  const road = fluent("road", { from: place }, { to: place });
  const drive = transition("drive", {
    params: { from: place, to: place },
    preconditions: (p) => [at(p.from), road(p.from, p.to)],
    adds: (p) => [at(p.to)],
    removes: (p) => [at(p.from)],
  });
  const roads = ["a b", "b e", "a c", "c d", "d e"].map((pair) => atom("road", pair.split(" ")));
  const problem: Problem = {
    transitions: [drive.def],
    fluents: [at.def, road.def],
    objects: ["a", "b", "c", "d", "e"].map((name) => ({ name, type: "place", fields: {} })),
    state: new Set([atom("at", ["a"]), ...roads]),
    goal: wanted(atom("at", ["e"])),
  };
  const avoiding = (...closed: string[]) =>
    findPlan(
      { ...problem, allowed: ({ adds }) => !adds.some((x) => closed.includes(x)) },
      { clock },
    );
  expect((await avoiding()).plan).toHaveLength(2);
  expect((await avoiding("at(b)")).plan?.map(spell)).toEqual([
    "drive(a, c)",
    "drive(c, d)",
    "drive(d, e)",
  ]);
  const stuck = await avoiding("at(b)", "at(d)");
  expect(stuck.reason).toBe("goal_unreachable");
  expect(stuck.plan).toBeNull();
  expect(stuck.detail).toContain("at(e)");
});

test("findPlan() makes a negative precondition true before it relies on it", async () => {
  const on = fluent("on");
  const open = fluent("open");
  const flip = transition("flip", { preconditions: () => [on()], removes: () => [on()] });
  const lift = transition("lift", { preconditions: () => [not(on())], adds: () => [open()] });
  const problem: Problem = {
    transitions: [lift.def, flip.def],
    fluents: [on.def, open.def],
    objects: [],
    state: new Set([on()]),
    goal: wanted(open()),
  };
  expect((await findPlan(problem, { clock })).plan?.map(spell)).toEqual(["flip()", "lift()"]);
  const again = { ...problem, goal: [not(on())] };
  expect((await findPlan(again, { clock })).plan?.map(spell)).toEqual(["flip()"]);
  const both = { ...problem, goal: [not(open()), ...wanted(open())] };
  expect((await findPlan(both, { clock })).reason).toBe("goal_unreachable");
});

test("findPlan() sees every state before it says that there is no plan", async () => {
  const { reason, plan } = await findPlan(tilesSwapped(2, 2), { clock });
  expect([reason, plan]).toEqual(["no_plan_found", null]);
});

test.each<[string, Atom[]]>([
  ["a robot in two rooms", [boxAt(5, 0), robotAt(0), robotAt(1)]],
  ["a box in two rooms", [boxAt(2, 0), boxAt(3, 0)]],
  ["a box in a room and in the hand", [boxAt(2, 0), atom("holding", ["box_0"])]],
  ["two boxes in the hand", [1, 2].map((box) => atom("holding", [`box_${box}`]))],
  ["a box in the free hand", [atom("hands_free"), atom("holding", ["box_1"])]],
])("findPlan() needs no search to see that there is no %s", async (_, goal) => {
  const { reason, detail } = await findPlan(
    { ...carry(9, 9), goal: wanted(...goal) },
    { clock, nodesMax: 0 },
  );
  expect(reason).toBe("goal_unreachable");
  expect(detail).toContain(`${goal.at(-1)} (it excludes ${goal.at(-2)}, the two never hold`);
});

test("findPlan() needs a goal", async () => {
  const { reason, plan } = await findPlan({ ...carry(2, 1), goal: [] }, { clock });
  expect([reason, plan]).toEqual(["no_goal_set", null]);
});

test("findPlan() satisfies a goal that holds with no step", async () => {
  for (const goal of [wanted(robotAt(0)), [not(robotAt(1))]]) {
    const { reason, plan } = await findPlan({ ...carry(2, 1), goal }, { clock });
    expect([reason, plan]).toEqual(["goal_already_satisfied", []]);
  }
});

test("findPlan() says which goal atoms are out of reach, and why when a name is unknown", async () => {
  const goal = ["robot_at(room_1)", "robot_at(cellar)", "floats(box_0)", "no_entry(room_0)"];
  const { reason, detail } = await findPlan(
    { ...carry(2, 1), goal: wanted(...goal.map(parseAtom)) },
    { clock },
  );
  expect(reason).toBe("goal_unreachable");
  expect(detail).toContain('robot_at(cellar) (there is no object "cellar")');
  expect(detail).toContain('floats(box_0) (there is no fluent "floats")');
  expect(detail).toContain("no_entry(room_0)");
  expect(detail).not.toContain("room_1");
});
