// Goal: the threat table of docs/gateway.md points at tests that exist. Method: each test that it names
// is looked for, by its file and by the text of its name as it stands there.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { api } from "../../src/gateway/api.ts";
import { agent, root } from "../support/binary.ts";

const page = readFileSync(join(root, "docs", "gateway.md"), "utf8");
const rows = (page.split("## Who could want what")[1] ?? "")
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(1);

test("every threat names a test that exists", () => {
  expect(rows.length).toBeGreaterThan(20);
  const missing = rows.filter((row) => {
    const [, path = "", name = ""] = /`(test\/[^`]+\.test\.ts)`: "([^"]+)"/.exec(row) ?? [];
    const file = join(root, path);
    return path === "" || !existsSync(file) || !readFileSync(file, "utf8").includes(`"${name}"`);
  });
  expect(missing).toEqual([]);
});

test("the page and the help name the same options of a gateway", async () => {
  const { stdout } = await agent(["host", "--help"]);
  const [, own = ""] = stdout.split("Options of a gateway:");
  const options = [...own.matchAll(/^ +(--[a-z-]+)/gm)].map(([, name = ""]) => name);
  expect(options.length).toBeGreaterThan(8);
  expect(options.filter((name) => !page.includes(name))).toEqual([]);
});

test("the page's words for the audit log are those that are written", () => {
  const source = readFileSync(join(root, "src", "gateway", "audit.ts"), "utf8");
  const [, deeds = ""] = /export type Deed =([^;]+);/.exec(source) ?? [];
  const names = [...deeds.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name);
  const shown = names.map((name) =>
    page.includes(`\`${name}\``) ? name : name.replace(/^\w+/, ""),
  );
  expect(shown.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  expect(page).toContain(api.metrics.path);
});
