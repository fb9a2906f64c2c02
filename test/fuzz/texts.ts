/** What people type and keep in files: atoms, call expressions, the config file. */
import { afterAll, expect } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { readConfigFile } from "../../src/client/config-file.ts";
import { atomParts, parseAtom } from "../../src/core/atom.ts";
import { formatExpression, parseExpression, parseGoalAtom } from "../../src/core/expression.ts";
import { type Decoder, decoded, decoder, expectBounded, expectPlain } from "./decoder.ts";
import { json, spoiled, spoiledText, text } from "./hostile.ts";

/** Text made of a grammar's own pieces: nearly right is what reaches the far corners. */
function piecesOf(pieces: readonly string[]): fc.Arbitrary<string> {
  return fc
    .array(
      fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...pieces) },
        { weight: 1, arbitrary: text },
      ),
      {
        maxLength: 16,
      },
    )
    .map((parts) => parts.join(""));
}

const atoms = decoder(
  "atoms",
  90,
  fc.oneof(text, piecesOf(["at", "(", ")", ",", " ", "room_one", "'", '"', "?x", "\n"])),
  (given) => {
    const parsed = decoded(() => parseAtom(given));
    if (parsed === undefined) return;
    expect(parsed.length).toBeLessThanOrEqual(given.length * 2 + 2);
    expect(parseAtom(parsed)).toBe(parsed);
    const { fluent, args } = atomParts(parsed);
    expect([fluent, ...args].every((each) => each !== "" && !/[\s(),]/.test(each))).toBe(true);
  },
);

const callPieces = [
  "goto",
  "(",
  ")",
  ",",
  "=",
  "[",
  "]",
  "{",
  "}",
  ":",
  " ",
  "-70",
  "1e999",
  "0x1",
];
const literals = [
  "'a'",
  '"b"',
  "\\",
  "\\x41",
  "\\ud800",
  "None",
  "True",
  "__proto__",
  "*",
  ".",
  "\n",
];
const expressions = decoder(
  "call expressions",
  110,
  fc.oneof(
    text,
    piecesOf([...callPieces, ...literals]),
    fc.integer({ min: 1, max: 2_000 }).map((levels) => `f(${"[".repeat(levels)}`),
    fc
      .tuple(fc.constantFrom("f", "zöne"), json)
      .map(([name, value]) => `${name}(${JSON.stringify(value)})`),
  ),
  (given) => {
    const parsed = decoded(() => parseExpression(given));
    decoded(() => parseGoalAtom(given));
    if (parsed === undefined) return;
    expectBounded(parsed, given.length);
    expectPlain(parsed.named);
    expect(parseExpression(formatExpression(parsed))).toEqual(parsed);
  },
);

const folder = mkdtempSync(join(tmpdir(), "servant-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "config.json");
writeFileSync(path, "");
chmodSync(path, 0o600);

const config = fc.record({
  backend_url: fc.constantFrom("https://plan.example.com", "http://x", "ftp://x", "https://", null),
  token: fc.oneof(text, fc.constant("0123456789abcdef")),
  username: text,
  role: text,
  default_session: fc.option(text),
});
const configs = decoder("config files", 40, spoiledText(spoiled(config)), (content) => {
  writeFileSync(path, content);
  const read = decoded(() => readConfigFile({ DYNOS_CONFIG_PATH: path }));
  if (read === undefined) return;
  expectBounded(read, content.length);
  const { token, backendUrl } = read.login;
  // A token goes into a header: nothing but one line of plain characters may come through.
  if (token !== undefined) expect(token).toMatch(/^[\x21-\x7e]{16,}$/);
  if (backendUrl !== undefined) expect(backendUrl).toMatch(/^https?:\/\/./i);
});

export const texts: readonly Decoder[] = [atoms, expressions, configs];
