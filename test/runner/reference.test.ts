import { expect, test } from "bun:test";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { ServantError } from "../../src/core/errors.ts";
import { resolveReference } from "../../src/runner/reference.ts";
import { project } from "../support/project.ts";

const FILES = {
  "cart.ts": "",
  "sub/cart.mjs": "",
  "chart.js": "",
  "a b/c:d.ts": "",
  "node_modules/robots/package.json":
    '{ "name": "robots", "exports": { ".": "./in.js", "./x": "./x.js" } }',
  "node_modules/robots/in.js": "",
  "node_modules/robots/x.js": "",
  "node_modules/socket.js/package.json": '{ "name": "socket.js", "main": "main.js" }',
  "node_modules/socket.js/main.js": "",
  "node_modules/@lab/arm/package.json": '{ "name": "@lab/arm", "main": "main.js" }',
  "node_modules/@lab/arm/main.js": "",
};

test.each([
  ["./cart.ts:Cart", "cart.ts"],
  ["cart.ts:Cart", "cart.ts"],
  ["sub/cart.mjs:Cart", "sub/cart.mjs"],
  ["./sub/../cart.ts:Cart", "cart.ts"],
  ["chart.js:Cart", "chart.js"],
  ["a b/c:d.ts:Cart", "a b/c:d.ts"],
  ["robots:Cart", "node_modules/robots/in.js"],
  ["robots/x:Cart", "node_modules/robots/x.js"],
  ["socket.js:Cart", "node_modules/socket.js/main.js"],
  ["@lab/arm:Cart", "node_modules/@lab/arm/main.js"],
])("resolveReference() finds %s", async (reference, path) => {
  await using folder = await project(FILES);
  const found = resolveReference(reference, folder.path);
  expect({ ...found, path: relative(folder.path, found.path) }).toEqual({
    path,
    className: "Cart",
  });
});

test("resolveReference() takes absolute paths and the home folder", async () => {
  await using folder = await project(FILES);
  const path = join(folder.path, "cart.ts");
  expect(resolveReference(`${path}:Cart`, "/")).toEqual({ path, className: "Cart" });
  const home = `~/${relative(homedir(), path)}:Cart`;
  expect(resolveReference(home, "/").path).toBe(path);
});

test.each([
  ["cart", "plugin.bad-reference", "module:Class"],
  ["", "plugin.bad-reference", "module:Class"],
  [":Cart", "plugin.bad-reference", "module:Class"],
  ["cart.ts:", "plugin.bad-reference", "module:Class"],
  ["cart.ts:2nd", "plugin.bad-reference", "module:Class"],
  ["./card.ts:Cart", "plugin.not-found", "card.ts"],
  ["./cart:Cart", "plugin.not-found", 'did you mean "./cart.ts"?'],
  ["cart:Cart", "plugin.not-found", 'did you mean "./cart.ts"?'],
  [".:Cart", "plugin.not-found", "Cannot find plugin file"],
  ["./sub:Cart", "plugin.not-found", "Cannot find plugin file"],
  ["nothing:Cart", "plugin.not-found", 'package "nothing"'],
  ["robots/y:Cart", "plugin.not-found", 'package "robots/y"'],
])("resolveReference() refuses %j as %s", async (reference, code, says) => {
  await using folder = await project(FILES);
  const refused = (() => {
    try {
      return resolveReference(reference, folder.path);
    } catch (cause) {
      return cause;
    }
  })();
  expect(refused).toBeInstanceOf(ServantError);
  expect(refused).toMatchObject({ code, kind: "usage" });
  expect((refused as ServantError).message).toContain(says);
});
