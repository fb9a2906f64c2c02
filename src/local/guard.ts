/**
 * Decides of each request, before anything else looks at it, whether it may be answered. What a
 * browser sends for another page is refused whatever it carries: loopback ports share cookies, and
 * a name can be made to point here.
 */
import { ServantError } from "../core/errors.ts";
import { isLoopback } from "../wire/connection.ts";
import { PAGE_KEY_HEADER, PAGE_KEY_PROTOCOL } from "../wire/page-key.ts";
import { refuseForeignHost, refuseStrangers } from "../wire/stranger.ts";
import type { Auth } from "./auth.ts";

/** Where the door listens. */
export interface Address {
  readonly scheme: "http" | "https" | "unix";
  /** The cookie is named with it: the ports of one host share their cookies. */
  readonly port: number;
  /** True for names of the certificate, when there is one. */
  readonly isCertified: (name: string) => boolean;
}

/**
 * Who asks. A "visitor" has a session's cookie without the page's key: a browser on its way to the
 * page, or somebody whom it gave the cookie on another port.
 */
export type Caller = "nobody" | "visitor" | "token" | "session";

/** Pages of ours that a link elsewhere may lead to: they show nothing by themselves. */
const LINKED = ["/", "/open"];

export function cookieName({ port }: Pick<Address, "port">): string {
  return `agent-session-${port}`;
}

/** @throws {ServantError} `request.malformed`, `request.foreign` */
export function refuseForeign(request: Request, address: Address): void {
  const { headers } = request;
  // It is made of the Host header: there may be none, or one with a port that no machine has.
  if (!URL.canParse(request.url)) {
    throw new ServantError(
      "request.malformed",
      "Cannot read the address: there is no Host, or none that can be",
    );
  }
  // No browser reaches a socket file: whoever does is a program and names what it likes.
  if (address.scheme === "unix") {
    refuseStrangers(headers);
    return;
  }
  refuseForeignHost(headers, (name) => isLoopback(name) || address.isCertified(name));
  const origin = headers.get("origin");
  // As browsers write it, to the letter: nothing else has to be understood.
  if (origin !== null && origin !== `${address.scheme}://${headers.get("host")}`) {
    throw new ServantError("request.foreign", `Cannot serve a page of "${origin.slice(0, 200)}"`);
  }
  const site = headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return;
  const { pathname } = new URL(request.url);
  const isVisit = request.method === "GET" && headers.get("sec-fetch-mode") === "navigate";
  const isFrame = headers.get("sec-fetch-dest") !== "document";
  if (isVisit && !isFrame && LINKED.includes(pathname)) return;
  throw new ServantError("request.foreign", "Cannot serve another site's page");
}

/** @throws {ServantError} `local.unauthorized` for a token that is not ours */
export function callerOf(request: Request, auth: Auth, address: Address): Caller {
  const { headers } = request;
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (token !== undefined && auth.isToken(token)) return "token";
    throw new ServantError("local.unauthorized", "Cannot let you in: it is not this agent's token");
  }
  if (!isFromOurPage(request)) return "nobody";
  const session = cookieOf(headers.get("cookie") ?? "", cookieName(address));
  if (session === undefined || !auth.isSession(session)) return "nobody";
  return auth.isPageKey(pageKeyOf(headers), session) ? "session" : "visitor";
}

/**
 * A cookie alone proves nothing, for it comes along with whatever a browser sends here: the browser
 * must say too that it is for our own page, or that a person typed the address.
 */
function isFromOurPage({ headers, method }: Request): boolean {
  if (headers.get("origin") !== null) return true; // `refuseForeign` has seen that it is ours
  if (method !== "GET") return false;
  const site = headers.get("sec-fetch-site");
  const isTyped = site === "none" && headers.get("sec-fetch-mode") === "navigate";
  return site === "same-origin" || isTyped;
}

/** A page's websocket says it among the subprotocols that it offers. */
function pageKeyOf(headers: Headers): string {
  const offered = headers.get("sec-websocket-protocol")?.split(/\s*,\s*/) ?? [];
  const protocol = offered.find((each) => each.startsWith(PAGE_KEY_PROTOCOL));
  return headers.get(PAGE_KEY_HEADER) ?? protocol?.slice(PAGE_KEY_PROTOCOL.length) ?? "";
}

function cookieOf(header: string, name: string): string | undefined {
  for (const pair of header.split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
