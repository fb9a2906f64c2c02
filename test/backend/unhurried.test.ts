/** Work of seconds in the backend's one thread: others have their turn, and a cancel ends it. */
import { expect, test } from "bun:test";
import { unhurried } from "../../src/backend/unhurried.ts";
import type { Pieces } from "../../src/core/pieces.ts";
import type { Clock } from "../../src/core/ports.ts";

/** A second of work, five milliseconds a piece. */
function world() {
  let nowMs = 0;
  const seen: number[] = [];
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: async () => void seen.push(nowMs),
  };
  function* work(): Pieces<string> {
    for (let piece = 0; piece < 200; piece += 1) {
      nowMs += 5;
      yield;
    }
    return "all of it";
  }
  return { clock, work: work(), seen };
}

test("others have their turn every 10 ms", async () => {
  const { clock, work, seen } = world();
  expect(await unhurried(work, clock, new AbortController().signal)).toBe("all of it");
  expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => (index + 1) * 10));
});

test("a cancel ends it between two pieces", async () => {
  const { clock, work, seen } = world();
  const cancel = new AbortController();
  const outcome = unhurried(work, clock, cancel.signal);
  cancel.abort("a person is in the water");
  await expect(outcome).rejects.toMatchObject({
    code: "execution.cancelled",
    message: "Cannot go on: a person is in the water",
  });
  expect(seen).toEqual([10]);
});
