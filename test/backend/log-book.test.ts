/** Log lines: in order, apart in time, not too many. */
import { expect, test } from "bun:test";
import { LOG_LINES_MAX, LogBook } from "../../src/backend/log-book.ts";
import { FakeClock } from "../support/fake-clock.ts";

test("timestamps rise strictly when the clock stands still or goes back", async () => {
  let nowMs = 1_750_000_000_000.123;
  const book = new LogBook({ ...new FakeClock(), now: () => nowMs } as FakeClock);
  for (let line = 0; line < 1_000; line += 1) {
    book.add("info", `line ${line}`, {});
    if (line === 500) nowMs -= 60_000;
  }
  const times = JSON.parse(JSON.stringify(book.lines)).map(
    ({ timestamp }: { timestamp: number }) => timestamp,
  );
  expect(new Set(times).size).toBe(1_000);
  expect(times).toEqual([...times].sort((a: number, b: number) => a - b));
  expect(Math.abs(times[0] - 1_750_000_000)).toBeLessThan(1);
});

test("the newest lines are kept", () => {
  const book = new LogBook(new FakeClock());
  for (let line = 0; line < LOG_LINES_MAX * 3; line += 1) book.add("info", `line ${line}`, {});
  expect(book.lines.length).toBeLessThanOrEqual(LOG_LINES_MAX * 2);
  expect(book.lines.length).toBeGreaterThanOrEqual(LOG_LINES_MAX);
  expect(book.lines.at(-1)?.message).toBe(`line ${LOG_LINES_MAX * 3 - 1}`);
});
