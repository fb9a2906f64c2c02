import { expect, test } from "bun:test";
import fc from "fast-check";
import { Line } from "../../src/cli/login/prompt.ts";

function typing(...chunks: string[]) {
  let echo = "";
  const line = new Line((typed) => {
    echo += typed;
  });
  let ahead = "";
  let outcome: string | undefined;
  for (const chunk of chunks) {
    const taken = line.take(ahead + chunk);
    ahead = taken.rest;
    outcome = taken.outcome;
    if (outcome !== undefined) break;
  }
  return { text: line.text, rest: ahead, outcome, echo };
}

test.each([
  ["bob\r", "bob", ""],
  ["bob\n", "bob", ""],
  ["bob\r\nsecret\r\n", "bob", "secret\r\n"],
  ["bov\u007fb\r", "bob", ""],
  ["\u007f\u007fx\b\rrest", "", "rest"],
  ["alice\u0015bob\r", "bob", ""],
  ["b\u001b[Do\u001b[3~b\u001bOA\r", "bob", ""],
  ["tab\tand bell\u0007\r", "taband bell", ""],
  ["pä😀ß\u007f\r", "pä😀", ""],
])("Line takes %j as %j", (keys, text, rest) => {
  expect(typing(keys)).toMatchObject({ text, rest, outcome: "done" });
});

test("Line ends at Ctrl-C, and at Ctrl-D when it is empty", () => {
  expect(typing("half\u0003more")).toMatchObject({ outcome: "interrupted", rest: "" });
  expect(typing("\u0004").outcome).toBe("interrupted");
  expect(typing("a\u0004\r")).toMatchObject({ outcome: "done", text: "a" });
  expect(typing("waits").outcome).toBeUndefined();
});

test("Line shows what is left of what was typed", () => {
  expect(typing("ab\u007fc\r").echo).toBe("ab\b \bc");
});

// However it arrives: a password is the text that was typed, to the character.
test("Line is the text that was typed, in whatever pieces it comes", () => {
  const texts = fc
    .string({ unit: "grapheme", maxLength: 60 })
    .map((text) => text.replace(/\p{C}/gu, ""));
  fc.assert(
    fc.property(texts, fc.nat(60), (text, at) => {
      const keys = [...text];
      const chunks = [keys.slice(0, at).join(""), `${keys.slice(at).join("")}\r`];
      expect(typing(...chunks)).toMatchObject({ text, outcome: "done", rest: "" });
    }),
  );
});
