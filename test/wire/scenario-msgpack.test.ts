// Goal: a body is one map of what JSON can hold, or the one error that says what is wrong; nothing is
// rounded, guessed or made room for before it is there.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isServantError } from "../../src/core/errors.ts";
import { JSON_DEPTH_MAX, type JsonObject } from "../../src/core/json.ts";
import { BOUNDS } from "../../src/wire/msgpack-bounds.ts";
import { decodeMap, encodeMap } from "../../src/wire/scenario-msgpack.ts";
import { hex } from "../support/raw-zmtp.ts";

/** `{"a": ...}` around the bytes of a value. */
const within = (value: string) => hex(`81a161${value}`);
/** What is wrong with it, as its sender is told. */
function refusal(body: Uint8Array): string {
  try {
    decodeMap(body);
  } catch (cause) {
    if (isServantError(cause) && cause.code === "scenario.malformed") return cause.message;
    throw cause;
  }
  return "none";
}

const HOSTILE: readonly (readonly [what: string, body: Uint8Array, says: string])[] = [
  ["nothing", hex(""), "it ends too early"],
  ["0xc1", hex("c1"), "0xc1 is no msgpack"],
  ["a text instead of a map", hex("a161"), "it is no map"],
  ["a list instead of a map", hex("90"), "it is no map"],
  ["nil", hex("c0"), "it is no map"],
  ["two maps", hex("8080"), "1 bytes follow its end"],
  ["plain text", new TextEncoder().encode("GET / HTTP/1.1"), "bytes follow its end"],
  ["an integer as a key", hex("810101"), "a key of a map is no text"],
  ["a large integer as a key", hex("81cf000000000000000101"), "a key of a map is no text"],
  ["nil as a key", hex("81c001"), "a key of a map is no text"],
  ["bytes as a key", hex("81c4016101"), "it holds bytes"],
  ["bytes as a value", within("c40100"), "it holds bytes"],
  ["__proto__ as a key", hex("81a95f5f70726f746f5f5f80"), "__proto__ is not allowed"],
  ["a text that is no UTF-8", within("a1ff"), "a text is no UTF-8"],
  ["a long text that is no UTF-8", within(`d9ff${"ff".repeat(255)}`), "a text is no UTF-8"],
  ["an overlong slash", within("a2c0af"), "a text is no UTF-8"],
  ["half of a surrogate pair", within("a3eda080"), "a text is no UTF-8"],
  ["a key that is no UTF-8", hex("81a1ff01"), "a text is no UTF-8"],
  ["a timestamp", within("d6ff00000000"), "it holds an extension, type -1"],
  ["an extension of its own length", within("c7020501ff"), "it holds an extension, type 5"],
  ["an empty extension", within("c70005"), "it holds an extension, type 5"],
  ["an integer past 2^53", within("cf0020000000000001"), "9007199254740993 would be rounded"],
  ["2^64 - 1", within("cfffffffffffffffff"), "18446744073709551615 would be rounded"],
  ["-2^63", within("d38000000000000000"), "-9223372036854775808 would be rounded"],
  ["infinity", within("cb7ff0000000000000"), "a number is not finite"],
  ["no number", within("cb7ff8000000000000"), "a number is not finite"],
  ["infinity of 4 bytes", within("ca7f800000"), "a number is not finite"],
  ["a list of 2^32 - 1 items", within("ddffffffff"), "it ends before its last member"],
  ["a map of 2^32 - 1 members", hex("dfffffffff"), "it ends before its last member"],
  ["a text of 2^32 - 1 bytes", within("dbffffffff"), "a text is longer than"],
  ["a text that is cut off", within("a561"), "it ends too early"],
];

for (const [what, body, says] of HOSTILE) {
  test(`${what}: refused`, () => {
    expect(refusal(body)).toContain(says);
  });
}

test("integers up to 2^53, floats of either width and every form of a header are taken", () => {
  expect(decodeMap(within("cf001fffffffffffff"))).toEqual({ a: Number.MAX_SAFE_INTEGER });
  expect(decodeMap(within("d3ffe0000000000001"))).toEqual({ a: Number.MIN_SAFE_INTEGER });
  expect(decodeMap(within("d3ffffffffffffffff"))).toEqual({ a: -1 });
  expect(decodeMap(within("ca3fc00000"))).toEqual({ a: 1.5 });
  expect(decodeMap(within("cb4008000000000000"))).toEqual({ a: 3 });
  for (const map of ["81", "de0001", "df00000001"]) {
    expect(decodeMap(hex(`${map}da000161dd0000000201d90162`))).toEqual({ a: [1, "b"] });
  }
});

test("as deep, as long and as many as the bounds, and no further", () => {
  const bounds = { depth: 3, textBytes: 5, values: 8 };
  expect(decodeMap(within("91a5c3a9c3a961"), bounds)).toEqual({ a: ["ééa"] });
  expect(() => decodeMap(within("919190"), bounds)).not.toThrow(); // an empty one holds nothing
  expect(() => decodeMap(within("91919101"), bounds)).toThrow("it nests deeper than 3");
  expect(() => decodeMap(within("a6616161616161"), bounds)).toThrow("longer than 5 bytes");
  expect(() => decodeMap(within("9501020304050607"), bounds)).toThrow(); // 5 are announced
  expect(decodeMap(within("950102030405"), bounds)).toEqual({ a: [1, 2, 3, 4, 5] });
  expect(() => decodeMap(within("96010203040506"), bounds)).toThrow("more than 8 values");
});

test("what a header announces is not believed", () => {
  // Lists within each other, each of so many items as there are bytes: room for all takes 140 MB.
  const body = new Uint8Array(1_000_000);
  body.set(hex("81a161"));
  for (let nth = 0; nth < 20; nth += 1) body.set(hex("dd000e0000"), 3 + 5 * nth);
  const before = process.memoryUsage.rss();
  expect(refusal(body)).toContain(`it holds more than ${BOUNDS.values} values`);
  expect(process.memoryUsage.rss() - before).toBeLessThan(50_000_000);
});

test("what JSON can hold comes back as it was", () => {
  const members = fc.dictionary(
    fc.string({ unit: "grapheme", maxLength: 40 }).filter((name) => name !== "__proto__"),
    fc.jsonValue({ maxDepth: 5, stringUnit: "grapheme" }),
  );
  fc.assert(
    fc.property(members, (map) => {
      const read = decodeMap(encodeMap(map as JsonObject));
      expect(JSON.stringify(read)).toBe(JSON.stringify(map));
    }),
  );
});

test("a text of any length comes back, with a byte order mark, too", () => {
  for (const length of [0, 31, 32, 199, 200, 255, 256, 65_535, 65_536]) {
    const map = { text: `\ufeff${"é".repeat(length)}`, [`k${"x".repeat(length)}`]: true };
    expect(decodeMap(encodeMap(map))).toEqual(map);
  }
});

test("nothing is written that would be read as another", () => {
  const deep = (levels: number): JsonObject => (levels === 1 ? { a: 1 } : { a: deep(levels - 1) });
  expect(decodeMap(encodeMap(deep(JSON_DEPTH_MAX)))).toEqual(deep(JSON_DEPTH_MAX));
  for (const map of [
    { a: "\ud800" },
    { a: `${"x".repeat(60)}\ud800` }, // long texts are written by other code
    { [`${"x".repeat(60)}\udc00`]: 1 },
    { a: Number.NaN },
    { a: new Date() as unknown as string },
    deep(JSON_DEPTH_MAX + 1),
  ]) {
    expect(() => encodeMap(map)).toThrow("Cannot read");
  }
});
