import { beforeEach, expect, test } from "bun:test";
import { type TestPlugin, testPlugin } from "servant-agent/testing";
import { Arm } from "../../plugins/arm.ts";
import { ServantError } from "../../src/core/errors.ts";

/** A minute takes 6 ms. */
class QuickArm extends Arm {
  constructor() {
    super(10_000);
  }
}

let arm: TestPlugin;
beforeEach(async () => {
  arm = await testPlugin(QuickArm);
});

const near = { at: { x: 0.5, y: 0.2, z: 0.1 }, yaw: 1 };

test("Arm moves to a pose by way of others, and does there what it was told", async () => {
  const via = [{ at: { x: 0.4, y: 0.4, z: 0.4 } }, { at: { x: 0, y: 0.4, z: 0.2 } }];
  expect(
    await arm.act("arm.move_to", { pose: near, via, gripper: "shut", dwell: 2 }),
  ).toMatchObject({ success: true, telemetry: { x: 0.5, y: 0.2, z: 0.1, yaw: 1, is_open: false } });
  const told = arm.progress.map(({ fraction }) => fraction);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(told.at(-1)).toBe(1);
  expect(told.length).toBeLessThanOrEqual(10); // each is a line of the log
  // What is not said: straight there, level, the gripper as it is.
  expect(await arm.act("arm.move_to", { pose: { at: near.at } })).toMatchObject({
    telemetry: { yaw: 0, is_open: false },
  });
});

test("Arm sweeps there and back, and takes what the client adds of its actor", async () => {
  const given = { to: near.at, strokes: 1, associated_actor: { name: "left" } };
  expect(await arm.act("arm.sweep", given)).toMatchObject({ telemetry: { x: 0.5, press_n: 5 } });
  expect(await arm.act("arm.sweep", { ...given, strokes: 2 })).toMatchObject({
    telemetry: { x: 0.5 },
  });
});

test.each([
  ["arm.move_to", { pose: { at: { x: 2, y: 0, z: 0 } } }, "it is out of reach"],
  ["check_payload", { load: 3.5 }, "it carries 3 kg at most"],
])("Arm fails %s where it cannot", async (name, params, message) => {
  expect(await arm.act(name, params)).toMatchObject({ success: false, message });
});

test("Arm checks a load by itself, or by who takes the blame", async () => {
  expect(await arm.act("check_payload", { load: 3 })).toMatchObject({ success: true });
  const blamed = { load: 9, allow_overload: true, note: "a heavy one" };
  expect(await arm.act("check_payload", blamed)).toMatchObject({ success: true });
  expect(arm.logs).toMatchObject([{ message: "a heavy one", fields: { load_kg: 9 } }]);
});

test.each([
  ["arm.move_to", {}, /pose/],
  ["arm.move_to", { pose: near, pace: 0 }, /pace/],
  ["arm.move_to", { pose: near, gripper: "bite" }, /gripper/],
  ["arm.sweep", { to: near.at, strokes: 0.5 }, /strokes/],
])("Arm refuses %s with %p", async (name, params, reason) => {
  const { code, message } = await arm.act(name, params);
  expect(code).toBe("assignment.bad-params");
  expect(message).toMatch(reason);
});

test("Arm stops where it is when it is cancelled", async () => {
  arm = await testPlugin(
    class extends Arm {
      constructor() {
        super(1);
      }
    },
  );
  const abort = new AbortController();
  const moving = arm.act("arm.move_to", { pose: near, pace: 0.1 }, abort.signal);
  while (arm.progress.length < 1) await Bun.sleep(1);
  abort.abort(new ServantError("handler.cancelled", "enough"));
  expect(await moving).toMatchObject({ code: "handler.cancelled", message: "enough" });
  expect(arm.progress.at(-1)?.fraction).toBeLessThan(1);
});

test("Arm stands still during a pause", async () => {
  arm.setPaused(true);
  let isOver = false;
  const moving = arm.act("arm.move_to", { pose: near }).finally(() => {
    isOver = true;
  });
  await Bun.sleep(30);
  expect([isOver, arm.progress]).toEqual([false, []]);
  arm.setPaused(false);
  expect(await moving).toMatchObject({ success: true });
});

test("Arm sets its brakes when it shall be safe", async () => {
  await arm.safe();
  expect(arm.logs).toMatchObject([{ level: "warn", message: "the brakes are on" }]);
});
