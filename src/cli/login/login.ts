/** `agent login`: asks for name and password, and keeps the token for the commands that follow. */
import type { LoginAnswer } from "../../client/answers.ts";
import { configPath, readMembers } from "../../client/config-file.ts";
import { SessionManager } from "../../client/session-manager.ts";
import { ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { backendUrl } from "../../wire/connection.ts";
import { openOutput, printable, warn } from "../output.ts";
import { changeConfigFile, refuseUnwritable } from "./config-change.ts";
import { askedPassword, givenPassword, type PasswordOptions } from "./password.ts";
import { INTERRUPTED, Interrupted, openPrompt } from "./prompt.ts";

/** DYNOS's own gateway: where a first login goes when no other is named. */
export const HOSTED_GATEWAY = "https://api.dynosplan.com";

export interface LoginOptions extends PasswordOptions {
  readonly to?: string;
  readonly user?: string;
  readonly json?: boolean;
}

export async function login(given: string | undefined, options: LoginOptions): Promise<number> {
  const { env } = process;
  refuseUnwritable(env); // before a token is made that has no place
  const before = readMembers(configPath(env)).members;
  const url = gatewayUrl(given, options.to, before);
  let answer: LoginAnswer;
  try {
    const { username, password } = await credentials(url, options);
    answer = await SessionManager.logIn(url, username, password, { warn });
  } catch (cause) {
    if (cause instanceof Interrupted) return INTERRUPTED;
    throw cause;
  }
  // An earlier token is not revoked: a servant may be at work with it.
  const session = keptSession(before, url, answer.username);
  changeConfigFile(env, {
    backend_url: url,
    token: answer.token,
    username: answer.username,
    role: answer.role ?? "user",
    default_session: session,
  });
  tell(url, answer, session, options.json === true);
  return 0;
}

function gatewayUrl(given: string | undefined, to: string | undefined, before: JsonObject): string {
  const { env } = process;
  if (given === undefined || to === undefined) {
    const last = typeof before.backend_url === "string" ? before.backend_url : "";
    return backendUrl(given ?? to ?? (last || HOSTED_GATEWAY), env);
  }
  if (backendUrl(given, env) === backendUrl(to, env)) return backendUrl(to, env);
  throw new ServantError("usage.invalid", `Cannot log in both to "${given}" and to "${to}"`);
}

async function credentials(url: string, options: LoginOptions) {
  const given = await givenPassword(options);
  const prompt = openPrompt();
  const username =
    options.user ?? (await prompt.ask(`Name at ${printable(url)}: `, "say who with --user NAME"));
  if (username === "") throw new ServantError("usage.invalid", "Cannot log in without a name");
  const question = `Password of ${printable(username)} at ${printable(url)}: `;
  const password = given ?? (await askedPassword(prompt, question));
  return { username, password };
}

/** A session is one person's at one gateway: with another login it is not theirs any more. */
function keptSession(before: JsonObject, url: string, username: string): string | undefined {
  const { backend_url, default_session, username: earlier } = before;
  if (typeof backend_url !== "string" || typeof default_session !== "string") return undefined;
  try {
    const isSame = backendUrl(backend_url, process.env) === url;
    return isSame && (earlier === undefined || earlier === username) ? default_session : undefined;
  } catch {
    return undefined; // a URL that would be refused is not the one that was accepted
  }
}

function tell(
  url: string,
  answer: LoginAnswer,
  session: string | undefined,
  isJson: boolean,
): void {
  const out = openOutput(process.stdout, process.env);
  const { username, role = "user" } = answer;
  if (isJson) {
    out.json({ backend_url: url, username, role, default_session: session ?? null });
    return;
  }
  out.line(out.paint.green(printable(`Logged in as ${username} (${role}) at ${url}`)));
  if (session !== undefined) out.line(`Your session is still ${printable(session)}`);
  else out.line("Next: `agent session create`, or `agent session list` and `agent session swap`");
}
