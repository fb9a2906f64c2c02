import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Atom, atom, atomParts, parseAtom } from "../../src/core/atom.ts";

const name = fc.stringMatching(/^[A-Za-z_?][A-Za-z0-9_.:-]{0,12}$/);
const space = fc.stringMatching(/^[ \t]{0,3}$/);
const quote = fc.constantFrom("", '"', "'");

test("atomParts() gives back what atom() was made of", () => {
  fc.assert(
    fc.property(name, fc.array(name, { maxLength: 4 }), (fluent, args) => {
      expect(atomParts(atom(fluent, args))).toEqual({ fluent, args });
      expect(parseAtom(atom(fluent, args))).toBe(atom(fluent, args));
    }),
  );
});

test("parseAtom() reads free spaces and quotes, and writes one canonical text", () => {
  fc.assert(
    fc.property(
      name,
      fc.array(name, { minLength: 1, maxLength: 3 }),
      space,
      quote,
      (f, a, s, q) => {
        const loose = `${s}${f}${s}(${a.map((each) => `${s}${q}${each}${q}${s}`).join(",")})${s}`;
        expect(parseAtom(loose)).toBe(atom(f, a));
      },
    ),
  );
  for (const text of ["free", "free()", " free ( ) "]) expect(parseAtom(text)).toBe("free" as Atom);
});

test("parseAtom() refuses what is no atom, and shows the beginning of it", () => {
  const wrong = ["", " ", "()", "a(", "a)", "a(b", "a(b))", "a(b,)", "a(,b)", "a b", "a(b c)"];
  for (const text of [
    ...wrong,
    "a((b))",
    "a('b)",
    '"a"(b)',
    'a("")',
    "a(b)c",
    `${"x".repeat(999)}(`,
  ]) {
    expect(() => parseAtom(text), text).toThrow(
      expect.objectContaining({ code: "atom.malformed" }),
    );
  }
  expect(() => parseAtom(`${"x".repeat(999)}(`)).toThrow(/^.{1,260}$/);
});

test("parseAtom() ends in any text, and soon in a long one", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => {
      try {
        expect(parseAtom(parseAtom(text))).toBe(parseAtom(text));
      } catch (cause) {
        expect(cause).toMatchObject({ code: "atom.malformed" });
      }
    }),
  );
  // Steps that grow with the square of the length would take minutes here.
  for (const unit of [" ", "a ", "(", ",", "a", "' "]) {
    expect(() => parseAtom(`x ${unit.repeat(200_000)} y z(`)).toThrow();
  }
});
