/** The warehouse: a robot that carries boxes between rooms. Same names as the public domain. */
import { domain, fluent, objectType, type RefOf, transition } from "../core/vocabulary.ts";

export const box = objectType("box", { weight: "number" });
export const room = objectType("room", { capacity: "number" });
export type Box = RefOf<typeof box>;
export type Room = RefOf<typeof room>;

export const boxA = box("box_a");
export const boxB = box("box_b");
export const boxC = box("box_c");
export const roomRobotHome = room("room_robot_home");
export const roomLoadingBay = room("room_loading_bay");
export const roomOne = room("room_one");
export const roomTwo = room("room_two");
export const roomThree = room("room_three");

export const handsFree = fluent("hands_free").defaultTrue();
export const boxAt = fluent("box_at", { location: room }, { box });
export const robotAt = fluent("robot_at", { location: room });
export const holding = fluent("holding", { box });
/** Keep-out: no step may end in this room. */
export const noEntry = fluent("no_entry", { location: room });

export const pick = transition("pick", {
  params: { room, box },
  preconditions: (p) => [handsFree(), robotAt(p.room), boxAt(p.room, p.box)],
  adds: (p) => [holding(p.box)],
  removes: (p) => [boxAt(p.room, p.box), handsFree()],
});
export const place = transition("place", {
  params: { room, box },
  preconditions: (p) => [holding(p.box), robotAt(p.room)],
  adds: (p) => [boxAt(p.room, p.box), handsFree()],
  removes: (p) => [holding(p.box)],
});
export const move = transition("move", {
  params: { start: room, end: room },
  preconditions: (p) => [robotAt(p.start)],
  adds: (p) => [robotAt(p.end)],
  removes: (p) => [robotAt(p.start)],
});

export const warehouse = domain("warehouse", {
  modules: ["dynos_warehouse.warehouse"],
  transitions: [pick, place, move],
  fluents: [noEntry],
});
