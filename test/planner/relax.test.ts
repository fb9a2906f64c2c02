// Goal: of a goal that cannot be had, a person learns which parts stand in the way, why, and gets
// a plan for the rest.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Atom, atom, parseAtom } from "../../src/core/atom.ts";
import { not } from "../../src/core/condition.ts";
import { findPlan, type Problem } from "../../src/planner/plan.ts";
import { validatePlan } from "../../src/planner/validate.ts";
import { boxAt, carry, robotAt, wanted } from "./rooms.ts";
import { cheapestPlan, fakeClock, problems } from "./tasks.ts";
import { tilesSwapped } from "./tiles.ts";

const clock = fakeClock();
const relax = (problem: Problem) => findPlan(problem, { clock, relax: true });
const holding = (box: number) => atom("holding", [`box_${box}`]);

test("findPlan() plans for the rest of a goal and tells of what it left out", async () => {
  const goal = wanted(...["floats(box_0)", "robot_at(cellar)"].map(parseAtom), boxAt(2, 0));
  const { reason, plan, relaxation } = await relax({ ...carry(3, 2), goal });
  expect([reason, plan]).toEqual(["goal_unreachable", null]);
  const unknown = { holds: true, why: "unknown" } as const;
  expect(relaxation?.blocking).toEqual([
    { ...unknown, atom: parseAtom("floats(box_0)"), detail: 'there is no fluent "floats"' },
    { ...unknown, atom: parseAtom("robot_at(cellar)"), detail: 'there is no object "cellar"' },
  ]);
  expect(relaxation?.goal).toEqual(wanted(boxAt(2, 0)));
  expect(relaxation?.plan).toHaveLength(3);
});

const busy = (problem: Problem) => ({
  ...problem,
  state: new Set([...problem.state].filter((each) => each !== "hands_free")),
});
const closed = (problem: Problem): Problem => ({
  ...problem,
  allowed: ({ adds }) => (adds.includes(robotAt(2)) ? "no_entry(room_2) holds" : true),
});

test.each<[string, Problem, Atom, string, string]>([
  [
    "that nothing adds",
    carry(3, 1),
    parseAtom("no_entry(room_0)"),
    "no_transition",
    "no transition makes it true",
  ],
  [
    "that a keep-out is before",
    closed(carry(3, 1)),
    robotAt(2),
    "refused",
    "no_entry(room_2) holds",
  ],
  [
    "for which something is needed that nothing adds",
    {
      ...busy(carry(3, 1)),
      transitions: carry(3, 1).transitions.filter(({ name }) => name !== "place"),
    },
    holding(0),
    "needs",
    "pick needs hands_free (no transition makes it true)",
  ],
  [
    "behind a keep-out",
    closed(carry(3, 1)),
    boxAt(2, 0),
    "needs",
    "place needs robot_at(room_2) (what would bring it about is refused: no_entry(room_2) holds)",
  ],
  [
    "that excludes another",
    carry(3, 1),
    robotAt(1),
    "mutex",
    "it excludes robot_at(room_0), the two never hold together",
  ],
  [
    "that needs an object of which there is none",
    {
      ...carry(3, 1),
      transitions: carry(3, 1).transitions.map((def) => ({
        ...def,
        params: [...def.params, { name: "tool", type: "tool" }],
      })),
    },
    robotAt(1),
    "needs",
    "move needs a tool, and there is none",
  ],
])("findPlan() explains a part of a goal %s", async (_, problem, atom, why, detail) => {
  const { relaxation } = await relax({ ...problem, goal: wanted(robotAt(0), atom) });
  expect(relaxation?.blocking).toEqual([
    { atom, holds: true, why: why as "needs", detail: expect.stringContaining(detail) },
  ]);
  expect(relaxation).toMatchObject({ goal: wanted(robotAt(0)), plan: [] });
});

test("findPlan() explains an atom that nothing makes false, and a goal that contradicts itself", async () => {
  const problem = carry(2, 1);
  const shut = { ...problem, state: new Set([...problem.state, parseAtom("no_entry(room_1)")]) };
  const shutGoal = [not(parseAtom("no_entry(room_1)")), ...wanted(boxAt(0, 0))];
  const { relaxation } = await relax({ ...shut, goal: shutGoal });
  expect(relaxation?.blocking).toMatchObject([
    { holds: false, why: "no_transition", detail: "no transition makes it false" },
  ]);
  const torn = await relax({ ...problem, goal: [...wanted(robotAt(1)), not(robotAt(1))] });
  expect(torn.relaxation?.blocking).toMatchObject([{ holds: false, why: "mutex" }]);
  expect(torn.relaxation?.plan).toHaveLength(1);
});

test("findPlan() keeps what can be had together when only a search shows that not all can", async () => {
  const { reason, relaxation } = await relax(tilesSwapped(2, 2));
  expect(reason).toBe("no_plan_found");
  expect(relaxation?.blocking.map(({ why }) => why)).toContain("together");
  expect(relaxation?.goal.length).toBeGreaterThan(0);
  expect(
    validatePlan({ ...tilesSwapped(2, 2), goal: relaxation?.goal ?? [] }, relaxation?.plan ?? [])
      .valid,
  ).toBeTrue();
});

test("findPlan() keeps a part that excludes another one, when that one cannot be had", async () => {
  const problem = tilesSwapped(2, 2);
  const instead = { atom: parseAtom("on(tile_3, place_0)"), holds: true };
  const { relaxation } = await relax({ ...problem, goal: [...problem.goal, instead] });
  expect(relaxation?.blocking.map(({ atom }) => `${atom}`)).toContain("on(tile_3, place_3)");
  expect(relaxation?.goal).toContainEqual(instead);
});

test("findPlan() tells of no relaxation when there is a plan, or when it was not asked for", async () => {
  expect((await relax(carry(2, 1))).relaxation).toBeNull();
  const goal = wanted(robotAt(0), robotAt(1));
  expect((await findPlan({ ...carry(2, 1), goal }, { clock })).relaxation).toBeNull();
});

test("findPlan() leaves the plan for the rest out when time is up", async () => {
  const problem = tilesSwapped(3, 4);
  const goal = [...problem.goal, { atom: parseAtom("on(tile_9, moon)"), holds: true }];
  const late = await findPlan(
    { ...problem, goal },
    { clock: fakeClock(1), budgetMs: 3000, relax: true },
  );
  expect(late.reason).toBe("goal_unreachable");
  expect(late.relaxation).toMatchObject({ plan: null, blocking: [{ why: "unknown" }] });
});

test("findPlan() gives up nothing that could be had beside the rest", async () => {
  await fc.assert(
    fc.asyncProperty(problems, async (problem) => {
      const { plan, relaxation } = await relax(problem);
      if (plan !== null) return;
      const { goal = [], blocking = [] } = relaxation ?? {};
      expect(goal.length + blocking.length).toBe(problem.goal.length);
      const verdict = validatePlan({ ...problem, goal }, relaxation?.plan ?? []);
      expect(verdict.valid).toBeTrue();
      for (const { atom, holds } of blocking) {
        expect(cheapestPlan({ ...problem, goal: [...goal, { atom, holds }] })).toBeUndefined();
      }
    }),
    { numRuns: 500 },
  );
});
