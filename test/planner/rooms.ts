/** The warehouse with any number of rooms and boxes. */
import { type Atom, atom } from "../../src/core/atom.ts";
import type { Literal } from "../../src/core/condition.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import type { Problem } from "../../src/planner/plan.ts";

export const boxAt = (room: number, box: number) => atom("box_at", [`room_${room}`, `box_${box}`]);
export const robotAt = (room: number) => atom("robot_at", [`room_${room}`]);
export const wanted = (...atoms: Atom[]): Literal[] =>
  atoms.map((each) => ({ atom: each, holds: true }));

/** A robot in room 0, box i in room i modulo `rooms`; each box shall go one room on. */
export function carry(rooms: number, boxes: number): Problem {
  const named = (type: string, count: number) =>
    Array.from({ length: count }, (_, at) => ({ name: `${type}_${at}`, type, fields: {} }));
  const each = Array.from({ length: boxes }, (_, box) => box);
  return {
    transitions: warehouse.transitions,
    fluents: warehouse.fluents,
    objects: [...named("room", rooms), ...named("box", boxes)],
    state: new Set([atom("hands_free"), robotAt(0), ...each.map((box) => boxAt(box % rooms, box))]),
    goal: wanted(...each.map((box) => boxAt((box + 1) % rooms, box))),
  };
}
