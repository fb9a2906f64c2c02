import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Atom, parseAtom } from "../../src/core/atom.ts";
import {
  and,
  atomsOf,
  bindCondition,
  type Condition,
  conditionText,
  isMet,
  not,
  or,
  waysToHold,
} from "../../src/core/condition.ts";

const atoms = ["a", "b", "c(?x)", "d(k)"].map(parseAtom);
const conditions = fc.letrec<{ tree: Condition }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.record({ atom: fc.constantFrom(...atoms), holds: fc.boolean() }),
    fc.record({ and: fc.array(tie("tree"), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie("tree"), { maxLength: 3 }) }),
    fc.record({ not: tie("tree") }),
  ),
})).tree;
const states = fc.subarray(atoms).map((held) => new Set<Atom>(held));

test("a condition holds exactly where one of its ways holds", () => {
  fc.assert(
    fc.property(conditions, states, (condition, state) => {
      const holds = (atom: Atom) => state.has(atom);
      const byWays = waysToHold(condition).some((way) => way.every((each) => isMet(each, holds)));
      expect(byWays).toBe(isMet(condition, holds));
    }),
    { numRuns: 2_000 },
  );
});

test("no way wants an atom both true and false, or the same twice", () => {
  fc.assert(
    fc.property(conditions, (condition) => {
      for (const way of waysToHold(condition)) {
        expect(new Set(way.map(({ atom }) => atom)).size).toBe(way.length);
      }
    }),
  );
});

test("binding puts objects in the places of parameters, everywhere", () => {
  const condition = or(
    and(parseAtom("at(?x, k)"), not(parseAtom("b(?y)"))),
    not(or(atoms[0] as Atom)),
  );
  const bound = bindCondition(condition, { x: "one", y: "two" });
  expect(atomsOf(bound)).toEqual(["at(one, k)", "b(two)", "a"] as Atom[]);
  expect(conditionText(bound)).toBe("(at(one, k) and not b(two)) or not (a)");
});

test("of nothing, all hold and none holds", () => {
  expect([and(), or()].map((each) => isMet(each, () => true))).toEqual([true, false]);
  expect([and(), or()].map(conditionText)).toEqual(["always", "never"]);
});
