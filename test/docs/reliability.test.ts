// Goal: the page of promises points at tests that exist. Method: each test it names is looked for,
// by its file and by the text of its name as it stands there.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/binary.ts";

const page = readFileSync(join(root, "docs", "reliability.md"), "utf8").replace(/\n +/g, " ");
const NAMED = /`(test\/[^`]+\.ts)`:? "([^"]+)"/g;
const promises = page.split(/^## /m).slice(2);

test("every test that docs/reliability.md names exists", () => {
  const named = [...page.matchAll(NAMED)];
  expect(named.length).toBeGreaterThan(40);
  const missing = named.filter(([, path = "", name = ""]) => {
    const file = join(root, path);
    return (
      !existsSync(file) ||
      !new RegExp(`["\`]${RegExp.escape(name)}["\`]`).test(readFileSync(file, "utf8"))
    );
  });
  expect(missing.map(([text]) => text)).toEqual([]);
});

test("every promise of docs/reliability.md names a test", () => {
  const bare = promises.filter((each) => each.search(NAMED) < 0);
  expect(bare.map((each) => each.split("\n")[0])).toEqual([]);
});

test("every file and command that docs/reliability.md mentions exists", () => {
  const paths = [...page.matchAll(/`((?:test|docs|src|bench|scripts)\/[^`\s]+)`|\]\(([^)#]+)\)/g)];
  const files = paths.map(([, inCode, linked]) => inCode ?? join("docs", linked ?? ""));
  expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const [, name = ""] of page.matchAll(/`npm run ([a-z]+)/g)) {
    expect(Object.keys(scripts), name).toContain(name);
  }
});
