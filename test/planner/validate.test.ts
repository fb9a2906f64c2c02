// Goal: a wrong plan never passes for a right one.
// Method: good plans, spoilt in every way a fault of the planner could spoil them.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { atom } from "../../src/core/atom.ts";
import { findPlan, type GroundStep } from "../../src/planner/plan.ts";
import { validatePlan } from "../../src/planner/validate.ts";
import { carry, robotAt } from "./rooms.ts";
import { after, everyStep, fakeClock, holds, problems } from "./tasks.ts";

const problem = carry(4, 3);
const plan = (await findPlan(problem, { clock: fakeClock() })).plan ?? [];
const [first] = plan as [GroundStep];

test("validatePlan() accepts the plan and refuses it without any one of its steps", () => {
  expect(plan).toHaveLength(9);
  expect(validatePlan(problem, plan)).toEqual({ valid: true, cost: 9 });
  for (const index of plan.keys()) {
    expect(validatePlan(problem, plan.toSpliced(index, 1)).valid, `step ${index}`).toBeFalse();
  }
});

test("validatePlan() refuses every swap of two neighbours", () => {
  for (let index = 1; index < plan.length; index++) {
    const [a, b] = [plan[index - 1], plan[index]] as [GroundStep, GroundStep];
    expect(validatePlan(problem, plan.toSpliced(index - 1, 2, b, a)).valid).toBeFalse();
  }
});

test.each<[string, GroundStep, string]>([
  ["an unknown transition", { ...first, transition: "fly" }, 'there is no transition "fly"'],
  [
    "a wrong type",
    { ...first, parameters: { room: "room_0", box: "room_1" } },
    '"room_1" is a room, not a box',
  ],
  [
    "an unknown object",
    { ...first, parameters: { room: "room_0", box: "box_9" } },
    'there is no object "box_9"',
  ],
  [
    "parameters out of order",
    { ...first, parameters: { box: "box_0", room: "room_0" } },
    "not (room, box)",
  ],
  ["a missing parameter", { ...first, parameters: { room: "room_0" } }, "not (room, box)"],
  [
    "an unmet precondition",
    { ...first, parameters: { room: "room_1", box: "box_0" } },
    "it needs robot_at(room_1)",
  ],
  ["an invented effect", { ...first, adds: [...first.adds, robotAt(3)] }, "it does not add"],
  ["a forgotten effect", { ...first, removes: first.removes.slice(1) }, "it does not remove"],
  ["an effect given twice", { ...first, adds: [atom("x"), atom("x")] }, "it does not add"],
])("validatePlan() refuses %s and says why", (_, step, why) => {
  const verdict = validatePlan(problem, plan.with(0, step));
  expect(verdict).toMatchObject({ valid: false, step: 0, why: expect.stringContaining(why) });
});

test("validatePlan() refuses a step that is not allowed, and a goal that is not met", () => {
  const allowed = ({ adds }: GroundStep) => !adds.includes(robotAt(1));
  expect(validatePlan({ ...problem, allowed }, plan)).toMatchObject({ why: "it is not allowed" });
  expect(validatePlan(problem, [])).toMatchObject({
    step: 0,
    why: expect.stringContaining("goal"),
  });
  const goal = [{ atom: atom("hands_free"), holds: false }];
  expect(validatePlan({ ...problem, goal }, [])).toMatchObject({
    why: "the goal not hands_free is not reached",
  });
});

test("validatePlan() agrees with a simulation on random walks", () => {
  fc.assert(
    fc.property(problems, fc.array(fc.nat(), { maxLength: 4 }), (task, choices) => {
      const known = everyStep(task);
      if (known.length === 0) return;
      const walk = choices.map((choice) => known[choice % known.length] as (typeof known)[number]);
      let state = task.state;
      let sound = true;
      for (const { step, needs } of walk) {
        sound &&= holds(state, needs) && task.allowed?.(step) !== false;
        state = after(state, step);
      }
      const verdict = validatePlan(
        task,
        walk.map(({ step }) => step),
      );
      expect(verdict.valid).toBe(sound && holds(state, task.goal));
    }),
    { numRuns: 2000 },
  );
});

const lamp = atom("lit");
const press = {
  ...{ name: "press", params: [], preconditions: [], adds: [], removes: [], cost: 2 },
  effects: [{ when: { atom: lamp, holds: false }, adds: [lamp], removes: [] }],
};
const dark = {
  ...{ transitions: [press], fluents: [], objects: [], state: new Set<typeof lamp>() },
  goal: [{ atom: lamp, holds: true }],
};
const pressed = {
  transition: "press",
  parameters: {},
  adds: [],
  removes: [],
  effects: press.effects,
};

test("validatePlan() lets conditional effects happen where their conditions hold, and adds costs", () => {
  expect(validatePlan(dark, [pressed])).toEqual({ valid: true, cost: 2 });
  expect(validatePlan(dark, [pressed, { ...pressed, cost: 2 }])).toEqual({ valid: true, cost: 4 });
  const lit = { ...dark, state: new Set([lamp]), goal: [{ atom: lamp, holds: false }] };
  expect(validatePlan(lit, [pressed]).valid).toBeFalse();
});

test.each<[string, Partial<GroundStep>, string]>([
  ["forgotten conditional effects", { effects: [] }, "it does not have the conditional effects"],
  [
    "another condition",
    { effects: [{ when: { atom: lamp, holds: true }, adds: [lamp], removes: [] }] },
    "it does not have the conditional effects",
  ],
  ["another cost", { cost: 1 }, "it costs 2, not 1"],
])("validatePlan() refuses %s", (_, change, why) => {
  const verdict = validatePlan(dark, [{ ...pressed, ...change }]);
  expect(verdict).toMatchObject({ step: 0, why: expect.stringContaining(why) });
});

test("validatePlan() refuses a step whose cost is no number, and says what refused it", () => {
  const bad = { ...dark, cost: () => Number.NaN };
  expect(validatePlan(bad, [pressed])).toMatchObject({ why: "it costs NaN" });
  const refused = { ...dark, allowed: () => "no_entry(hall) holds" };
  expect(validatePlan(refused, [pressed])).toMatchObject({
    why: "it is not allowed: no_entry(hall) holds",
  });
});
