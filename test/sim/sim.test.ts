// Goal: whatever network, disk, power, clock, backend and plugin do, nothing is lost and nothing
// runs twice. Method: the real agent in a seeded world; replay one run with
// `npm run sim -- --seed <seed>`.
import { describe, expect, test } from "bun:test";
import { emptyTally, faults } from "./faults.ts";
import type { Sabotage } from "./sabotage.ts";
import { simulate } from "./world.ts";

/** Enough for every fault to strike many times; about 3 s. */
const SEEDS = 200;
/** For a machine that has much else to do. */
const TIMEOUT_MS = 60_000;
/** A sabotaged agent must be caught within this many seeds. */
const SEEDS_TO_CATCH = 20;

test(
  "the agent keeps every promise through every fault",
  async () => {
    const tally = emptyTally();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violation, tail, tally: struck } = await simulate(seed);
      expect(violation, `seed ${seed}\n${violation && tail.join("\n")}`).toBeUndefined();
      for (const fault of faults) tally[fault] += struck[fault];
    }
    expect(faults.filter((fault) => tally[fault] === 0)).toEqual([]);
  },
  TIMEOUT_MS,
);

test("a seed gives the same run every time, and another seed another", async () => {
  const first = await simulate(7);
  const again = await simulate(7);
  const other = await simulate(8);
  expect(again).toEqual(first);
  expect(first.events).toBeGreaterThan(100);
  expect(other.hash).not.toBe(first.hash);
});

describe("a classic bug is caught", () => {
  const caughtBy: Record<Exclude<Sabotage, "none">, string> = {
    "delivery recorded before it is sent": "what is recorded as delivered was taken by the backend",
    "journal reports durable before it is": "started is durable before the handler runs",
    "dedup forgotten at restart": "no handler starts twice for one entry",
    "undelivered forgotten at restart": "no finished result is lost",
    "another origin's entries shown": "nothing of another origin is sent",
  };
  for (const [sabotage, invariant] of Object.entries(caughtBy)) {
    test(sabotage, async () => {
      const broken: string[] = [];
      for (let seed = 1; seed <= SEEDS_TO_CATCH; seed += 1) {
        const { violation } = await simulate(seed, sabotage as Sabotage);
        if (violation !== undefined) broken.push(violation);
      }
      expect(broken.join("\n")).toContain(invariant);
    });
  }
});
