import { expect, test } from "bun:test";
import { parseSince } from "../../src/cli/call/since.ts";

const NOW = new Date("2026-05-11T14:30:00Z");
const NOW_S = NOW.getTime() / 1_000;

test.each([
  ["1715432592.4", 1715432592.4],
  ["30m ago", NOW_S - 1_800],
  ["1h30m ago", NOW_S - 5_400],
  ["5m", NOW_S - 300],
  ["1.5h ago", NOW_S - 5_400],
  ["2d 1s ago", NOW_S - 172_801],
  ["2026-05-11T14:03Z", NOW_S - 1_620],
  ["2026-05-11T14:03:00", NOW_S - 1_620],
  ["2026-05-11 16:03:00+02:00", NOW_S - 1_620],
  ["2026-05-11", NOW_S - 14.5 * 3_600],
])("parseSince() reads %s", (text, expected) => {
  expect(parseSince(text, NOW)).toBeCloseTo(expected, 3);
});

test("parseSince() takes a clock time as the last one, in the clock the log is printed in", () => {
  const now = new Date(2026, 4, 11, 14, 30, 0);
  expect(parseSince("14:03", now)).toBe(new Date(2026, 4, 11, 14, 3).getTime() / 1_000);
  expect(parseSince("14:30:00", now)).toBe(now.getTime() / 1_000);
  expect(parseSince("23:59", now)).toBe(new Date(2026, 4, 10, 23, 59).getTime() / 1_000);
});

test.each(["", "bogus", "-5m", "14:60", "25:00", "5 parsecs ago", "2026-13-45", "+1h", "ago"])(
  "parseSince() refuses %j",
  (text) => {
    expect(() => parseSince(text, NOW)).toThrow("Give epoch seconds");
  },
);
