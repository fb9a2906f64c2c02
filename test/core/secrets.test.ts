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
  ["run --token abc --other x", "run --token [secret] --other x"],
  ['["call","--api-key", "abc","x"]', '["call","--api-key", [secret],"x"]'],
  ["agent --db-password 'a b' go", "agent --db-password [secret] go"],
  ['{"example.com/token": "abc"}', '{"example.com/token": [secret]}'],
  ["kv/db/password: abc", "kv/db/password: [secret]"],
])("%p is told as %p", (text, told) => {
  expect(new Secrets().masked(text)).toBe(told);
});

test.each([
  "exit code=1, 3 tokens used: 12:30",
  "the token is fine, and the bearer too",
  "mail bob@host about https://host/a@b",
  "move(cart=c1, to=room_two)",
  'Cannot read "/etc/passwd": JSON Parse error: Unrecognized token',
  'Cannot use "./tokens/token": it is no mission',
  "Cannot take both --password and --password-stdin",
  "missing argument: --token <token>",
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

const names = fc.constantFrom("token", "api_key", "API-KEY", "dbPassword", "client_secret", "pwd");
const values = fc
  .stringMatching(/^[A-Za-z0-9+/_.~]{4,40}$/)
  .filter((value) => !/^(from|with)/.test(value));

test("a value is masked in whatever form it is given a secret's name", () => {
  const forms: readonly ((name: string, value: string) => string)[] = [
    (name, value) => `${name}=${value}`,
    (name, value) => `set ${name}: ${value}, then`,
    (name, value) => JSON.stringify({ [name]: value, x: 1 }),
    (name, value) => JSON.stringify(JSON.stringify({ [name]: value })),
    (name, value) => `agent --${name} ${value} --x`,
    (name, value) => `agent --${name} '${value}' --x`,
    (name, value) => JSON.stringify(["agent", `--${name}`, value]),
    (name, value) => `/usr/bin/agent ${name}="${value}" /etc/hosts`,
  ];
  fc.assert(
    fc.property(fc.constantFrom(...forms), names, values, (form, name, value) => {
      const marked = `Zq9${value}9qZ`;
      const told = new Secrets().masked(form(name, marked));
      expect(told).not.toContain(marked);
      expect(told).toContain("[secret]");
    }),
    { numRuns: 500 },
  );
  const { cleaned } = new Secrets();
  const fields = { argv: ["agent", "--token", "abc", "go"] };
  const line = { type: "plugin.log", level: "info", message: "m", fields } as unknown as AgentEvent;
  expect(cleaned(line)).toMatchObject({ fields: { argv: ["agent", "--token", "[secret]", "go"] } });
});

test("what is said of a file is told, whatever the file is called", () => {
  const folders = fc.array(fc.stringMatching(/^[a-z0-9_.-]{1,8}$/), { maxLength: 4 });
  const starts = fc.constantFrom("/", "./", "../", "~/");
  const reasons = fc.constantFrom("JSON Parse error", "no such file", "permission denied, open");
  fc.assert(
    fc.property(starts, folders, names, reasons, (start, way, name, reason) => {
      const text = `Cannot read "${start}${[...way, name].join("/")}": ${reason}`;
      expect(new Secrets().masked(text)).toBe(text);
    }),
    { numRuns: 300 },
  );
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
    "--token",
    "--token ",
    '"token',
    '"',
    "--a",
  ];
  for (const piece of pieces) {
    const text = `token :// @ ${piece.repeat(Math.ceil(length / piece.length))}`;
    const begunAt = performance.now();
    masked(text);
    expect(performance.now() - begunAt, piece).toBeLessThan(1_000);
  }
});
