/** Decides of a request who asks, and what is theirs. */
import { ServantError } from "../core/errors.ts";
import type { Person, Session } from "../core/gateway.ts";
import type { Sessions } from "./sessions.ts";
import type { Held, Tokens } from "./tokens.ts";

/** The token that a request shows; undefined where it shows none. */
export function tokenOf(headers: Headers): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1];
}

/**
 * Who shows a good token. It is to be released when the request is over.
 *
 * @throws {ServantError} `login.needed`
 */
export function holderOf(tokens: Tokens, headers: Headers): Held {
  const token = tokenOf(headers);
  const held = token === undefined ? undefined : tokens.use(token);
  if (held !== undefined) return held;
  const reason = headers.has("authorization")
    ? "the token is wrong, revoked or expired"
    : "there is no token with the request";
  throw new ServantError("login.needed", `Cannot tell who you are: ${reason}`);
}

/**
 * A session of theirs; admins may have any. That there is one of somebody else's is told to nobody.
 *
 * @throws {ServantError} `session.unknown`
 */
export function theirs(sessions: Sessions, { role, username }: Person, id: string): Session {
  const session = sessions.find(id);
  if (session !== undefined && (session.owner === username || role === "admin")) return session;
  throw new ServantError("session.unknown", `Cannot find session "${id.slice(0, 100)}"`);
}
