/** Changes of the users file: whole or not at all, and read by nobody who could not before. */
import { afterEach, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changeUsersFile } from "../../src/system/users-file-change.ts";

let folder = "";
function place(text?: string, mode = 0o600): string {
  folder = mkdtempSync(join(tmpdir(), "users-"));
  const path = join(folder, "login.json");
  if (text !== undefined) writeFileSync(path, text);
  if (text !== undefined) chmodSync(path, mode);
  return path;
}
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("a new file is its owner's alone; one that is there keeps its readers, but for everybody", () => {
  const path = place();
  changeUsersFile(path, (text) => `made of ${text}`);
  expect([readFileSync(path, "utf8"), modeOf(path)]).toEqual(["made of undefined", "600"]);
  for (const [mode, after] of [
    [0o600, "600"],
    [0o640, "640"],
    [0o666, "640"],
  ] as const) {
    chmodSync(path, mode);
    changeUsersFile(path, (text) => `${text}!`);
    expect([mode, modeOf(path)]).toEqual([mode, after]);
  }
  expect(readFileSync(path, "utf8")).toBe("made of undefined!!!");
  expect(readdirSync(folder)).toEqual(["login.json"]);
});

test.skipIf(process.geteuid?.() !== 0)("root leaves it to the group that it was given to", () => {
  const path = place("one", 0o640);
  chownSync(path, 0, 12_345);
  changeUsersFile(path, () => "two");
  expect([statSync(path).gid, modeOf(path)]).toEqual([12_345, "640"]);
});

test("a change that fails leaves the file as it was, and nothing beside it", () => {
  const path = place("one");
  const refuse = () => {
    throw new Error("no");
  };
  expect(() => changeUsersFile(path, refuse)).toThrow("no");
  expect(readFileSync(path, "utf8")).toBe("one");
  expect(readdirSync(folder)).toEqual(["login.json"]);
});

test("a link, a folder and a folder that is not there are refused by name", () => {
  const path = place();
  const target = join(folder, "target");
  writeFileSync(target, "one");
  symlinkSync(target, path);
  expect(() => changeUsersFile(path, () => "two")).toThrow(/login\.json": it is a link/);
  expect(readFileSync(target, "utf8")).toBe("one");
  expect(() => changeUsersFile(folder, () => "two")).toThrow("it is not a file");
  const nowhere = join(folder, "none", "login.json");
  expect(() => changeUsersFile(nowhere, () => "two")).toThrow(/Cannot change users file .*none/);
  expect(existsSync(nowhere)).toBe(false);
});
