/** Answers what failed, and writes down who was kept from what. */
import { type ErrorCode, isServantError, messageOf, toServantError } from "../core/errors.ts";
import type { GatewayParts } from "./door.ts";
import { tokenOf } from "./guard.ts";
import { failureAnswer } from "./status.ts";

export interface About {
  readonly from: string;
  readonly request: Request;
  /** Whose name was tried, if somebody has it. Absent: whoever shows a good token. */
  readonly who?: string | undefined;
}

/** Attempts to get at what is not one's own; the rest are mistakes. */
const AUDITED: ReadonlySet<ErrorCode> = new Set([
  "login.needed",
  "login.too-many",
  "login.wrong",
  "request.foreign",
  "session.not-allowed",
  "session.too-many",
]);

/**
 * What clients hear as often as they ask, though it is no fault of the gateway's: its own log says once that a
 * session has died.
 */
const UNLOGGED: ReadonlySet<ErrorCode> = new Set([
  "agent.draining",
  "session.dead",
  "session.starting",
]);

export function refusal(parts: GatewayParts, cause: unknown, about: About): Response {
  const { audit, log, sessions, tally, tokens } = parts;
  const { code } = toServantError(cause);
  const { status, body, headers } = failureAnswer(cause);
  const { pathname = "" } = URL.parse(about.request.url) ?? {};
  const { from, who = tokens.whose(tokenOf(about.request.headers) ?? "") } = about;
  const request = `${about.request.method} ${pathname}`;
  const session = /^\/(?:s|sessions)\/([^/]+)/.exec(pathname)?.[1];
  const owner = code === "session.unknown" ? sessions.find(session ?? "")?.owner : undefined;
  if (AUDITED.has(code) || owner !== undefined) {
    audit.refused({ from, who, code, request, ...(owner === undefined ? {} : { session, owner }) });
  }
  if (status >= 500 && !UNLOGGED.has(code)) {
    const problem = isServantError(cause) ? cause.message : `fault: ${messageOf(cause)}`;
    log("error", `${request}: ${problem}`.slice(0, 1_000), {});
  }
  tally.answered(status);
  return Response.json(body, { status, headers });
}
