// Goal: however many servants lose one backend, they come back spread out, and no word of a server
// makes a hot or an endless wait. Method: properties over every failure count and every dice.
import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  BACKOFF_FLOOR_MS,
  BACKOFF_MAX_MS,
  backoffMs,
  RETRY_AFTER_MAX_MS,
  retryInMs,
} from "../../src/core/backoff.ts";
import { ServantError } from "../../src/core/errors.ts";

const failures = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0 }));
const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const failure = (retryAfterMs?: number) =>
  new ServantError("backend.unavailable", "Cannot", {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

test("backoffMs() draws from a window that doubles from 1 s to 60 s and stays there", () => {
  const windows = [1, 2, 3, 4, 5, 6, 7, 8, 1_000, 1e9].map((each) => backoffMs(each, () => 1));
  expect(windows.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000));
  expect(windows.slice(8)).toEqual([BACKOFF_MAX_MS, BACKOFF_MAX_MS]);
  expect(backoffMs(0, () => 1)).toBe(1_000);
  expect(backoffMs(3, () => 0.5)).toBe(2_000);
});

test("backoffMs() stays between its floor and its window", () => {
  fc.assert(
    fc.property(failures, dice, (count, random) => {
      const waitMs = backoffMs(count, () => random);
      expect(waitMs).toBeGreaterThanOrEqual(BACKOFF_FLOOR_MS);
      expect(waitMs).toBeLessThanOrEqual(backoffMs(count, () => 1));
    }),
  );
});

test("retryInMs() waits at least what the server asks, and little more, within bounds", () => {
  fc.assert(
    fc.property(fc.nat(2_000_000), failures, dice, (askedMs, count, random) => {
      const waitMs = retryInMs(failure(askedMs), count, () => random);
      const boundedMs = Math.min(Math.max(askedMs, 1_000), RETRY_AFTER_MAX_MS);
      expect(waitMs).toBeGreaterThanOrEqual(boundedMs);
      expect(waitMs).toBeLessThanOrEqual(Math.max(boundedMs * 1.1, boundedMs + 1_000) + 1);
    }),
  );
  expect(retryInMs(failure(20_000), 1, () => 0.5)).toBe(21_000);
  expect(retryInMs(failure(), 3, () => 0.5)).toBe(2_000);
});
