// Goal: a planner inside a server never holds it up: it rests, and it ends when told.
import { expect, test } from "bun:test";
import { findPlan, type Problem } from "../../src/planner/plan.ts";
import { boxAt, carry } from "./rooms.ts";
import { fakeClock } from "./tasks.ts";
import { tilesSwapped } from "./tiles.ts";

/** A goal that takes very long to refute: half of 12! arrangements are to be seen. */
const endless: Problem = tilesSwapped(3, 4);

test("findPlan() ends with planner_timeout once its budget is spent", async () => {
  const clock = fakeClock(1);
  const { reason, plan, detail } = await findPlan(endless, { clock, budgetMs: 2000 });
  expect([reason, plan]).toEqual(["planner_timeout", null]);
  expect(detail).toContain("2000 ms");
  expect(clock.now()).toBeLessThan(2100);
});

test("findPlan() lets the event loop run every few milliseconds", async () => {
  const clock = fakeClock(1);
  await findPlan(endless, { clock, budgetMs: 2000 });
  expect(clock.sleeps()).toBeGreaterThan(2000 / 20);
});

test("findPlan() ends at the abort, also one that came before it began", async () => {
  const abort = new AbortController();
  const clock = fakeClock(1);
  const running = findPlan(endless, { clock, budgetMs: 1e9, signal: abort.signal });
  while (clock.sleeps() < 20) await clock.sleep(0);
  abort.abort();
  const { reason, plan, detail } = await running;
  expect([reason, plan, detail]).toEqual(["planner_timeout", null, "Planning was stopped"]);
  const late = await findPlan(carry(2, 1), { clock, signal: abort.signal });
  expect(late.reason).toBe("planner_timeout");
});

test("findPlan() ends with planner_memout once it has seen the states it may keep", async () => {
  const { reason, plan } = await findPlan(endless, { clock: fakeClock(), nodesMax: 50 });
  expect([reason, plan]).toEqual(["planner_memout", null]);
});

test("findPlan() stops while it grounds a transition that has too many bindings", async () => {
  const params = Array.from({ length: 9 }, (_, at) => ({ name: `p${at}`, type: "room" }));
  const wide = { name: "wide", params, preconditions: [], adds: [boxAt(1, 0)], removes: [] };
  const problem = { ...carry(20, 1), transitions: [wide] };
  expect((await findPlan(problem, { clock: fakeClock() })).reason).toBe("planner_memout");
  const late = await findPlan(problem, { clock: fakeClock(1), budgetMs: 100 });
  expect(late.reason).toBe("planner_timeout");
});
