import { beforeEach, expect, test } from "bun:test";
import { type TestPlugin, testPlugin } from "servant-agent/testing";
import { ServantError } from "../../src/core/errors.ts";

process.env.WAREHOUSE_STEP_MS = "1";
const { WarehouseNode } = await import("../../plugins/warehouse.ts");

let robot: TestPlugin;
beforeEach(async () => {
  robot = await testPlugin(WarehouseNode);
});

const drive = (start: string, end: string) => robot.act("move", { start, end });
const seen = async (fluent: string) => {
  const { observed } = await robot.observe(fluent);
  return Object.fromEntries(observed.map(({ atom, holds }) => [atom, holds]));
};

test("WarehouseNode offers its moves, its senses and where things begin", () => {
  expect(robot.offer.transitions).toEqual(["move", "pick", "place"]);
  expect(robot.offer.fluents).toEqual(["robot_at", "holding"]);
  expect(robot.offer.startState.map(String)).toEqual([
    "robot_at(room_robot_home)",
    "hands_free",
    "box_at(room_one, box_a)",
    "box_at(room_loading_bay, box_b)",
    "box_at(room_loading_bay, box_c)",
  ]);
});

test("WarehouseNode drives where it is told and knows where it is", async () => {
  expect(await drive("room_robot_home", "room_one")).toMatchObject({
    success: true,
    telemetry: { room: "room_one", took_ms: 1 },
  });
  expect(await robot.observe("robot_at")).toMatchObject({ exclusive: ["robot_at"] });
  expect(await seen("robot_at")).toEqual({ "robot_at(room_one)": true });
  expect(robot.logs.map(({ message }) => message)).toEqual(["driving to room_one"]);
  expect(robot.progress).toEqual([{ fraction: 1, message: "driving to room_one" }]);
});

test("WarehouseNode does not drive from where it is not", async () => {
  expect(await drive("room_two", "room_one")).toMatchObject({
    success: false,
    message: "the robot is in room_robot_home, not in room_two",
  });
});

test("WarehouseNode carries a box from one room to another", async () => {
  await drive("room_robot_home", "room_one");
  const pick = await robot.act("pick", { room: "room_one", box: "box_a" });
  expect(pick).toMatchObject({ success: true, telemetry: { box: "box_a" } });
  expect(await seen("holding")).toEqual({
    "holding(box_a)": true,
    "holding(box_b)": false,
    "holding(box_c)": false,
  });
  await drive("room_one", "room_two");
  const place = await robot.act("place", { room: "room_two", box: "box_a" });
  expect(place).toMatchObject({ success: true, telemetry: { box: "box_a" } });
  expect((await seen("holding"))["holding(box_a)"]).toBe(false);
  expect(await robot.act("pick", { room: "room_two", box: "box_a" })).toMatchObject({
    success: true,
  });
});

test("WarehouseNode picks up only what is within reach, and one box at a time", async () => {
  await drive("room_robot_home", "room_loading_bay");
  const reach = (room: string, box: string) => robot.act("pick", { room, box });
  expect(await reach("room_loading_bay", "box_a")).toMatchObject({
    success: false,
    message: "box_a is not within reach in room_loading_bay",
  });
  expect(await reach("room_one", "box_a")).toMatchObject({ success: false });
  expect(await reach("room_loading_bay", "box_b")).toMatchObject({ success: true });
  expect(await reach("room_loading_bay", "box_c")).toMatchObject({
    success: false,
    message: "the arm already holds box_b",
  });
});

test("WarehouseNode puts down only what it holds, and only where it is", async () => {
  const lower = (room: string, box: string) => robot.act("place", { room, box });
  expect(await lower("room_robot_home", "box_a")).toMatchObject({
    success: false,
    message: "cannot put box_a down in room_robot_home",
  });
  await drive("room_robot_home", "room_one");
  await robot.act("pick", { room: "room_one", box: "box_a" });
  expect(await lower("room_two", "box_a")).toMatchObject({ success: false });
  expect(await lower("room_one", "box_b")).toMatchObject({ success: false });
});

test.each([
  { when: "while it drives", isLate: true },
  { when: "before it starts", isLate: false },
])("WarehouseNode stops where it was when it is cancelled $when", async ({ isLate }) => {
  const abort = new AbortController();
  const cancel = () => abort.abort(new ServantError("handler.cancelled", "the way is blocked"));
  if (!isLate) cancel();
  const params = { start: "room_robot_home", end: "room_one" };
  const run = robot.act("move", params, abort.signal);
  cancel();
  expect(await run).toMatchObject({
    success: false,
    code: "handler.cancelled",
    message: "the way is blocked",
  });
  expect(await seen("robot_at")).toEqual({ "robot_at(room_robot_home)": true });
});
