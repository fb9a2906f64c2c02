import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  ActionBlock,
  AnyActionBlock,
  type Block,
  Mission,
  OrderBlock,
  PlanBlock,
} from "../../src/client/mission.ts";
import { atom } from "../../src/core/atom.ts";
import { objectType, optional, transition } from "../../src/core/vocabulary.ts";
import { boxA, boxAt, move, roomOne, roomTwo } from "../../src/domains/warehouse.ts";

test("a mission is the JSON that backends carry out", () => {
  const spot = objectType("spot");
  const abort = transition("abort", { params: { position: optional(spot) } });
  const mission = new Mission("tidy")
    .addAction(move, { start: roomOne, end: roomTwo })
    .addAction("anon:Cart.weigh", { grams: 3 })
    .addAction(abort)
    .addPlan([boxAt(roomTwo, boxA)])
    .addOrder([new AnyActionBlock(move, { start: roomTwo, end: roomOne })], "back");
  expect(JSON.parse(JSON.stringify(mission))).toEqual({
    name: "tidy",
    blocks: [
      { type: "action", action: "move", params: { start: "room_one", end: "room_two" } },
      { type: "action", action: "anon:Cart.weigh", params: { grams: 3 } },
      { type: "action", action: "abort" },
      { type: "plan", goal: ["box_at(room_two, box_a)"] },
      {
        type: "order",
        name: "back",
        children: [
          { type: "action", action: "move", params: { start: "room_two", end: "room_one" } },
        ],
      },
    ],
  });
});

const name = fc.stringMatching(/^[a-z]{1,5}$/);
const { block } = fc.letrec<{ block: Block }>((tie) => ({
  block: fc.oneof(
    { maxDepth: 4 },
    fc
      .tuple(name, fc.dictionary(name, name))
      .map(([action, params]) => new ActionBlock(action, params)),
    fc.array(name).map((names) => new PlanBlock(names.map((each) => atom("at", [each])))),
    fc.tuple(fc.array(tie("block")), name).map(([inner, of]) => new OrderBlock(inner, of)),
  ),
}));

test("Mission.fromJSON() reads what a mission is written as", () => {
  fc.assert(
    fc.property(name, fc.array(block), (named, blocks) => {
      const text = JSON.stringify(new Mission(named, blocks));
      expect(JSON.stringify(Mission.fromJSON(text))).toBe(text);
      expect(Mission.fromJSON(JSON.parse(text))).toEqual(new Mission(named, blocks));
    }),
  );
});

test.each([
  ["no JSON", "{", "not JSON"],
  ["no name", { blocks: [] }, "a name and blocks"],
  ["an unknown block", { name: "m", blocks: [{ type: "wait" }] }, 'its type is "wait"'],
])("Mission.fromJSON() refuses %s", (_what, json, says) => {
  expect(() => Mission.fromJSON(json)).toThrow(says);
});

test("a block of the wrong kind says which is the right one", () => {
  expect(() => new AnyActionBlock("move" as never, {} as never)).toThrow("ActionBlock");
  expect(() => new ActionBlock(move as never)).toThrow("AnyActionBlock");
});
