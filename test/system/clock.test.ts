import { expect, test } from "bun:test";
import { systemClock } from "../../src/system/clock.ts";

test("sleep() ends at the abort, also one that came before it, and never early", async () => {
  const abort = new AbortController();
  const sleeping = systemClock.sleep(1e6, abort.signal);
  abort.abort();
  await sleeping;
  await systemClock.sleep(1e6, abort.signal);
  const from = systemClock.monotonic();
  await systemClock.sleep(20);
  expect(systemClock.monotonic() - from).toBeGreaterThanOrEqual(19);
});

test("a sleep of months does not wrap around to none", async () => {
  const abort = new AbortController();
  let isOver = false;
  const sleeping = systemClock.sleep(2 ** 31 + 5, abort.signal).then(() => {
    isOver = true;
  });
  await systemClock.sleep(10);
  expect(isOver).toBe(false);
  abort.abort();
  await sleeping;
});
