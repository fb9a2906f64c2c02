import { expect, test } from "bun:test";
import { growth, levels, REACH_MS, type Sample, Samples } from "../../../src/page/agent/samples.ts";

const sample = (atMs: number, done: number): Sample => ({
  ...{ atMs, done, failed: 0, waiting: done, journalBytes: 0, lines: 0, lost: 0 },
});
const over = { nowMs: REACH_MS, slots: 5 };
const slotMs = REACH_MS / over.slots;
const value = ({ done }: Sample) => done;

test("growth() adds up in each slot what a sum grew, also over a restart of the agent", () => {
  const samples = [sample(0, 10), sample(1, 12), sample(slotMs, 15), sample(3 * slotMs, 4)];
  expect(growth(samples, value, over)).toEqual([2, 3, undefined, 4, undefined]);
});

test("levels() is the last value of each slot, and nothing where nobody looked", () => {
  const samples = [sample(0, 10), sample(1, 12), sample(4 * slotMs, 3)];
  expect(levels(samples, value, over)).toEqual([12, undefined, undefined, undefined, 3]);
});

test("Samples forgets what the charts no longer reach", () => {
  const samples = new Samples();
  for (let atMs = 0; atMs <= 3 * REACH_MS; atMs += 10_000) samples.add(sample(atMs, 1));
  expect(samples.all[0]?.atMs).toBe(2 * REACH_MS);
});
