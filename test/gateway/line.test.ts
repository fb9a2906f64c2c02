/** The lines that the proxy keeps for the next request. */
import { expect, test } from "bun:test";
import { type Line, Lines } from "../../src/gateway/line.ts";

const IDLE_MS = 20;

function line(): Line & { isEnded: boolean } {
  return {
    ...{ owner: undefined, isEnded: false, write: () => true, pause() {}, resume() {} },
    end() {
      this.isEnded = true;
    },
  };
}

test("a line that nobody needs is ended; one that is used again and again stays", async () => {
  const lines = new Lines(IDLE_MS);
  const [idle, used, busy] = [line(), line(), line()];
  lines.keep(1, idle);
  lines.keep(2, busy);
  expect(lines.waiting(2)).toBe(busy); // in use, and silent for long
  lines.keep(3, used);
  while (!idle.isEnded) {
    expect(lines.waiting(3)).toBe(used);
    lines.keep(3, used);
    await Bun.sleep(1);
  }
  expect(lines.waiting(1)).toBeUndefined();
  expect([used.isEnded, busy.isEnded]).toEqual([false, false]);
  lines.close();
  expect(used.isEnded).toBe(true);
});

test("a line that its other end closes is forgotten", async () => {
  const lines = new Lines(IDLE_MS);
  const [first, second] = [line(), line()];
  lines.keep(1, first);
  lines.keep(1, second);
  second.owner?.closed();
  expect(lines.waiting(1)).toBe(first);
  expect(lines.waiting(1)).toBeUndefined();
  lines.close();
});
