// Goal: what a step is said to need and to be for is so. Method: plans that are walks through random
// tasks, and the checker that shares no code with the links.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Atom } from "../../src/core/atom.ts";
import { type Condition, isMet, or } from "../../src/core/condition.ts";
import type { TransitionDef } from "../../src/core/domain.ts";
import { type GroundStep, groundStep, outcome } from "../../src/core/outcome.ts";
import { causalLinks } from "../../src/planner/causal-links.ts";
import type { Problem } from "../../src/planner/problem.ts";
import { validatePlan } from "../../src/planner/validate.ts";

const ATOMS = ["a", "b", "c", "d", "e", "f"] as Atom[];
const [A, B] = ATOMS as [Atom, Atom];
const fluents = ATOMS.map((name) => ({ name, args: [], default: false }));

const someAtoms = fc.subarray(ATOMS, { maxLength: 3 });
const literal = fc.record({ atom: fc.constantFrom(...ATOMS), holds: fc.boolean() });
const condition: fc.Arbitrary<Condition> = fc.oneof(
  literal,
  fc.array(literal, { minLength: 1, maxLength: 3 }).map((parts) => or(...parts)),
);
const transitions = fc
  .array(
    fc.record({
      preconditions: fc.array(condition, { maxLength: 2 }),
      adds: someAtoms,
      removes: someAtoms,
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((defs) => defs.map((def, nth): TransitionDef => ({ name: `t${nth}`, params: [], ...def })));
/** A walk: of each number the transition that it chooses is taken, if it may be. */
const walk = fc
  .record({
    transitions,
    start: someAtoms,
    choices: fc.array(fc.nat(), { maxLength: 12 }),
    kept: fc.array(fc.boolean(), { minLength: ATOMS.length, maxLength: ATOMS.length }),
  })
  .map(({ transitions, start, choices, kept }) => {
    const state = new Set(start);
    const plan: GroundStep[] = [];
    const states = [new Set(state)];
    for (const choice of choices) {
      const def = transitions[choice % transitions.length] as TransitionDef;
      const step = groundStep(def, {});
      const problem: Problem = { transitions, fluents, objects: [], state, goal: [] };
      if (!validatePlan(problem, [step]).valid) continue;
      const { adds, removes } = outcome(step, state);
      for (const atom of removes) state.delete(atom);
      for (const atom of adds) state.add(atom);
      plan.push(step);
      states.push(new Set(state));
    }
    const goal = ATOMS.filter((_, nth) => kept[nth]).map((atom) => ({
      atom,
      holds: state.has(atom),
    }));
    const problem: Problem = { transitions, fluents, objects: [], state: new Set(start), goal };
    return { problem, plan, states };
  });

test("a need holds from the step that made it so to the step that has it, and not before", () => {
  fc.assert(
    fc.property(walk, ({ problem, plan, states }) => {
      for (const [index, { needs }] of causalLinks(problem, plan).entries()) {
        for (const { atom, holds, from } of needs) {
          const since = from === undefined ? 0 : from + 1;
          const held = states.slice(since, index + 1).map((state) => state.has(atom));
          expect(held.every((each) => each === holds)).toBe(true);
          if (from !== undefined) expect(states[from]?.has(atom)).toBe(!holds);
        }
      }
    }),
  );
});

test("what a step is said to need is enough for it, whatever else holds", () => {
  fc.assert(
    fc.property(walk, fc.boolean(), ({ problem, plan }, others) => {
      for (const [index, { needs }] of causalLinks(problem, plan).entries()) {
        const told = new Map(needs.map(({ atom, holds }) => [atom, holds]));
        const def = problem.transitions.find(({ name }) => name === plan[index]?.transition);
        for (const each of def?.preconditions ?? []) {
          expect(isMet(each, (atom) => told.get(atom) ?? others)).toBe(true);
        }
      }
    }),
  );
});

test("what a step needs of another is what the other is for, and the goal's atoms have a maker", () => {
  fc.assert(
    fc.property(walk, ({ problem, plan }) => {
      const links = causalLinks(problem, plan);
      const needed = links.flatMap(({ needs }, to) =>
        needs.flatMap(({ from, atom, holds }) =>
          from === undefined ? [] : [`${from} ${to} ${atom} ${holds}`],
        ),
      );
      const served = links.flatMap(({ serves }, from) =>
        serves.flatMap(({ to, atom, holds }) =>
          to === undefined ? [] : [`${from} ${to} ${atom} ${holds}`],
        ),
      );
      expect(served.sort()).toEqual(needed.sort());
      const forGoal = links.flatMap(({ serves }) => serves.filter(({ to }) => to === undefined));
      const changed = problem.goal.filter(({ atom, holds }) => problem.state.has(atom) !== holds);
      for (const { atom } of changed) expect(forGoal.map((each) => each.atom)).toContain(atom);
    }),
  );
});

test("a plan is one without the steps that are for nothing", () => {
  fc.assert(
    fc.property(walk, ({ problem, plan }) => {
      const links = causalLinks(problem, plan);
      const last = plan.findLastIndex((_, index) => links[index]?.serves.length === 0);
      const without = plan.filter((_, index) => index !== last);
      expect(validatePlan(problem, without)).toMatchObject({ valid: true });
    }),
  );
});

test("a conditional effect that comes about is a reason for what it rests on", () => {
  const press: TransitionDef = {
    ...{ name: "press", params: [], preconditions: [], adds: [A], removes: [] },
  };
  const light: TransitionDef = {
    ...{ name: "light", params: [], preconditions: [], adds: [], removes: [] },
    effects: [{ when: { atom: A, holds: true }, adds: [B], removes: [] }],
  };
  const problem: Problem = {
    ...{ transitions: [press, light], fluents, objects: [], state: new Set<Atom>() },
    goal: [{ atom: B, holds: true }],
  };
  const plan = [groundStep(press, {}), groundStep(light, {})];
  expect(causalLinks(problem, plan)).toEqual([
    { needs: [], serves: [{ atom: A, holds: true, to: 1 }] },
    { needs: [{ atom: A, holds: true, from: 0 }], serves: [{ atom: B, holds: true }] },
  ]);
});
