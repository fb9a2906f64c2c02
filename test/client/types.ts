/**
 * What the type checker must accept and refuse of a program that uses the client. It runs nowhere: an
 * expected error that does not come is an error of the project's own check.
 */
import {
  ActionBlock,
  AnyActionBlock,
  Mission,
  PlanBlock,
  RemoteOrchestrator,
} from "servant-agent/client";
import { box, boxA, boxAt, move, roomOne, roomTwo } from "servant-agent/domains/warehouse";

const orchestrator = new RemoteOrchestrator("http://127.0.0.1:8421");
new AnyActionBlock(move, { start: roomOne, end: roomTwo });
// @ts-expect-error a box is no room
new AnyActionBlock(move, { start: boxA, end: roomTwo });
// @ts-expect-error the end is missing
new AnyActionBlock(move, { start: roomOne });
// @ts-expect-error there are parameters to give
new AnyActionBlock(move);
// @ts-expect-error an action's name is no transition
new AnyActionBlock("move", {});
// @ts-expect-error a transition is no action's name
new ActionBlock(move);
new PlanBlock([boxAt(roomTwo, boxA)]);
// @ts-expect-error text is no atom: a mistyped one would be found out on the vehicle
new PlanBlock(["box_at(room_two, box_a)"]);
// @ts-expect-error the room comes first
new Mission("m").addPlan([boxAt(boxA, roomTwo)]);
// @ts-expect-error a room has no such parameter
new Mission("m").addAction(move, { start: roomOne, end: roomTwo, speed: 3 });

await orchestrator.trigger(move, { start: roomOne, end: roomTwo });
// @ts-expect-error the end is missing
await orchestrator.trigger(move, { start: roomOne });
await orchestrator.createObject(box, "box_z", { weight: 3 });
// @ts-expect-error a weight is a number
await orchestrator.createObject(box, "box_z", { weight: "3" });
const made = await orchestrator.createObject(box, undefined, {}, { returnRef: true });
await orchestrator.setGoal(boxAt(roomTwo, made));
await orchestrator.setGoal([boxAt(roomTwo, made)]);
// @ts-expect-error a number is no atom
await orchestrator.setGoal(3);
// @ts-expect-error text is no atom
await orchestrator.setBelief("box_at(room_two, box_a)", true);
