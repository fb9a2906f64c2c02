import { beforeEach, expect, test } from "bun:test";
import { type TestPlugin, testPlugin } from "servant-agent/testing";
import { Balance } from "../../plugins/balance.ts";
import { ServantError } from "../../src/core/errors.ts";

/** It settles within a few milliseconds. */
class QuickBalance extends Balance {
  constructor() {
    super({ seed: 7, timeConstantMs: 1 });
  }
}
/** It has hardly begun to settle when a test is over. */
class SlowBalance extends Balance {
  constructor() {
    super({ timeConstantMs: 600_000 });
  }
}

let balance: TestPlugin;
beforeEach(async () => {
  balance = await testPlugin(QuickBalance);
});

const load = (mass_g: number) => balance.act("load", { mass_g });
const weigh = async (settle_ms = 30) => {
  const { telemetry } = await balance.act("weigh", { settle_ms });
  return telemetry as { mass_g: number; stable: boolean };
};

test("Balance weighs what was added since the tare, to some milligrams", async () => {
  expect((await weigh()).mass_g).toBeCloseTo(0, 2);
  await load(12.5);
  expect((await weigh()).mass_g).toBeCloseTo(12.5, 2);
  const tared = await balance.act("tare", { settle_ms: 30 });
  expect((tared.telemetry as { tare_g: number }).tare_g).toBeCloseTo(12.5, 2);
  expect((await weigh()).mass_g).toBeCloseTo(0, 2);
  await load(13);
  expect(await weigh()).toMatchObject({ stable: true });
  expect((await weigh()).mass_g).toBeCloseTo(0.5, 2);
});

test("Balance has noise, the same for the same seed", async () => {
  await load(100);
  const first = [await weigh(), await weigh(), await weigh()];
  expect(new Set(first.map(({ mass_g }) => mass_g)).size).toBeGreaterThan(1);
  balance = await testPlugin(QuickBalance);
  await load(100);
  expect([await weigh(), await weigh(), await weigh()]).toEqual(first);
});

test("Balance says of a reading that comes too early that it is not stable", async () => {
  balance = await testPlugin(SlowBalance);
  await load(100);
  const early = await weigh(1);
  expect(early.stable).toBe(false);
  expect(early.mass_g).toBeLessThan(1);
  // A further load begins from where it is, not from where it was going.
  await load(0);
  expect((await weigh(0)).mass_g).toBeLessThan(1);
});

test("Balance measures its weight all the time", async () => {
  expect(balance.streams).toEqual({ weight: 500 });
  expect(await balance.sample("weight")).toMatchObject({ stable: true });
  await load(3);
  await weigh();
  expect((await balance.sample("weight"))?.mass_g).toBeCloseTo(3, 2);
});

test("Balance alerts when there is too much on its pan, and does not weigh it", async () => {
  await load(220);
  expect(balance.events).toEqual([]);
  await load(250);
  expect(balance.events).toMatchObject([
    { kind: "alert", fields: { type: "overload", severity: "high", mass_g: 250, capacity_g: 220 } },
  ]);
  expect(await balance.act("weigh", { settle_ms: 0 })).toMatchObject({
    success: false,
    message: "more than 220 g lie on the pan",
  });
});

test("Balance forgets its tare when it is reset", async () => {
  await load(5);
  await balance.act("tare", { settle_ms: 30 });
  await balance.hook("reset");
  expect((await weigh()).mass_g).toBeCloseTo(5, 2);
});

test("Balance stops waiting when it is cancelled", async () => {
  const abort = new AbortController();
  const weighing = balance.act("weigh", { settle_ms: 60_000 }, abort.signal);
  abort.abort(new ServantError("handler.cancelled", "enough"));
  expect(await weighing).toMatchObject({ code: "handler.cancelled", message: "enough" });
});

test.each([
  { what: { settle_ms: -1 }, why: /settle_ms/ },
  { what: { settle_ms: "long" }, why: /settle_ms.*number/ },
  { what: { settle_m: 2_000 }, why: /settle_m"/ },
])("Balance refuses to weigh with $what", async ({ what, why }) => {
  const { code, message } = await balance.act("weigh", what);
  expect(code).toBe("assignment.bad-params");
  expect(message).toMatch(why);
});
