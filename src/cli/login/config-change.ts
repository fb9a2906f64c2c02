/**
 * Changes DYNOS's config file. It holds a token: the new content is its owner's alone from its first
 * byte, is on the disk before it takes the old one's place, and never lands where a link leads.
 */
import { accessSync, constants, lstatSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { configPath, type Environment, readMembers } from "../../client/config-file.ts";
import { messageOf, ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { replaceFile } from "../../system/replace-file.ts";

/** What members of the file become; undefined takes one away. */
export type ConfigChange = {
  readonly [M in "backend_url" | "token" | "username" | "role" | "default_session"]?:
    | string
    | undefined;
};

/**
 * Sets and removes members; those of others stay. What is no JSON is written anew.
 *
 * @throws {ServantError} `config.invalid`: as `refuseUnwritable`, others can read it, or the disk
 * does not take it.
 */
export function changeConfigFile(env: Environment, change: ConfigChange): void {
  refuseUnwritable(env);
  const path = configPath(env);
  const members: Record<string, JsonObject[string]> = { ...readMembers(path).members };
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) delete members[name];
    else members[name] = value;
  }
  replace(path, `${JSON.stringify(members, null, 2)}\n`);
}

/**
 * Makes the folder when there is none, and refuses a file that could not be written: asked before
 * anybody gets a token that then has no place.
 *
 * @throws {ServantError} `config.invalid`: it is a link, which may lead to somebody else's place;
 * others may put another file in its place; or its folder cannot be written to.
 */
export function refuseUnwritable(env: Environment): void {
  const path = configPath(env);
  const folder = dirname(path);
  const bad = (reason: string, cause?: unknown) =>
    new ServantError("config.invalid", `Cannot write config file "${path}": ${reason}`, { cause });
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw bad(messageOf(cause), cause);
  }
  const { mode } = statSync(folder);
  const isOpen = process.platform !== "win32" && (mode & 0o1002) === 0o002;
  if (isOpen) throw bad(`everybody may write to its folder; run chmod 700 ${folder}`);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isSymbolicLink()) {
    throw bad("it is a link; put a file there, or name another one with DYNOS_CONFIG_PATH");
  }
}

function replace(path: string, text: string): void {
  try {
    replaceFile(path, text);
  } catch (cause) {
    const problem = `Cannot write config file "${path}": ${messageOf(cause)}`;
    throw new ServantError("config.invalid", problem, { cause });
  }
}
