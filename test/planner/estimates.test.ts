// Goal: estimates that are mended from state to state are those made anew, and what is said to
// exclude each other never comes together.
// Method: random walks over random tasks, every reachable state of small tasks.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Atom, atom } from "../../src/core/atom.ts";
import { not } from "../../src/core/condition.ts";
import type { TransitionDef } from "../../src/core/domain.ts";
import { ground, literal } from "../../src/planner/ground.ts";
import { Heuristic } from "../../src/planner/heuristic.ts";
import { exclusions } from "../../src/planner/invariants.ts";
import { linksOf } from "../../src/planner/links.ts";
import { Pace } from "../../src/planner/pace.ts";
import { findPlan, type Problem } from "../../src/planner/plan.ts";
import { apply, pack } from "../../src/planner/task.ts";
import { carry, wanted } from "./rooms.ts";
import { after, everyStep, fakeClock, holds, problems } from "./tasks.ts";

const pace = new Pace(fakeClock(), 1e9);

async function packed(problem: Problem) {
  const grounding = await ground(problem, pace);
  const { atoms, canBe } = grounding;
  const goal = problem.goal.map((each) =>
    literal(atoms.number(atoms.pattern(each.atom)), each.holds),
  );
  return await pack(grounding, goal.filter(canBe), pace);
}

/** Walks at random; at each state the estimate of one that has seen all before and of a new one. */
async function compareOnWalk(problem: Problem, choices: readonly number[]): Promise<number> {
  const task = await packed(problem);
  const links = await linksOf(task, pace);
  const mended = new Heuristic(task, links);
  const state = task.initial.slice();
  for (const [index, choice] of choices.entries()) {
    const fresh = new Heuristic(task, links);
    expect(mended.evaluate(state)).toBeGreaterThanOrEqual(-1);
    fresh.evaluate(state);
    expect(mended.goalCosts(), `step ${index}`).toEqual(fresh.goalCosts());
    const applicable = [...fresh.applicable()].sort((a, b) => a - b);
    expect([...mended.applicable()].sort((a, b) => a - b)).toEqual(applicable);
    const operator = applicable[choice % applicable.length];
    if (operator === undefined) return index;
    apply(task, operator, state);
  }
  return choices.length;
}

test("Heuristic.evaluate() estimates a state alike, whatever it has seen before", async () => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(
      problems,
      fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
      async (problem, choices) => {
        steps += await compareOnWalk(problem, choices);
      },
    ),
    { numRuns: 500 },
  );
  expect(steps).toBeGreaterThan(500);
});

test("Heuristic.evaluate() does so in a warehouse, where much changes and much stays", async () => {
  const choices = Array.from({ length: 300 }, (_, at) => (at * 7919) % 1009);
  expect(await compareOnWalk(carry(5, 6), choices)).toBe(300);
});

test("exclusions() names no two atoms that a reachable state holds together", async () => {
  let sets = 0;
  await fc.assert(
    fc.asyncProperty(problems, async (problem) => {
      const grounding = await ground(problem, pace);
      const all = Array.from({ length: grounding.atoms.count }, (_, number) => number);
      const excludes = await exclusions(grounding, all, pace);
      const keys = new Map(all.map((each) => [grounding.atoms.text(each), excludes(each)]));
      const sharers = [...keys.values()].flat();
      sets += new Set(sharers.filter((key, at) => sharers.indexOf(key) < at)).size;
      for (const state of reachable(problem)) {
        const taken = [...state].flatMap((text) => keys.get(text) ?? []);
        expect(new Set(taken).size).toBe(taken.length);
      }
    }),
    { numRuns: 1000 },
  );
  expect(sets).toBeGreaterThan(10);
});

const [f, g, h] = [atom("f"), atom("g"), atom("h")] as const;
const bare = { name: "t", params: [], preconditions: [{ atom: g, holds: true }] };

test.each<[string, TransitionDef, Atom[]]>([
  ["two atoms that one step makes of one", { ...bare, adds: [f, h], removes: [g] }, [f, h]],
  [
    "an atom that is removed and added at once, and another",
    { ...bare, adds: [], removes: [g], effects: [{ when: not(h), adds: [f, g], removes: [] }] },
    [f, g],
  ],
  [
    "atoms of two conditional effects that take away the same one",
    {
      ...{ ...bare, adds: [], removes: [] },
      effects: [f, h].map((made) => ({ when: not(made), adds: [made], removes: [g] })),
    },
    [f, h],
  ],
])("exclusions() does not name %s", async (_, def, goal) => {
  const problem: Problem = {
    ...{ transitions: [def], objects: [], state: new Set([g]), goal: wanted(...goal) },
    fluents: [f, g, h].map((name) => ({ name, args: [], default: false })),
  };
  expect(await findPlan(problem, { clock: fakeClock() })).toMatchObject({ cost: 1 });
});

function* reachable(problem: Problem) {
  const steps = everyStep(problem).filter(({ step }) => (problem.allowed?.(step) ?? true) === true);
  const states = new Map([["", problem.state]]);
  // The walk includes what it inserts.
  for (const state of states.values()) {
    yield state;
    for (const { step, needs } of steps) {
      if (!holds(state, needs)) continue;
      const next = after(state, step);
      const key = [...next].sort().join(" ") || "nothing";
      if (!states.has(key)) states.set(key, next);
    }
  }
}
