/** What clients leave here has a limit, all of it together. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Allowance } from "../../src/backend/allowance.ts";
import { Missions } from "../../src/backend/missions.ts";
import { Objects } from "../../src/backend/objects.ts";
import { keepNothing } from "../../src/backend/store.ts";
import { Vocabulary } from "../../src/backend/vocabulary.ts";
import { sentry } from "../../src/domains/sentry.ts";

const LONG = "x".repeat(15 * 1024 * 1024);

test("an allowance takes what fits with what is there, and no more", () => {
  const name = fc.constantFrom("a", "b", "c");
  const acts = fc.array(fc.tuple(name, fc.option(fc.string({ maxLength: 40 }))), { maxLength: 50 });
  fc.assert(
    fc.property(acts, (all) => {
      const allowance = new Allowance(20, "texts");
      const kept = new Map<string, number>();
      for (const [each, text] of all) {
        if (text === null) {
          allowance.free(each);
          kept.delete(each);
          continue;
        }
        const wanted = new Map(kept).set(each, JSON.stringify(text).length);
        const sum = [...wanted.values()].reduce((a, b) => a + b, 0);
        if (sum > 20) expect(() => allowance.take(each, text)).toThrow("texts have 20 characters");
        else allowance.take(each, text);
        if (sum <= 20) kept.set(each, JSON.stringify(text).length);
      }
    }),
  );
});

test("missions are saved until they are too long together", () => {
  const missions = new Missions({});
  const block = { type: "order", name: LONG, children: [] };
  const save = (nth: number) => missions.save(`m${nth}`, [block]);
  for (let nth = 0; nth < 8; nth += 1) save(nth);
  expect(() => save(8)).toThrow("missions have");
  save(7); // in place of itself
  missions.remove("m7");
  save(8);
});

test("objects are made and changed until their values are too long together", () => {
  const objects = new Objects(new Vocabulary([sentry]), keepNothing);
  const fields = { vertices: [LONG] };
  const make = (nth: number) => objects.create({ name: `z${nth}`, type: "zone", fields });
  for (let nth = 0; nth < 17; nth += 1) make(nth);
  expect(() => make(17)).toThrow("the values of objects have");
  expect(objects.get("z17")).toBeUndefined();
  expect(() => objects.update("z3", { vertices: [LONG, LONG] })).toThrow("the values of objects");
  expect(objects.get("z3")?.fields).toEqual(fields);
  objects.remove("z16");
  make(17);
});
