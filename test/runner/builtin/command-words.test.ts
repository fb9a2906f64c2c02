// Goal: a command's words are those that a shell would make of it, and nothing is expanded.
// Method: fast-check over words and their quotings; a real shell reads the same text.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { commandWords } from "../../../src/runner/builtin/command-words.ts";

const anyWord = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
/** A way to write one character or piece so that it is taken as it is. */
const quotings: readonly ((piece: string) => string)[] = [
  (piece) => `'${piece.replaceAll("'", `'\\''`)}'`,
  (piece) => `"${piece.replace(/["\\$`]/g, "\\$&")}"`,
  (piece) => [...piece].map((char) => (char === "\n" ? "'\n'" : `\\${char}`)).join(""),
];

test("commandWords() gives back words however they were quoted", () => {
  const written = fc.array(
    fc.array(fc.tuple(anyWord, fc.constantFrom(...quotings)), { minLength: 1, maxLength: 3 }),
    { minLength: 1, maxLength: 5 },
  );
  const gaps = fc.stringMatching(/^[ \t]{1,3}$/);
  fc.assert(
    fc.property(written, gaps, (words, gap) => {
      // An escape of nothing is no word: quotes make it one.
      const texts = words.map(
        (pieces) => `''${pieces.map(([text, quote]) => quote(text)).join("")}`,
      );
      const wanted = words.map((pieces) => pieces.map(([text]) => text).join(""));
      expect(commandWords(texts.join(gap))).toEqual({ words: wanted });
    }),
  );
});

// What a shell expands, or ends a command at, is left out: there it is another language.
test("commandWords() reads what a shell reads", async () => {
  const unit = fc.constantFrom("a", "b", " ", "\t", "'", '"', "\\", "-", "=", "/", "é");
  const texts = fc.sample(fc.string({ unit, minLength: 1, maxLength: 16 }), 300);
  const script = texts
    .map(commandWords)
    .map((read, i) => ("words" in read ? `printf '%s\\0' ${texts[i]}; printf '\\1'` : ""))
    .filter((line) => line !== "")
    .join("\n");
  const shell = Bun.spawn(["sh", "-c", script], { stdout: "pipe", stderr: "pipe" });
  const told = (await shell.stdout.text()).split("\x01").slice(0, -1);
  expect(await shell.stderr.text()).toBe("");
  const ours = texts.map(commandWords).flatMap((read) => ("words" in read ? [read.words] : []));
  expect(told.map((each) => each.split("\0").slice(0, -1))).toEqual(
    ours.map((words) => [...words]),
  );
  expect(ours.length).toBeGreaterThan(50);
});

test("commandWords() expands nothing", () => {
  expect(commandWords("a $HOME ~ * ; | > < & # {x,y} $(id) `id`")).toEqual({
    words: ["a", "$HOME", "~", "*", ";", "|", ">", "<", "&", "#", "{x,y}", "$(id)", "`id`"],
  });
  expect(commandWords('"\\`"')).toEqual({ words: ["`"] });
  expect(commandWords('"$HOME" "\\$x" "\\n" a\\\nb "c\\\nd"')).toEqual({
    words: ["$HOME", "$x", "\\n", "ab", "cd"],
  });
  expect(commandWords(`a "" ''`)).toEqual({ words: ["a", "", ""] });
});

test.each([
  ["", "empty"],
  [" \t", "empty"],
  ["a 'b", "a quote (') does not end"],
  ['a "b', 'a quote (") does not end'],
  ['a "b\\"', 'a quote (") does not end'],
  ["a\\", "ends with a backslash"],
  ["a\nb", "line break"],
  ["a\rb", "line break"],
  ["a\0b", "NUL"],
  ["'a\0b'", "NUL"],
  ["a\\\0", "NUL"],
])("commandWords(%j) refuses it", (text, says) => {
  expect(commandWords(text)).toMatchObject({ problem: expect.stringContaining(says) });
});
