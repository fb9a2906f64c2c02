import { expect, test } from "bun:test";
import fc from "fast-check";
import { isShorterThan, type Json } from "../../src/core/json.ts";

test("isShorterThan() estimates the length of the JSON, names, quotes and all", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const { length } = JSON.stringify(value);
      // Each escape may count for one character, an index of an array for as much as a name.
      expect(isShorterThan(value as Json, 6 * length + 10 * length + 10)).toBe(true);
      expect(isShorterThan(value as Json, Math.floor(length / 6) - 1)).toBe(false);
    }),
  );
});

test("isShorterThan() looks at no more than it needs", () => {
  const long = Array.from({ length: 1_000 }, () => "x".repeat(100));
  let looked = 0;
  const counted = new Proxy(long, {
    get: (target, name) => {
      looked += 1;
      return Reflect.get(target, name);
    },
  });
  expect(isShorterThan(counted, 1_000)).toBe(false);
  expect(looked).toBeLessThan(20);
});
