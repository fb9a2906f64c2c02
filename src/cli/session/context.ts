/** What every `agent session` subcommand starts from. */
import type { SessionAnswer } from "../../client/answers.ts";
import { loginOf, readConfigFile } from "../../client/config-file.ts";
import { SessionManager } from "../../client/session-manager.ts";
import { noSession } from "../../client/target.ts";
import { isServantError } from "../../core/errors.ts";
import { changeConfigFile } from "../login/config-change.ts";
import { type Output, openOutput, printable, warn } from "../output.ts";

export interface SessionOptions {
  /** Print JSON, for programs. */
  readonly json?: boolean;
}

export interface SessionContext {
  readonly gateway: SessionManager;
  readonly login: ReturnType<typeof loginOf>;
  readonly out: Output;
  readonly json: boolean;
}

/**
 * Runs one subcommand at the gateway that the person is logged in to; resolves to the exit code.
 *
 * @throws {ServantError} `login.needed`
 */
export async function withGateway(
  { json = false }: SessionOptions,
  run: (context: SessionContext) => Promise<number>,
): Promise<number> {
  const read = readConfigFile(process.env);
  for (const line of read.warnings) warn(line);
  const login = loginOf(read);
  const gateway = new SessionManager(login.backendUrl, { token: login.token, warn });
  return await run({ gateway, login, out: openOutput(process.stdout, process.env), json });
}

/**
 * The session that is named, else the default one: no other is ever picked.
 *
 * @throws {ServantError} `session.unknown`, `session.ambiguous`, `session.none-chosen`
 */
export async function meant(
  { gateway, login }: SessionContext,
  name: string | undefined,
): Promise<SessionAnswer> {
  if (name !== undefined) return await gateway.find(name);
  const { defaultSession } = login;
  if (defaultSession === undefined)
    throw noSession("Cannot choose a session: none is your default");
  try {
    return await gateway.get(defaultSession);
  } catch (cause) {
    if (!isServantError(cause) || cause.code !== "session.unknown") throw cause;
    throw noSession(`Cannot use your default session "${defaultSession}": it is gone`);
  }
}

/** Makes it the session that is meant from now on; undefined: none is. */
export function setDefault(id: string | undefined): void {
  changeConfigFile(process.env, { default_session: id });
}

/** `brave-otter (3f2a...)`, safe to show. */
export function nameOf({ label, session_id }: SessionAnswer): string {
  return printable(label ? `${label} (${session_id})` : session_id);
}
