import { beforeEach, expect, test } from "bun:test";
import { type TestPlugin, testPlugin } from "servant-agent/testing";
import { Pipettor } from "../../plugins/pipettor.ts";
import { ServantError } from "../../src/core/errors.ts";

/** A minute takes 6 ms. */
class QuickPipettor extends Pipettor {
  constructor() {
    super(10_000);
  }
}

let pipettor: TestPlugin;
beforeEach(async () => {
  pipettor = await testPlugin(QuickPipettor);
});

const draw = (volume_ul: number, well = "A1") => pipettor.act("aspirate", { well, volume_ul });
const give = (volume_ul: number, well = "A1") => pipettor.act("dispense", { well, volume_ul });
const failed = (message: string) => ({ success: false, message });
const ready = async (capacity_ul = 200) => {
  await pipettor.act("home");
  await pipettor.act("pick_up_tip", { capacity_ul });
};

test("Pipettor carries liquid from one well to others, and tells where it is", async () => {
  await ready();
  expect(await draw(150)).toMatchObject({
    success: true,
    telemetry: { x_mm: 30, y_mm: 20, z_mm: -50, volume_ul: 150 },
  });
  expect(await give(100, "B3")).toMatchObject({ telemetry: { x_mm: 48, y_mm: 29, volume_ul: 50 } });
  expect(await give(50, "H12")).toMatchObject({ telemetry: { x_mm: 129, y_mm: 83, volume_ul: 0 } });
  expect(pipettor.streams).toEqual({ pos: 500 });
  expect(await pipettor.sample("pos")).toEqual({ x_mm: 129, y_mm: 83, z_mm: -50 });
  expect(await pipettor.act("eject_tip")).toMatchObject({ success: true });
  expect(pipettor.events).toEqual([]);
  expect(pipettor.progress.at(-1)).toEqual({ fraction: 1, message: "" });
});

test("Pipettor does nothing before it has homed, nor after a reset", async () => {
  const first = failed("it must home first");
  for (const name of ["pick_up_tip", "eject_tip"]) {
    expect(await pipettor.act(name)).toMatchObject(first);
  }
  expect(await draw(1)).toMatchObject(first);
  expect(await pipettor.sample("pos")).toBeUndefined();
  await ready();
  await pipettor.hook("reset");
  expect(await give(1)).toMatchObject(first);
  await pipettor.act("home");
  await pipettor.safe();
  expect(await draw(1)).toMatchObject(first);
});

test("Pipettor holds no more than its tip, and gives no more than it holds", async () => {
  await pipettor.act("home");
  expect(await draw(1)).toMatchObject(failed("it has no tip"));
  expect(await pipettor.act("eject_tip")).toMatchObject(failed("it has no tip"));
  await pipettor.act("pick_up_tip", { capacity_ul: 50 });
  expect(await pipettor.act("pick_up_tip")).toMatchObject(failed("it has a tip already"));
  expect(await draw(30)).toMatchObject({ success: true });
  expect(await draw(20.5)).toMatchObject(failed("its tip has room for 20 ul"));
  expect(await give(31)).toMatchObject(failed("its tip holds 30 ul"));
  expect(await draw(20)).toMatchObject({ success: true, telemetry: { volume_ul: 50 } });
  await pipettor.act("eject_tip");
  expect(pipettor.events).toMatchObject([
    { kind: "alert", fields: { type: "liquid_discarded", severity: "low", volume_ul: 50 } },
  ]);
});

test.each([
  [{ well: "I1", volume_ul: 1 }, /well: a well is A1 to H12/],
  [{ well: "A13", volume_ul: 1 }, /well/],
  [{ well: "A1", volume_ul: 0 }, /volume_ul/],
  [{ well: "A1", volume_ul: 1, speed_ul_s: 0 }, /speed_ul_s/],
])("Pipettor refuses %p", async (params, reason) => {
  await ready();
  const { code, message } = await pipettor.act("aspirate", params);
  expect(code).toBe("assignment.bad-params");
  expect(message).toMatch(reason);
});

test("Pipettor stops at once when it is cancelled, and knows what it has drawn", async () => {
  pipettor = await testPlugin(
    class extends Pipettor {
      constructor() {
        super(100);
      }
    },
  );
  await ready();
  const abort = new AbortController();
  // Two hundred seconds of its own: two of ours, of which it has a few hundredths.
  const drawing = pipettor.act(
    "aspirate",
    { well: "A1", volume_ul: 200, speed_ul_s: 1 },
    abort.signal,
  );
  while (pipettor.progress.length < 3) await Bun.sleep(1);
  abort.abort(new ServantError("handler.cancelled", "enough"));
  expect(await drawing).toMatchObject({ code: "handler.cancelled", message: "enough" });
  const { fraction } = pipettor.progress.at(-1) ?? { fraction: 1 };
  expect(fraction).toBeLessThan(1);
  expect(await give(200)).toMatchObject(
    failed(`its tip holds ${Math.round(fraction * 200 * 100) / 100} ul`),
  );
});

test("Pipettor stands still during a pause", async () => {
  await ready();
  pipettor.setPaused(true);
  let isOver = false;
  const drawing = draw(100).finally(() => {
    isOver = true;
  });
  await Bun.sleep(30);
  expect([isOver, pipettor.progress]).toEqual([false, []]);
  pipettor.setPaused(false);
  expect(await drawing).toMatchObject({ success: true });
});
