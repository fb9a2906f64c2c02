import { expect, test } from "bun:test";
import { sinceMs } from "../../src/core/since.ts";

const NOW_MS = Date.parse("2026-11-21T12:00:00Z");

test.each([
  ["10m", "2026-11-21T11:50:00.000Z"],
  ["1h30m", "2026-11-21T10:30:00.000Z"],
  [" 0.5s ", "2026-11-21T11:59:59.500Z"],
  ["2d", "2026-11-19T12:00:00.000Z"],
  ["2026-11-20", "2026-11-20T00:00:00.000Z"],
  ["2026-11-20T08:30", "2026-11-20T08:30:00.000Z"],
  ["2026-11-20T08:30:01.5Z", "2026-11-20T08:30:01.500Z"],
  ["2026-11-20T08:30:00+02:00", "2026-11-20T06:30:00.000Z"],
] as const)("%j is %s", (text, expected) => {
  expect(new Date(sinceMs(text, NOW_MS) ?? 0).toISOString()).toBe(expected);
});

test.each(["", "10", "10 m", "m", "-1m", "1.2.3m", "yesterday", "2026-13-01", "12:00"])(
  "%j is no point in time",
  (text) => {
    expect(sinceMs(text, NOW_MS)).toBeUndefined();
  },
);
