import { expect, test } from "bun:test";
import fc from "fast-check";
import { ServantError } from "../../src/core/errors.ts";
import {
  EXPRESSION_MAX_CHARS,
  EXPRESSION_MAX_DEPTH,
  type Expression,
  formatExpression,
  parseExpression,
  parseGoalAtom,
} from "../../src/core/expression.ts";
import type { Json } from "../../src/core/json.ts";

test.each<[string, Expression]>([
  ["takeover_control()", { name: "takeover_control", args: [], named: {} }],
  ["hands_free", { name: "hands_free", args: [], named: {} }],
  [" goto ( start = wp1 , end=wp2, ) ", call("goto", [], { start: "wp1", end: "wp2" })],
  ['at(wp_1, \'b c\', "d\\"")', call("at", ["wp_1", "b c", 'd"'])],
  [
    "Zone(name=x, vertices=[[-70, 41.5]])",
    call("Zone", [], { name: "x", vertices: [[-70, 41.5]] }),
  ],
  ["f(1, -2, +3, .5, 5., 1e3, -1.5E-2)", call("f", [1, -2, 3, 0.5, 5, 1000, -0.015])],
  ["f(True, False, None, true, null)", call("f", [true, false, null, "true", "null"])],
  ["f((), (1), (1,), (1, 2), [], {})", call("f", [[], 1, [1], [1, 2], [], {}])],
  ["f({'a': {b: [1]}, \"c\": None})", call("f", [{ a: { b: [1] }, c: null }])],
  ["f('\\n\\t\\\\\\x41\\u00e9\\U0001F600')", call("f", ["\n\t\\Aé😀"])],
  ["f(zöne=zürich)", call("f", [], { zöne: "zürich" })],
])("parseExpression() reads %s", (text, expected) => {
  expect(parseExpression(text)).toEqual(expected);
});

test.each([
  ["", "at its end: expected a name"],
  ["42()", "at column 1"],
  ["True()", "a name, not True"],
  ["os.system(x)", "at column 3"],
  ["f(a.b)", "at column 4"],
  ["f(*a)", "at column 3"],
  ["f(**a)", "at column 3"],
  ["f(g(x))", "at column 4"],
  ["f(a+b)", "at column 4"],
  ["f(a)[0]", "expected nothing more"],
  ["f(a); g(b)", "expected nothing more"],
  ["f(a", 'expected "," or ")"'],
  ["f(a=1, 2)", "at column 8"],
  ["f(a=1, a=2)", '"a" once only'],
  ["f(,)", "expected a value"],
  ["f('a", "a closing '"],
  ["f('a\n')", "a closing '"],
  ["f('\\q')", "at column 4"],
  ["f('\\uD8')", "a known escape"],
  ["f('\\constructor')", "a known escape"],
  ["f(f'x')", "at column 4"],
  ["f({1: 2})", "a string as key"],
  ["f({1, 2})", "a string as key"],
  ["f({a})", '":" after the key'],
  ["f(1e999)", "a number that can be held"],
  ["f(9007199254740993)", "below 2^53"],
  ["f(lambda: 1)", "at column 9"],
])("parseExpression() refuses %j and says where", (text, says) => {
  expect(() => parseExpression(text)).toThrow(says);
  expect(() => parseExpression(text)).toThrow(ServantError);
});

test("parseExpression() keeps names that JavaScript treats specially as plain data", () => {
  const { named } = parseExpression('f(__proto__={"__proto__": 1}, constructor=2)');
  expect(Object.keys(named)).toEqual(["__proto__", "constructor"]);
  expect(Object.getPrototypeOf(named)).toBe(Object.prototype);
});

test("parseExpression() stops at its limits and not before", () => {
  const nested = (depth: number) => `f(${"[".repeat(depth)}1${"]".repeat(depth)})`;
  expect(() => parseExpression(nested(EXPRESSION_MAX_DEPTH - 1))).not.toThrow();
  expect(() => parseExpression(nested(EXPRESSION_MAX_DEPTH))).toThrow("levels");
  expect(() => parseExpression(nested(100_000))).toThrow(ServantError);
  expect(() => parseExpression("f".repeat(EXPRESSION_MAX_CHARS + 1))).toThrow("at most");
});

test.each([
  ["box_at(room_two, 'box_a')", "box_at(room_two, box_a)"],
  ["hands_free()", "hands_free"],
  ["hands_free", "hands_free"],
  ["level(-2.5)", "level(-2.5)"],
])("parseGoalAtom() reads %s", (text, expected) => {
  expect(String(parseGoalAtom(text))).toBe(expected);
});

test.each(["box_at(location=a)", "at([1])", "at(None)", "at('a, b')", "at('')", "at('a)')"])(
  "parseGoalAtom() refuses %s",
  (text) => {
    expect(() => parseGoalAtom(text)).toThrow(ServantError);
  },
);

const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const whole = (value: Json): boolean =>
  typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value);
const value = json.filter((each) => {
  let fine = true;
  JSON.stringify(each, (_key, inner: Json) => {
    fine &&= whole(inner);
    return inner;
  });
  return fine;
});

test("parseExpression() reads back what formatExpression() wrote", () => {
  fc.assert(
    fc.property(name, fc.array(value), fc.dictionary(name, value), (called, args, named) => {
      const expression = { name: called, args, named: { ...named } };
      expect(parseExpression(formatExpression(expression))).toEqual(expression);
    }),
    { numRuns: 500 },
  );
});

// Goal: whatever a person pastes gets an answer at once, and never another kind of error.
// Method: random text, and valid text with random damage; the time is that of a linear reader.
test("parseExpression() throws nothing but ServantError, soon", () => {
  const alphabet = fc.constantFrom(..."f(a=1,[{}]):'\"\\ .*-+e5x\n".split(""));
  const noise = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.array(alphabet, { maxLength: 200 }).map((parts) => `f(${parts.join("")})`),
    fc.constantFrom("f('\\", "f(' ", "f(1,", "f((", "f([ ").map((part) => part.repeat(5_000)),
  );
  const started = performance.now();
  fc.assert(
    fc.property(noise, (text) => {
      try {
        parseExpression(text);
      } catch (cause) {
        expect(cause).toBeInstanceOf(ServantError);
      }
    }),
    { numRuns: 2_000 },
  );
  expect(performance.now() - started).toBeLessThan(10_000);
});

function call(
  called: string,
  args: readonly Json[],
  named: Readonly<Record<string, Json>> = {},
): Expression {
  return { name: called, args, named };
}
