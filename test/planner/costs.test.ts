// Goal: a plan is cheap, says what it costs, and is made within bounded work.
import { expect, test } from "bun:test";
import { type Atom, atom } from "../../src/core/atom.ts";
import { and, type Condition, not, or } from "../../src/core/condition.ts";
import type { TransitionDef } from "../../src/core/domain.ts";
import { type Fluent, fluent, objectType, transition } from "../../src/core/vocabulary.ts";
import { findPlan, type Problem } from "../../src/planner/plan.ts";
import { wanted } from "./rooms.ts";
import { cheapestPlan, fakeClock } from "./tasks.ts";

const clock = fakeClock();
const flag = (name: string): Atom => atom(name);
const step = (name: string, adds: string[], needs: (Atom | Condition)[] = [], cost?: number) =>
  transition(name, {
    preconditions: () => needs,
    adds: () => adds.map(flag),
    ...(cost === undefined ? {} : { cost }),
  }).def;
const problemOf = (
  transitions: TransitionDef[],
  goal: string[],
  state: string[] = [],
): Problem => ({
  ...{ transitions, objects: [], state: new Set(state.map(flag)), goal: wanted(...goal.map(flag)) },
  fluents: [...new Set([...goal, ...state, ...transitions.flatMap(({ adds }) => adds)])].map(
    (name) => fluent(name).def as Fluent["def"],
  ),
});

test("findPlan() goes a longer way when it is cheaper, and tells the cost of each step", async () => {
  const ways = [
    step("leap", ["there"], [], 10),
    step("walk", ["half"], [], 2),
    step("rest", ["fresh"], [flag("half")], 0),
    step("run", ["there"], [flag("fresh")], 3),
  ];
  const { plan, cost } = await findPlan(problemOf(ways, ["there"]), { clock });
  expect(plan?.map((each) => [each.transition, each.cost])).toEqual([
    ["walk", 2],
    ["rest", 0],
    ["run", 3],
  ]);
  expect(cost).toBe(5);
});

test("Problem.cost goes before what a transition says", async () => {
  const problem = { ...problemOf([step("go", ["there"], [], 10)], ["there"]), cost: () => 0.25 };
  expect(await findPlan(problem, { clock })).toMatchObject({ cost: 0.25, plan: [{ cost: 0.25 }] });
});

test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])(
  "findPlan() refuses a step that costs %d",
  async (cost) => {
    const problem = { ...problemOf([step("go", ["there"])], ["there"]), cost: () => cost };
    await expect(findPlan(problem, { clock })).rejects.toMatchObject({ code: "domain.invalid" });
  },
);

/** Places on a line to be visited, their order shuffled; way costs its length. */
function round(where: readonly number[]): Problem {
  const place = objectType("place");
  const at = fluent("at", { place });
  const visited = fluent("visited", { place });
  const goTo = transition("go", {
    params: { from: place, to: place },
    preconditions: (p) => [at(p.from)],
    adds: (p) => [at(p.to), visited(p.to)],
    removes: (p) => [at(p.from)],
  });
  const name = (index: number) => `p${index}`;
  const spot = (text = "") => where[Number(text.slice(1))] ?? 0;
  return {
    ...{ transitions: [goTo.def], fluents: [at.def, visited.def] },
    objects: where.map((_, index) => ({ name: name(index), type: "place", fields: {} })),
    state: new Set([atom("at", [name(0)]), atom("visited", [name(0)])]),
    goal: wanted(...where.map((_, index) => atom("visited", [name(index)]))),
    cost: ({ parameters }) => Math.abs(spot(parameters.from) - spot(parameters.to)),
  };
}

test("findPlan() visits places in the best order when they are few", async () => {
  expect((await findPlan(round([0, 5, 1, 7, 3, 6, 2, 8, 4]), { clock })).cost).toBe(8);
});

test("findPlan() visits many places in an order that is not much too long", async () => {
  const where = Array.from({ length: 30 }, (_, index) => (index * 11) % 30);
  const { cost } = await findPlan(round(where), { clock });
  expect(cost).toBeLessThanOrEqual(60);
});

test("findPlan() does what has effects only where it helps, and not where it harms", async () => {
  const press: TransitionDef = {
    ...{ name: "press", params: [], preconditions: [], adds: [], removes: [] },
    effects: [
      { when: { atom: flag("armed"), holds: true }, adds: [flag("lit")], removes: [] },
      { when: not(flag("wired")), adds: [], removes: [flag("whole")] },
    ],
  };
  const ways = [press, step("arm", ["armed"]), step("wire", ["wired"])];
  const problem = problemOf(ways, ["lit", "whole"], ["whole"]);
  const { plan } = await findPlan(problem, { clock });
  expect(plan?.map((each) => each.transition).toSorted()).toEqual(["arm", "press", "wire"]);
  expect(plan?.at(-1)?.effects).toHaveLength(2);
  expect(cheapestPlan(problem)).toBe(3);
});

test("findPlan() refuses conditions that can hold in too many ways, and takes those that cannot", async () => {
  const pairs = Array.from({ length: 40 }, (_, at) => or(flag(`a${at}`), flag(`b${at}`)));
  const state = pairs.map((_, at) => `a${at}`);
  const tangled = problemOf([step("go", ["there"], pairs)], ["there"], state);
  await expect(findPlan(tangled, { clock })).rejects.toMatchObject({ code: "domain.invalid" });
  const denied = not(and(...Array.from({ length: 200 }, (_, at) => flag(`a${at}`))));
  const wide = problemOf([step("go", ["there"], [denied])], ["there"], state);
  expect((await findPlan(wide, { clock })).plan).toHaveLength(1);
});

test("findPlan() leaves out parameters that may be left out", async () => {
  const params = [{ name: "position", type: "place", optional: true }] as const;
  const abort: TransitionDef = { ...step("abort", ["there"]), params };
  const { plan } = await findPlan(problemOf([abort], ["there"]), { clock });
  expect(plan?.[0]?.parameters).toEqual({});
});
