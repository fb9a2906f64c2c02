/** Which backend a command talks to, and whether the cached token may go there. */
import { messageOf, ServantError } from "../core/errors.ts";
import { backendUrl, type Target } from "../wire/connection.ts";
import { DEFAULT_PORT } from "../wire/dynos.ts";
import { type ConfigRead, type Environment, type Login, readConfigFile } from "./config-file.ts";

/** The embedded backend on this machine: what is meant when nothing else is said. */
export const LOCAL_BACKEND = `http://127.0.0.1:${DEFAULT_PORT}`;

export interface TargetChoice {
  /** What the person wrote; wins over the config file. */
  readonly to?: string | undefined;
  readonly session?: string | undefined;
  /**
   * When the cached token is sent: "matching" also when `to` names the cached backend,
   * "config-only" never together with `to`. Default "matching".
   */
  readonly attachToken?: "matching" | "config-only";
}

/**
 * The backend to talk to. The cached token is never sent to another backend than the one that
 * gave it, and a session is never picked silently.
 *
 * @throws {ServantError} `session.none-chosen`, `backend.http-refused`, `config.invalid`
 */
export function resolveTarget(
  choice: TargetChoice,
  env: Environment,
  readConfig: (env: Environment) => ConfigRead = readConfigFile,
  warn: (line: string) => void = (line) => process.stderr.write(`agent: ${line}\n`),
): Target {
  if (choice.to !== undefined) return chosenTarget(choice.to, choice, env, readConfig, warn);
  const { login, path, warnings } = readConfig(env);
  for (const line of warnings) warn(line);
  const url = backendUrl(login.backendUrl ?? LOCAL_BACKEND, env);
  return withLogin(url, choice, login, path);
}

function chosenTarget(
  to: string,
  choice: TargetChoice,
  env: Environment,
  readConfig: (env: Environment) => ConfigRead,
  warn: (line: string) => void,
): Target {
  const url = backendUrl(to, env);
  const plain = { url, ...(choice.session === undefined ? {} : { session: choice.session }) };
  if (choice.attachToken === "config-only") return plain;
  let read: ConfigRead;
  try {
    read = readConfig(env);
  } catch (cause) {
    // The backend was named, so a bad file costs at most the token.
    warn(messageOf(cause));
    return plain;
  }
  return isSameBackend(read.login, url, env)
    ? withLogin(url, choice, read.login, read.path)
    : plain;
}

function isSameBackend(login: Login, url: string, env: Environment): boolean {
  if (login.backendUrl === undefined) return false;
  try {
    return backendUrl(login.backendUrl, env) === url;
  } catch {
    return false; // a URL that would be refused is not the one that was accepted
  }
}

function withLogin(url: string, choice: TargetChoice, login: Login, path: string): Target {
  const session = choice.session ?? login.defaultSession;
  const { token } = login;
  if (token !== undefined && session === undefined) {
    throw noSession(`Cannot choose a session: "${path}" has a token but no default session`);
  }
  return {
    url,
    ...(token === undefined ? {} : { token }),
    ...(session === undefined ? {} : { session }),
  };
}

/** A session is meant and none is chosen: the ways to choose one. */
export function noSession(problem: string): ServantError {
  return new ServantError(
    "session.none-chosen",
    [
      problem,
      "  agent session list         shows yours",
      "  agent session swap NAME    makes one the default",
      "  agent session create       makes a new one",
    ].join("\n"),
  );
}
