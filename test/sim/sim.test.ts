// Goal: whatever network, disk, power, clock, backend and plugin do, nothing is lost and nothing
// runs twice. Method: the real agent in a seeded world; replay one run with
// `npm run sim -- --seed <seed>`.
import { describe, expect, test } from "bun:test";
import { emptyTally, faults } from "./faults.ts";
import type { Sabotage } from "./sabotage.ts";
import { type Outcome, type Scenario, simulate } from "./world.ts";

const ASSIGNMENTS = 100_000;
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
  () => {
    const tally = emptyTally();
    let assignments = 0;
    let seed = 0;
    while (assignments < ASSIGNMENTS) {
      seed += 1;
      const outcome = expectToHold({ seed });
      assignments += outcome.assignments;
      for (const fault of faults) tally[fault] += outcome.tally[fault];
    }
    console.log(`${assignments} assignments in ${seed} seeded worlds`);
    expect(assignments).toBeGreaterThanOrEqual(ASSIGNMENTS);
    expect(faults.filter((fault) => tally[fault] === 0)).toEqual([]);
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
  const caughtBy: Record<Exclude<Sabotage, "none">, string> = {
    "delivery recorded before it is sent": "what is recorded as delivered was taken by the backend",
    "journal reports durable before it is": "started is durable before the handler runs",
    "effect before journal": "started is durable before the handler runs",
    "dedup forgotten at restart": "no handler starts twice unless it said so",
    "undelivered forgotten at restart": "no finished result is lost",
    "another origin's entries shown": "nothing of another origin is sent",
    "age forgotten at restart": "what a restart finds starts only while it is fresh",
    "belief answered from the store": "an old observation never passes for a new one",
  };
  for (const [sabotage, invariant] of Object.entries(caughtBy)) {
    test(sabotage, () => {
      const broken: string[] = [];
      for (let seed = 1; seed <= SEEDS_TO_CATCH; seed += 1) {
        const { violation } = simulate({ seed, sabotage: sabotage as Sabotage });
        if (violation !== undefined) broken.push(violation);
      }
      expect(broken.join("\n")).toContain(invariant);
    });
  }
});
