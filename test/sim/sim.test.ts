// Goal: whatever network, disk, power, clock, backend and plugin do, nothing is lost and nothing
// runs twice. Method: the real agent in a seeded world; replay one run with
// `npm run sim -- --seed <seed>`.
import { describe, expect, test } from "bun:test";
import { faults } from "./faults.ts";
import { moments } from "./power.ts";
import { sabotages } from "./sabotages.ts";
import { type Harvest, harvestBeside } from "./seeds.ts";
import { type Outcome, type Scenario, simulate } from "./world.ts";

const ASSIGNMENTS = 100_000;
const PROCESSES = 2;
/** For a machine that has very much else to do; alone it takes 10 s. */
const TIMEOUT_MS = 180_000;
/** In so many calls an agent has settled what a power cut left. */
const RECOVERY_CALLS = 25;
/** A sabotaged agent must be caught within this many seeds. */
const SEEDS_TO_CATCH = 20;

function expectToHold(scenario: Scenario): Outcome {
  const outcome = simulate(scenario);
  const { violation, tail } = outcome;
  const replay = `${JSON.stringify(scenario)}\n${violation && tail.join("\n")}`;
  expect(violation, replay).toBeUndefined();
  return outcome;
}

test(
  "the agent keeps every promise through every fault",
  async () => {
    const startedAt = performance.now();
    const shares = Array.from({ length: PROCESSES }, (_, index) =>
      harvestBeside({ first: index + 1, step: PROCESSES, assignments: ASSIGNMENTS / PROCESSES }),
    );
    const harvests = await Promise.all(shares);
    for (const { broken } of harvests) {
      const { seed, violation, tail } = broken ?? {};
      expect(violation, `seed ${seed}\n${tail?.join("\n")}`).toBeUndefined();
    }
    const sum = (count: (each: Harvest) => number) =>
      harvests.reduce((total, each) => total + count(each), 0);
    const assignments = sum((each) => each.assignments);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${assignments} assignments in ${sum(({ seeds }) => seeds)} worlds, ${seconds} s`);
    expect(assignments).toBeGreaterThanOrEqual(ASSIGNMENTS);
    expect(faults.filter((fault) => sum(({ tally }) => tally[fault]) === 0)).toEqual([]);
  },
  TIMEOUT_MS,
);

// The run is the same up to the cut, so every moment is met, and not by chance.
describe("the power may go at every single moment", () => {
  const quiet = [1, 2, 3, 4, 5, 6].map((seed) => ({ seed, assignments: 8, isCalm: true }));
  const stormy = [5, 6, 7].map((seed) => ({ seed, assignments: 12 }));
  for (const scenario of [...quiet, ...stormy]) {
    const weather = "isCalm" in scenario ? "quiet" : "stormy";
    test.each(moments)(
      `before each %s, ${weather}, seed ${scenario.seed}`,
      (before) => {
        const count = expectToHold(scenario).moments[before];
        expect(count).toBeGreaterThan(5);
        for (let nth = 1; nth <= count; nth += 1) {
          expectToHold({ ...scenario, powerCut: { before, nth } });
        }
      },
      TIMEOUT_MS,
    );
  }

  test.each([1, 2, 3])(
    "and again while the agent recovers, seed %d",
    (seed) => {
      const scenario = { seed, assignments: 3, isCalm: true };
      const { write } = expectToHold(scenario).moments;
      for (let nth = 1; nth <= write; nth += 1) {
        const first = { before: "word", nth } as const;
        const { call } = expectToHold({ ...scenario, powerCut: first }).moments;
        for (let again = 1; again <= Math.min(call, RECOVERY_CALLS); again += 1) {
          const then = { before: "call", nth: again } as const;
          expectToHold({ ...scenario, powerCut: { ...first, then } });
        }
      }
    },
    TIMEOUT_MS,
  );
});

test("a seed gives the same run every time, and another seed another", () => {
  const first = simulate({ seed: 7 });
  const again = simulate({ seed: 7 });
  const other = simulate({ seed: 8 });
  expect(again).toEqual(first);
  const { events, moments } = simulate({ seed: 7, isUntraced: true });
  expect({ events, moments }).toEqual({ events: first.events, moments: first.moments });
  expect(first.events).toBeGreaterThan(100);
  expect(other.hash).not.toBe(first.hash);
});

describe("a classic bug is caught", () => {
  test.each(Object.entries(sabotages))("%s", (_name, sabotage) => {
    const broken: string[] = [];
    for (let seed = 1; seed <= SEEDS_TO_CATCH; seed += 1) {
      const { violation } = simulate({ seed, sabotage });
      if (violation !== undefined) broken.push(violation);
      if (violation?.startsWith(sabotage.breaks)) return;
    }
    expect(broken, "the invariant that names it").toContain(sabotage.breaks);
  });
});
