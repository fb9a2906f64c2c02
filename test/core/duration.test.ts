import { expect, test } from "bun:test";
import fc from "fast-check";
import { durationSeconds, shortDuration } from "../../src/core/duration.ts";

test.each([
  ["4d", 345_600],
  ["12h", 43_200],
  ["30m", 1_800],
  ["45s", 45],
  ["600", 600],
  ["0", 0],
  ["1d12h", 129_600],
  ["1H 30m", 5_400],
  [" 2d ", 172_800],
])("durationSeconds() reads %j", (text, seconds) => {
  expect(durationSeconds(text)).toBe(seconds);
});

test.each([
  "",
  " ",
  "d",
  "1.5h",
  "-1",
  "1w",
  "30m1h",
  "1d1d",
  "1e3",
  "two days",
  "1 000",
  "9".repeat(13),
])("durationSeconds() does not guess at %j", (text) => {
  expect(durationSeconds(text)).toBeUndefined();
});

test.each([
  [0, "0s"],
  [59.9, "59s"],
  [3_599, "59m59s"],
  [3_600, "1h"],
  [172_799, "1d23h"],
  [172_800, "2d"],
  [86_460, "1d"],
  [-5, "0s"],
])("shortDuration() says %d as %s", (seconds, text) => {
  expect(shortDuration(seconds)).toBe(text);
});

test("shortDuration() is read back as the time it says, less than the unit below too short", () => {
  fc.assert(
    fc.property(fc.nat({ max: 10_000_000 }), (seconds) => {
      const read = durationSeconds(shortDuration(seconds)) ?? Number.NaN;
      const error = seconds < 3_600 ? 1 : seconds < 86_400 ? 60 : 3_600;
      expect(read).toBeLessThanOrEqual(seconds);
      expect(read).toBeGreaterThan(seconds - error);
    }),
  );
});
