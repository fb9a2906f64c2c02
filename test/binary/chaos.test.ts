// Goal: no `kill -9` loses an outcome or repeats an effect. Method: the compiled agent under a
// steady stream of 60 ms assignments, killed at 30 seeded random moments, in its start-up too, and
// started again at once; the effects on the disk are compared with the answers the backend got.
import { expect, test } from "bun:test";
import { runChaos } from "../support/faults/chaos.ts";
import { ourMake } from "../support/faults/servants.ts";

const KILLS = 30;

test(`${KILLS} kills at random moments lose no outcome and double no effect`, async () => {
  const report = await runChaos({ make: await ourMake(), kills: KILLS, seed: 20_261 });
  expect(report).toMatchObject({ kills: KILLS, lost: 0, doubled: 0, deaths: 0, findings: [] });
  // It would mean nothing if no kill had struck where it hurts.
  expect(report.interrupted).toBeGreaterThan(KILLS / 4);
  expect(report.killsInStartUp).toBeGreaterThan(0);
}, 180_000);
