// Goal: actions that share something never run together. Method: fast-check over sets of uses.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { fits, type Uses } from "../../src/core/lanes.ts";

const uses = fc.option(fc.uniqueArray(fc.constantFrom("arm", "wheels", "camera", "pump")), {
  nil: undefined,
});
/** Some that run together, as `fits` lets them in one after the other. */
function running(all: readonly Uses[], concurrency: number): Uses[] {
  const together: Uses[] = [];
  for (const next of all) if (fits(next, together, concurrency)) together.push(next);
  return together;
}

test("fits() lets in only what shares nothing with any other, and as many as are allowed", () => {
  fc.assert(
    fc.property(fc.array(uses), fc.integer({ min: 1, max: 4 }), (all, concurrency) => {
      const together = running(all, concurrency);
      expect(together.length).toBeLessThanOrEqual(concurrency);
      if (together.length < 2) return;
      expect(together).not.toContain(undefined);
      const names = together.flatMap((each) => each ?? []);
      expect(new Set(names).size).toBe(names.length);
    }),
  );
});

test("fits() lets anything start beside nothing, so that nothing waits for ever", () => {
  fc.assert(fc.property(uses, (next) => expect(fits(next, [], 1)).toBe(true)));
});

test("fits() lets in what shares nothing, in whatever order they came", () => {
  expect(fits(["arm"], [["wheels"], ["camera"]], 3)).toBe(true);
  expect(fits(["arm"], [["wheels"], ["arm", "camera"]], 3)).toBe(false);
  expect(fits(["arm"], [["wheels"], ["camera"]], 2)).toBe(false);
  expect(fits([], [["wheels"]], 2)).toBe(true);
  expect(fits([], [undefined], 2)).toBe(false);
  expect(fits(undefined, [[]], 2)).toBe(false);
});
