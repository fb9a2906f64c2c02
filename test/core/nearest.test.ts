/** What a mistyped name was probably meant to be. */
import { expect, test } from "bun:test";
import { nearest } from "../../src/core/nearest.ts";

test("nearest() finds a name among the last of many", () => {
  const places = Array.from({ length: 20_000 }, (_, at) => `place_${at}`);
  expect(nearest("plaice_19999", places)).toBe("place_19999");
});

test("nearest() gives up in time when there are many long names", () => {
  const names = Iterator.from({
    next: () => {
      looked += 1;
      return { done: false, value: `${"y".repeat(50)}${looked}` };
    },
  });
  let looked = 0;
  expect(nearest("x".repeat(60), names)).toBeUndefined();
  expect(looked).toBeLessThan(10_000);
});

test("nearest() knows none when none is like it", () => {
  expect(nearest("weigh", ["move", "place"])).toBeUndefined();
});
