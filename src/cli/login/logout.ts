/** `agent logout`: revokes the token and forgets it. */

import { configPath, readMembers } from "../../client/config-file.ts";
import { SessionManager } from "../../client/session-manager.ts";
import { messageOf } from "../../core/errors.ts";
import { openOutput, printable, warn } from "../output.ts";
import { changeConfigFile } from "./config-change.ts";
import type { WhoOptions } from "./whoami.ts";

/** A gateway that does not answer shall not hold a logout up, in milliseconds. */
const REVOKE_TIMEOUT_MS = 10_000;

export async function logout({ json = false }: WhoOptions): Promise<number> {
  const out = openOutput(process.stdout, process.env);
  const path = configPath(process.env);
  const { members, problem: unread } = readMembers(path);
  if (unread !== undefined) warn(`Cannot use config file "${path}": ${unread}`);
  const { backend_url: url, token } = members;
  const has = typeof token === "string" && token !== "";
  const problem = has ? await revoke(url, token) : undefined;
  if (Object.keys(members).length > 0) forget();
  if (problem !== undefined) {
    warn(`Cannot revoke the token at the gateway: ${problem}`);
    warn("it is forgotten here, and ends there by itself");
  }
  if (json) out.json({ logged_out: has, revoked: has && problem === undefined });
  else out.line(has ? `Logged out of ${printable(String(url))}` : "Nobody is logged in");
  return 0;
}

/** Why it could not be revoked. */
async function revoke(url: unknown, token: string): Promise<string | undefined> {
  if (typeof url !== "string") return "the config file does not say which";
  try {
    await new SessionManager(url, { token, timeoutMs: REVOKE_TIMEOUT_MS }).logOut();
    return undefined;
  } catch (cause) {
    return messageOf(cause);
  }
}

/** The gateway's address stays, for the next login. */
function forget(): void {
  changeConfigFile(process.env, {
    token: undefined,
    username: undefined,
    role: undefined,
    default_session: undefined,
  });
}
