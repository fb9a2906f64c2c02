// Goal: a plan loses its detours and nothing else.
import { expect, test } from "bun:test";
import { atom } from "../../src/core/atom.ts";
import { ground, literal, toGroundStep } from "../../src/planner/ground.ts";
import { Pace } from "../../src/planner/pace.ts";
import { shorten } from "../../src/planner/shorten.ts";
import { pack } from "../../src/planner/task.ts";
import { carry } from "./rooms.ts";
import { fakeClock } from "./tasks.ts";

const problem = carry(3, 1);
const pace = new Pace(fakeClock(), 1000);
const grounding = await ground(problem, pace);
const { atoms } = grounding;
const task = await pack(
  grounding,
  problem.goal.map((each) => literal(atoms.number(atoms.pattern(each.atom)), each.holds)),
  pace,
);
const names = task.operators.map(({ schema, binding }) => {
  const { transition, parameters } = toGroundStep(atoms, schema, binding);
  return [transition, ...Object.values(parameters).map((name) => name.at(-1))].join(" ");
});
const shortened = async (plan: string[], within = pace) =>
  (
    await shorten(
      task,
      plan.map((name) => names.indexOf(name)),
      within,
    )
  ).map((at) => names[at]);

const needed = ["pick 0 0", "move 0 1", "place 1 0"];

test.each([
  ["nothing from a plan without detours", needed],
  ["a way there and back", ["move 0 1", "move 1 0", ...needed]],
  ["a detour over another room", ["pick 0 0", "move 0 2", "move 2 0", "move 0 1", "place 1 0"]],
  ["a box put down and picked up", ["pick 0 0", "place 0 0", ...needed]],
  ["steps after the goal", [...needed, "move 1 2"]],
])("shorten() takes out %s", async (_, plan) => {
  expect(await shortened(plan)).toEqual(needed);
});

test("shorten() gives the plan as it is when there is no time left", async () => {
  const late = new Pace(fakeClock(10), 1);
  expect(await shortened([...needed, "move 1 2"], late)).toEqual([...needed, "move 1 2"]);
});

test("ground() binds a parameter only to objects of its type, whatever the state holds", async () => {
  const odd = atom("robot_at", ["?box"]); // its argument is declared as a room
  const look = {
    name: "look",
    params: [{ name: "box", type: "box" }],
    preconditions: [{ atom: odd, holds: true }],
    adds: [],
    removes: [odd],
  };
  const { operators } = await ground({ ...problem, transitions: [look] }, pace);
  expect(operators).toEqual([]);
});
