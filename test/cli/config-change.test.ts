// Goal: the token is never readable by others, never lands elsewhere, and nothing else in the file is lost.
// Method: real files, also with a mask that would let everybody read.
import { expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { chmod, mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { changeConfigFile } from "../../src/cli/login/config-change.ts";
import { ServantError } from "../../src/core/errors.ts";
import { project } from "../support/project.ts";

const TOKEN = "0123456789abcdef";
const modeOf = (path: string) => statSync(path).mode & 0o777;
const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as unknown;

async function withConfig(use: (path: string, env: { DYNOS_CONFIG_PATH: string }) => unknown) {
  await using folder = await project();
  const path = join(folder.path, "below", ".dynos", "config.json");
  await use(path, { DYNOS_CONFIG_PATH: path });
}

test("changeConfigFile() makes file and folder its owner's alone, whatever the mask", () =>
  withConfig((path, env) => {
    const mask = process.umask(0);
    try {
      changeConfigFile(env, { token: TOKEN });
    } finally {
      process.umask(mask);
    }
    expect([modeOf(path), modeOf(dirname(path))]).toEqual([0o600, 0o700]);
    expect(read(path)).toEqual({ token: TOKEN });
    expect(readdirSync(dirname(path))).toEqual(["config.json"]);
  }));

test("changeConfigFile() sets and removes members, and keeps those that it does not know", () =>
  withConfig((path, env) => {
    changeConfigFile(env, { token: TOKEN, backend_url: "https://a", theirs: "1" } as object);
    changeConfigFile(env, { token: undefined, username: "alice" });
    expect(read(path)).toEqual({ backend_url: "https://a", theirs: "1", username: "alice" });
  }));

test("changeConfigFile() writes anew what is no JSON", () =>
  withConfig(async (path, env) => {
    await mkdir(dirname(path), { recursive: true });
    await Bun.write(path, "{half");
    await chmod(path, 0o600);
    changeConfigFile(env, { token: TOKEN });
    expect(read(path)).toEqual({ token: TOKEN });
  }));

test("changeConfigFile() refuses what others can read, and leaves it as it is", () =>
  withConfig(async (path, env) => {
    await mkdir(dirname(path), { recursive: true });
    await Bun.write(path, '{"default_session": "planted"}');
    await chmod(path, 0o644);
    expect(() => changeConfigFile(env, { token: TOKEN })).toThrow("run chmod 600");
    expect(readFileSync(path, "utf8")).not.toContain(TOKEN);
  }));

test("changeConfigFile() never writes through a link", () =>
  withConfig(async (path, env) => {
    await mkdir(dirname(path), { recursive: true });
    const elsewhere = join(dirname(path), "elsewhere.json");
    for (const text of [undefined, "{}"]) {
      if (text !== undefined) await Bun.write(elsewhere, text);
      if (lstatSync(path, { throwIfNoEntry: false }) === undefined) await symlink(elsewhere, path);
      expect(() => changeConfigFile(env, { token: TOKEN })).toThrow("it is a link");
    }
    expect(readFileSync(elsewhere, "utf8")).toBe("{}");
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
  }));

test("changeConfigFile() refuses a folder in which everybody may put files", () =>
  withConfig(async (path, env) => {
    await mkdir(dirname(path), { recursive: true });
    await chmod(dirname(path), 0o777);
    expect(() => changeConfigFile(env, { token: TOKEN })).toThrow("run chmod 700");
    await chmod(dirname(path), 0o1777); // as /tmp is: only the owner replaces a file
    changeConfigFile(env, { token: TOKEN });
    expect(read(path)).toEqual({ token: TOKEN });
  }));

test("changeConfigFile() says why when there is no room for the file", () =>
  withConfig(async (path, env) => {
    await mkdir(path, { recursive: true });
    const writing = () => changeConfigFile(env, { token: TOKEN });
    expect(writing).toThrow(ServantError);
    expect(writing).toThrow("it is no file");
    expect(readdirSync(dirname(path))).toEqual(["config.json"]);
  }));
