/** Times the planner on the warehouse: `bun bench/planner.ts`. */
import { type Atom, atom } from "../src/core/atom.ts";
import type { Clock } from "../src/core/ports.ts";
import { warehouse } from "../src/domains/warehouse.ts";
import { findPlan, type Problem } from "../src/planner/plan.ts";

const clock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** Each box goes to the next room. */
function carry(rooms: number, boxes: number): Problem {
  const roomOf = (index: number) => `room_${index % rooms}`;
  const place = (room: number, box: number) => atom("box_at", [roomOf(room), `box_${box}`]);
  const each = Array.from({ length: boxes }, (_, box) => box);
  return {
    ...warehouse,
    objects: [
      ...Array.from({ length: rooms }, (_, room) => ({
        name: roomOf(room),
        type: "room",
        fields: {},
      })),
      ...each.map((box) => ({ name: `box_${box}`, type: "box", fields: {} })),
    ],
    state: new Set<Atom>([
      atom("hands_free"),
      atom("robot_at", [roomOf(0)]),
      ...each.map((box) => place(box, box)),
    ]),
    goal: each.map((box) => ({ atom: place(box + 1, box), holds: true })),
  };
}

for (const [rooms, boxes] of [
  [10, 10],
  [10, 10],
  [10, 10],
  [30, 40],
  [30, 40],
  [60, 100],
] as const) {
  const startedAtMs = clock.monotonic();
  const { reason, plan } = await findPlan(carry(rooms, boxes), { clock });
  const tookMs = (clock.monotonic() - startedAtMs).toFixed(0);
  console.log(`${rooms} rooms, ${boxes} boxes: ${reason}, ${plan?.length} steps, ${tookMs} ms`);
}
