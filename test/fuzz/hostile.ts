/** Hostile input: what a broken, confused or malicious peer might send. */
import fc from "fast-check";
import type { Json } from "../../src/core/json.ts";

/** Names that JavaScript, Python or a protocol of ours treats specially. */
const SPECIAL = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "then",
  "None",
  "null",
  "audit_id",
  "kind",
  "\u0000",
  "\u0000machine",
  "\u001e",
  "\ud800", // a lone surrogate: no UTF-8 text has it
  "\udc00\ud800",
  "\ufeff",
  "\u2028",
  "%",
  "%E0%A4%A",
  "../../etc",
  "💥",
  "",
] as const;
const NUMBERS = [0, -0, 1e308, -1e308, 5e-324, 2 ** 53, -(2 ** 53) - 2, 0.1, 1e21] as const;

/** Any UTF-16 text, lone surrogates too; now and then a special name or a long one. */
export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  { weight: 2, arbitrary: fc.string({ unit: "grapheme-ascii", maxLength: 30 }) },
  { weight: 3, arbitrary: fc.constantFrom(...SPECIAL) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("x", "é", "\u0001", '"', "\\"), fc.nat(3_000))
      .map(repeated),
  },
);

function repeated([unit, times]: [string, number]): string {
  return unit.repeat(times);
}

const { json: anyJson } = fc.letrec<{ json: Json; list: Json; object: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.constantFrom(...NUMBERS),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    text,
    tie("list"),
    tie("object"),
  ),
  list: fc.array(tie("json"), { maxLength: 4 }),
  object: fc.array(fc.tuple(text, tie("json")), { maxLength: 5 }).map(ownMembers),
}));

/** What `JSON.parse` makes of it: `__proto__` is a member like any other. */
function ownMembers(members: [string, Json][]): Json {
  return Object.fromEntries(members);
}

/** Deeper than anything may be taken, in brackets of either kind. */
const deep: fc.Arbitrary<Json> = fc
  .tuple(fc.integer({ min: 150, max: 1_500 }), fc.boolean())
  .map(([levels, isList]) => {
    let value: Json = 1;
    for (let level = 0; level < levels; level += 1) value = isList ? [value] : { a: value };
    return value;
  });

export const json: fc.Arbitrary<Json> = fc.oneof(
  { weight: 40, arbitrary: anyJson },
  { weight: 1, arbitrary: deep },
);

/** A well-formed value with some members gone, replaced, or added. */
export function spoiled(good: fc.Arbitrary<Readonly<Record<string, unknown>>>): fc.Arbitrary<Json> {
  const change = fc.record({
    at: fc.nat(12),
    how: fc.constantFrom("drop", "set", "add"),
    key: text,
    json,
  });
  return fc.tuple(good, fc.array(change, { maxLength: 3 })).map(([value, changes]) => {
    const members = Object.entries(value) as [string, Json][];
    for (const { at, how, key, json: instead } of changes) {
      const index = at % Math.max(members.length, 1);
      const own = members[index];
      if (how === "add" || own === undefined) members.push([key, instead]);
      else if (how === "drop") members.splice(index, 1);
      else members[index] = [own[0], instead];
    }
    return Object.fromEntries(members);
  });
}

/** The JSON of it; now and then cut off, with a piece put in, or with one character changed. */
export function spoiledText(value: fc.Arbitrary<Json>): fc.Arbitrary<string> {
  const how = fc.constantFrom("whole", "whole", "whole", "cut", "insert", "replace");
  return fc
    .tuple(value, how, fc.double({ min: 0, max: 1, noNaN: true }), text)
    .map(([good, change, share, piece]) => {
      const whole = JSON.stringify(good);
      const at = Math.floor(share * whole.length);
      if (change === "cut") return whole.slice(0, at);
      if (change === "insert") return whole.slice(0, at) + piece + whole.slice(at);
      if (change === "replace") return whole.slice(0, at) + piece + whole.slice(at + 1);
      return whole;
    });
}

/** Bytes in pieces, as a network or a pipe hands them over: cut anywhere, also within a letter. */
export function inPieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

export function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(to) {
      for (const piece of pieces) to.enqueue(piece);
      to.close();
    },
  });
}
