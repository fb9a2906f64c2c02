// Goal: findPlan() tells the truth about every task it is given.
// Method: random small tasks, each solved again by Dijkstra's search over plain sets.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { findPlan } from "../../src/planner/plan.ts";
import { validatePlan } from "../../src/planner/validate.ts";
import { after, cheapestPlan, everyStep, fakeClock, holds, problems } from "./tasks.ts";

const clock = fakeClock();
const numRuns = 1500;

test("findPlan() finds a plan exactly when there is one", async () => {
  const seen = { solved: 0, conditional: 0, unsolvable: 0, unreachable: 0 };
  let [spent, best] = [0, 0];
  await fc.assert(
    fc.asyncProperty(problems, async (problem) => {
      const { reason, plan, cost, detail } = await findPlan(problem, { clock });
      const least = cheapestPlan(problem);
      if (least === undefined) {
        expect(["goal_unreachable", "no_plan_found"]).toContain(reason);
        expect(plan).toBeNull();
        expect(detail).not.toBe("");
        if (reason === "goal_unreachable") seen.unreachable += 1;
        else seen.unsolvable += 1;
        return;
      }
      const isDone = holds(problem.state, problem.goal);
      expect(reason).toBe(isDone ? "goal_already_satisfied" : "plan_found");
      expect(cost).toBeGreaterThanOrEqual(least);
      if (isDone) expect(plan).toEqual([]);
      if (plan !== null && plan.length > 1) seen.solved += 1;
      if (plan?.some(({ effects }) => effects !== undefined) === true) seen.conditional += 1;
      spent += cost ?? 0;
      best += least;
    }),
    { numRuns },
  );
  // The tasks are worth something only when every verdict comes up often.
  expect(seen.solved).toBeGreaterThan(numRuns / 20);
  expect(seen.unreachable).toBeGreaterThan(numRuns / 20);
  expect(seen.conditional).toBeGreaterThan(numRuns / 20);
  expect(seen.unsolvable).toBeGreaterThan(numRuns / 100);
  // Nothing is promised of one plan; of tasks so small, few may cost more than they must.
  expect(spent).toBeLessThanOrEqual(1.02 * best);
});

test("findPlan() returns steps that can be taken one by one and end at the goal", async () => {
  await fc.assert(
    fc.asyncProperty(problems, async (problem) => {
      const { plan } = await findPlan(problem, { clock });
      if (plan === null) return;
      expect(validatePlan(problem, plan)).toMatchObject({ valid: true });
      const known = everyStep(problem);
      let state = problem.state;
      for (const step of plan) {
        const match = known.find(
          (each) =>
            each.step.transition === step.transition &&
            JSON.stringify(each.step.parameters) === JSON.stringify(step.parameters),
        );
        expect(match).toBeDefined();
        if (match === undefined) return;
        expect(new Set(step.adds)).toEqual(new Set(match.step.adds));
        expect(new Set(step.removes)).toEqual(new Set(match.step.removes));
        expect(holds(state, match.needs)).toBeTrue();
        expect(problem.allowed?.(match.step)).not.toBe(false);
        state = after(state, match.step);
      }
      expect(holds(state, problem.goal)).toBeTrue();
    }),
    { numRuns },
  );
});

test("findPlan() has no step in a plan that the plan could do without", async () => {
  await fc.assert(
    fc.asyncProperty(problems, async (problem) => {
      const { plan } = await findPlan(problem, { clock });
      for (const index of plan?.keys() ?? []) {
        const without = plan?.toSpliced(index, 1) ?? [];
        expect(validatePlan(problem, without).valid).toBeFalse();
      }
    }),
    { numRuns: 500 },
  );
});

test("findPlan() gives the same plan for the same problem", async () => {
  await fc.assert(
    fc.asyncProperty(problems, async (problem) => {
      expect(await findPlan(problem, { clock })).toEqual(await findPlan(problem, { clock }));
    }),
    { numRuns: 100 },
  );
});
