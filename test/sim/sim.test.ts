// Goal: whatever network, disk, power, clock, backend and plugin do, nothing is lost and nothing
// runs twice. Method: the real agent in a seeded world; replay one run with
// `npm run sim -- --seed <seed>`.
import { describe, expect, test } from "bun:test";
import { faults } from "./faults.ts";
import { sabotages } from "./sabotages.ts";
import { type Harvest, harvestBeside } from "./seeds.ts";
import { type Outcome, type Scenario, simulate } from "./world.ts";

const ASSIGNMENTS = 100_000;
const PROCESSES = 2;
/** For a machine that has much else to do; alone it takes a fifth of it. */
const TIMEOUT_MS = 60_000;
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
    console.log(`${assignments} assignments in ${sum(({ seeds }) => seeds)} seeded worlds`);
    expect(assignments).toBeGreaterThanOrEqual(ASSIGNMENTS);
    expect(faults.filter((fault) => sum(({ tally }) => tally[fault]) === 0)).toEqual([]);
  },
  TIMEOUT_MS,
);

describe("the power may go at every write of the journal", () => {
  test.each([1, 2, 3, 4])(
    "in quiet weather, seed %d",
    (seed) => cutAtEveryWrite({ seed, assignments: 12, isCalm: true }),
    TIMEOUT_MS,
  );
  test.each([5, 6])(
    "in a storm, seed %d",
    (seed) => cutAtEveryWrite({ seed, assignments: 20 }),
    TIMEOUT_MS,
  );

  /** The run is the same up to the cut, so every write is met: each once lost, once unconfirmed. */
  function cutAtEveryWrite(scenario: Scenario): void {
    const { writes } = expectToHold(scenario);
    expect(writes).toBeGreaterThan(10);
    for (let atWrite = 1; atWrite <= writes; atWrite += 1) {
      for (const isWritten of [false, true]) {
        expectToHold({ ...scenario, powerCut: { atWrite, isWritten } });
      }
    }
  }
});

test("a seed gives the same run every time, and another seed another", () => {
  const first = simulate({ seed: 7 });
  const again = simulate({ seed: 7 });
  const other = simulate({ seed: 8 });
  expect(again).toEqual(first);
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
