/** Answers what failed, and writes down who was kept from what. */
import { type ErrorCode, isServantError, messageOf, toServantError } from "../core/errors.ts";
import type { GatewayParts } from "./door.ts";
import { failureAnswer } from "./status.ts";

export interface About {
  readonly from: string;
  readonly request: Request;
  /** Who asked, or whose name was tried, if somebody has it. */
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

export function refusal(parts: GatewayParts, cause: unknown, about: About): Response {
  const { audit, log, sessions, tally } = parts;
  const { code } = toServantError(cause);
  const { status, body, headers } = failureAnswer(cause);
  const { pathname = "" } = URL.parse(about.request.url) ?? {};
  const { from, who } = about;
  const request = `${about.request.method} ${pathname}`;
  const session = /^\/(?:s|sessions)\/([^/]+)/.exec(pathname)?.[1];
  const owner = code === "session.unknown" ? sessions.find(session ?? "")?.owner : undefined;
  if (AUDITED.has(code) || owner !== undefined) {
    audit.refused({ from, who, code, request, ...(owner === undefined ? {} : { session, owner }) });
  }
  if (status >= 500) {
    const problem = isServantError(cause) ? cause.message : `fault: ${messageOf(cause)}`;
    log(code === "session.dead" ? "warn" : "error", `${request}: ${problem}`.slice(0, 1_000), {});
  }
  tally.answered(status);
  return Response.json(body, { status, headers });
}
