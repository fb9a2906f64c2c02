import { expect, test } from "bun:test";
import fc from "fast-check";
import { isFiniteWithin, isNestedWithin, isShorterThan, type Json } from "../../src/core/json.ts";

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

/** By the brackets of its text, strings aside. */
function levelsOf(value: unknown): number {
  let [level, deepest] = [0, 0];
  for (const sign of JSON.stringify(value).replace(/"(?:[^"\\]|\\.)*"/g, "")) {
    if (sign === "[" || sign === "{") level += 1;
    if (sign === "]" || sign === "}") level -= 1;
    deepest = Math.max(deepest, level);
  }
  return deepest;
}

test("isNestedWithin() counts arrays and objects one in another", () => {
  const values = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.string(),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie("value"), { maxKeys: 3 }),
    ),
  })).value;
  fc.assert(
    fc.property(values, fc.nat(6), (value, levels) => {
      expect(isNestedWithin(value as Json, levels)).toBe(levelsOf(value) <= levels + 1);
    }),
  );
});

test("a long body is looked through in less time than it takes to read it", () => {
  const text = JSON.stringify({ list: Array.from({ length: 2_000_000 }, () => 1) });
  const timed = <T>(run: () => T): [number, T] => {
    const startedAtMs = performance.now();
    const done = run();
    return [performance.now() - startedAtMs, done];
  };
  const [readMs, value] = timed(() => JSON.parse(text) as Json);
  const [checkedMs, isFine] = timed(() => isNestedWithin(value) && isFiniteWithin(value));
  expect(isFine).toBe(true);
  expect(checkedMs).toBeLessThan(10 * readMs); // 100 times as long when members are copied
});

test("isFiniteWithin() finds what JSON reads as infinity, however deep", () => {
  expect(isFiniteWithin(JSON.parse('{"a":[1,{"b":[-1e999]}]}'))).toBe(false);
  expect(isFiniteWithin(JSON.parse('{"a":[1,{"b":[-1e99,null,"1e999"]}]}'))).toBe(true);
});
