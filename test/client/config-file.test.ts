import { expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { configPath, readConfigFile } from "../../src/client/config-file.ts";
import { ServantError } from "../../src/core/errors.ts";
import { project } from "../support/project.ts";

const TOKEN = "0123456789abcdef";

async function withFile<T>(
  text: string,
  mode: number,
  use: (env: { DYNOS_CONFIG_PATH: string }) => T,
) {
  await using folder = await project({ "config.json": text });
  const path = join(folder.path, "config.json");
  await chmod(path, mode);
  return use({ DYNOS_CONFIG_PATH: path });
}

test("configPath() is DYNOS_CONFIG_PATH, else under the home folder", () => {
  expect(configPath({ DYNOS_CONFIG_PATH: "/x/y.json", HOME: "/home/a" })).toBe("/x/y.json");
  expect(configPath({ HOME: "/home/a" })).toBe("/home/a/.dynos/config.json");
});

test("readConfigFile() reads who is logged in", async () => {
  const text = JSON.stringify({
    backend_url: "https://plan.example.com",
    token: TOKEN,
    username: "alice",
    role: "admin",
    default_session: "s1",
    extra: 1,
  });
  expect((await withFile(text, 0o600, readConfigFile)).login).toEqual({
    backendUrl: "https://plan.example.com",
    token: TOKEN,
    username: "alice",
    role: "admin",
    defaultSession: "s1",
  });
});

test("readConfigFile() takes no file as logged out, in silence", () => {
  const { login, warnings } = readConfigFile({ DYNOS_CONFIG_PATH: "/nonexistent/config.json" });
  expect({ login, warnings }).toEqual({ login: {}, warnings: [] });
});

test.each([0o640, 0o604, 0o660, 0o777])(
  "readConfigFile() refuses a file of mode %o and says how to mend it",
  async (mode) => {
    const reading = withFile("{}", mode, readConfigFile);
    await expect(reading).rejects.toThrow(ServantError);
    await expect(reading).rejects.toThrow("run chmod 600 ");
  },
);

test.each(["{bad", "[1]", "5", '{"backend_url": 5}', ""])(
  "readConfigFile() takes %j as logged out, with a warning",
  async (text) => {
    const { login, warnings } = await withFile(text, 0o600, readConfigFile);
    expect(login).toEqual({});
    expect(warnings.join("\n")).toContain("going on as logged out");
  },
);

test.each([
  [{ token: "short" }, "fewer than 16 characters"],
  [{ token: `${TOKEN}\n` }, "characters that no token has"],
  [{ backend_url: "nope" }, "write https://host"],
  [{ backend_url: "ftp://host" }, "write https://host"],
])("readConfigFile() calls out %j", async (file, says) => {
  const reading = withFile(JSON.stringify(file), 0o600, readConfigFile);
  await expect(reading).rejects.toThrow(says);
  await expect(reading).rejects.toMatchObject({ code: "config.invalid" });
});

test("readConfigFile() never repeats the token", async () => {
  const secret = "s3cret";
  const error = await withFile(`{"token": "${secret}"}`, 0o600, readConfigFile).catch(String);
  expect(error).not.toContain(secret);
});
