/**
 * Times the planner on the warehouse, each box to the next room. The first line of each size is
 * cold code, the second warm: `bun bench/planner.ts`.
 */
import type { Clock } from "../src/core/ports.ts";
import { findPlan } from "../src/planner/plan.ts";
import { carry } from "../test/planner/rooms.ts";

const SIZES = [
  [10, 10],
  [30, 40],
  [60, 100],
] as const;

const clock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

for (const [rooms, boxes] of SIZES.flatMap((size) => [size, size])) {
  const startedAtMs = clock.monotonic();
  const { reason, plan } = await findPlan(carry(rooms, boxes), { clock });
  const tookMs = (clock.monotonic() - startedAtMs).toFixed(0);
  console.log(`${rooms} rooms, ${boxes} boxes: ${reason}, ${plan?.length} steps, ${tookMs} ms`);
}
