import { expect, test } from "bun:test";
import fc from "fast-check";
import type { AgentEvent } from "../../src/core/events.ts";
import { Secrets } from "../../src/core/secrets.ts";

test.each([
  ["Authorization: Bearer abc.def-ghi", "Authorization: [secret]"],
  ["authorization=Basic YWJj, then", "authorization=[secret]"],
  ["sent Bearer 0123456789abcdef to it", "sent Bearer [secret] to it"],
  ["Set-Cookie: sid=abc; HttpOnly\nnext line", "Set-Cookie: [secret]\nnext line"],
  ["at https://bob:pw@host/x and git://key@h", "at https://[secret]@host/x and git://[secret]@h"],
  ["GET /open?code=abc&x=1", "GET /open?code=[secret]&x=1"],
  [
    "password=abc db_password = 'a b' PWD:abc",
    "password=[secret] db_password = [secret] PWD:[secret]",
  ],
  ['{"apiKey":"a b","x":1}', '{"apiKey":[secret],"x":1}'],
  ['{\\"token\\":\\"abc\\",\\"x\\":1}', '{\\"token\\":[secret]\\",\\"x\\":1}'],
])("%p is told as %p", (text, told) => {
  expect(new Secrets().masked(text)).toBe(told);
});

test.each([
  "exit code=1, 3 tokens used: 12:30",
  "the token is fine, and the bearer too",
  "mail bob@host about https://host/a@b",
  "move(cart=c1, to=room_two)",
])("%p has no secret in it", (text) => {
  expect(new Secrets().masked(text)).toBe(text);
});

test("what it was told to keep is masked wherever it stands", () => {
  const secrets = new Secrets();
  secrets.keep("q3m8-v7z1-known");
  secrets.keep(undefined);
  secrets.keep("short");
  const within = fc.tuple(fc.string(), fc.string());
  fc.assert(
    fc.property(within, ([before, after]) => {
      const told = secrets.masked(`${before}q3m8-v7z1-known${after}`);
      expect(told).not.toContain("q3m8-v7z1-known");
    }),
  );
  expect(secrets.masked("short q3m8-v7z1-known/x")).toBe("short [secret]/x");
});

test("an event is told without the secrets in its members, and is the same one without any", () => {
  const { cleaned } = new Secrets();
  const said = (fields: object) =>
    ({ type: "plugin.log", level: "info", message: "hello", fields }) as AgentEvent;
  const harmless = said({ tokens: 5, hasToken: true, deep: [{ a: null, token: "" }] });
  expect(cleaned(harmless)).toBe(harmless);
  const image = { $base64: "token=AAAA" };
  expect(cleaned(said({ accessToken: 5, deep: [{ Cookie: ["a"], ok: 1 }], image }))).toEqual(
    said({ accessToken: "[secret]", deep: [{ Cookie: "[secret]", ok: 1 }], image }),
  );
});

test("hostile texts of the longest line take no time", () => {
  const { masked } = new Secrets();
  const length = 192 * 1024;
  const pieces = [
    "a.",
    "a://",
    "token",
    "token ",
    'token="',
    "token\\",
    "password='",
    "cookie: ",
    "x@",
  ];
  for (const piece of pieces) {
    const text = `token :// @ ${piece.repeat(Math.ceil(length / piece.length))}`;
    const begunAt = performance.now();
    masked(text);
    expect(performance.now() - begunAt, piece).toBeLessThan(1_000);
  }
});
