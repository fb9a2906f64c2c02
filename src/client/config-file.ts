/**
 * DYNOS's own config file, `~/.dynos/config.json`: which backend a person is logged in to. It
 * holds a token, so it is refused when others on the machine can read it.
 */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod/mini";
import { messageOf, ServantError } from "../core/errors.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Shorter ones are no tokens but remains of editing. */
export const TOKEN_MIN_CHARS = 16;
const TOKEN = /^[\x21-\x7e]+$/;

const ConfigFile = z.looseObject({
  backend_url: z.nullish(z.string()),
  token: z.nullish(z.string()),
  username: z.nullish(z.string()),
  role: z.nullish(z.string()),
  default_session: z.nullish(z.string()),
});

/** Who is logged in where; empty when nobody is. */
export interface Login {
  readonly backendUrl?: string;
  readonly token?: string;
  readonly username?: string;
  readonly role?: string;
  readonly defaultSession?: string;
}
type LoggedIn = { readonly backendUrl: string; readonly token: string };
export interface ConfigRead {
  readonly path: string;
  readonly login: Login;
  /** What a person should know, a line each. */
  readonly warnings: readonly string[];
}

/** Where the config file is: `DYNOS_CONFIG_PATH`, else `~/.dynos/config.json`. */
export function configPath(env: Environment): string {
  return env.DYNOS_CONFIG_PATH || join(env.HOME || homedir(), ".dynos", "config.json");
}

/**
 * Reads the config file. No file means that nobody is logged in; so does one that is not JSON,
 * with a warning.
 *
 * @throws {ServantError} `config.invalid`: others can read it, it cannot be read, or its token or
 * URL cannot be one.
 */
export function readConfigFile(env: Environment): ConfigRead {
  const path = configPath(env);
  const { members, problem } = readMembers(path);
  if (problem !== undefined) return loggedOut(path, problem);
  const file = ConfigFile.safeParse(members);
  if (!file.success) return loggedOut(path, z.prettifyError(file.error).replaceAll("\n", " "));
  return { path, login: checked(path, file.data), warnings: [] };
}

/**
 * The login that is in it.
 *
 * @throws {ServantError} `login.needed`
 */
export function loginOf({ login, path }: ConfigRead): Login & LoggedIn {
  const { backendUrl, token } = login;
  if (backendUrl !== undefined && token !== undefined) return { ...login, backendUrl, token };
  throw new ServantError("login.needed", `Cannot go on: nobody is logged in, says "${path}"`);
}

/** True of what may be a token: long enough, and of characters that a header takes. */
export function isToken(text: string): boolean {
  return text.length >= TOKEN_MIN_CHARS && TOKEN.test(text);
}

function loggedOut(path: string, reason: string): ConfigRead {
  const warning = `Cannot use config file "${path}": ${reason}; going on as logged out`;
  return { path, login: {}, warnings: [warning] };
}

/**
 * What the file holds, not looked at: nothing when there is no file, or it is none of ours.
 *
 * @throws {ServantError} `config.invalid`: others can read it, or it cannot be read
 */
export function readMembers(path: string): {
  readonly members: JsonObject;
  readonly problem?: string;
} {
  const text = readPrivate(path);
  if (text === undefined) return { members: {} };
  try {
    const members: unknown = JSON.parse(text);
    return isJsonObject(members) ? { members } : { members: {}, problem: "not a JSON object" };
  } catch {
    return { members: {}, problem: "not JSON" };
  }
}

function readPrivate(path: string): string | undefined {
  try {
    const found = statSync(path);
    const { mode } = found;
    if (!found.isFile()) {
      throw new ServantError("config.invalid", `Cannot use config file "${path}": it is no file`);
    }
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new ServantError(
        "config.invalid",
        `Cannot use config file "${path}": others can read it; run chmod 600 ${path}`,
      );
    }
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof ServantError) throw cause;
    const code = (cause as { code?: unknown }).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ServantError(
      "config.invalid",
      `Cannot read config file "${path}": ${messageOf(cause)}`,
      { cause },
    );
  }
}

function checked(path: string, file: z.infer<typeof ConfigFile>): Login {
  const { backend_url, token, username, role, default_session } = file;
  if (token && token.length < TOKEN_MIN_CHARS) {
    throw new ServantError(
      "config.invalid",
      `Cannot use the token in "${path}": it has fewer than ${TOKEN_MIN_CHARS} characters`,
    );
  }
  if (token && !TOKEN.test(token)) {
    throw new ServantError(
      "config.invalid",
      `Cannot use the token in "${path}": it has characters that no token has`,
    );
  }
  if (backend_url && !/^https?:\/\/[^\s/]+/i.test(backend_url)) {
    throw new ServantError(
      "config.invalid",
      `Cannot use backend URL "${backend_url}" in "${path}": write https://host`,
    );
  }
  return {
    ...(backend_url ? { backendUrl: backend_url } : {}),
    ...(token ? { token } : {}),
    ...(username ? { username } : {}),
    ...(role ? { role } : {}),
    ...(default_session ? { defaultSession: default_session } : {}),
  };
}
