/** Which headers travel between a client and a session, and what the gateway says in their stead. */
import { ServantError } from "../core/errors.ts";
import { GATEWAY_SECRET_HEADER } from "../core/gateway.ts";
import { refuseStrangers } from "../wire/stranger.ts";

/** How many seconds a session lives on without a request. */
export const EXPIRES_HEADER = "x-session-expires-in";

/** Of one connection only (RFC 9110, 7.6.1), with those that say how a body or a connection goes on. */
const HOP = [
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
/**
 * Never taken in from outside: what is the gateway's to say, and what is between the client and the
 * gateway. Cookies would be shared by all the sessions of a gateway.
 */
const NOT_INWARD = new Set([
  ...HOP,
  GATEWAY_SECRET_HEADER,
  "authorization",
  "content-length",
  "cookie",
  "forwarded",
  "host",
  "origin",
  "x-real-ip",
]);
/** Never shown outside. The server dates and frames its answers itself. */
const NOT_OUTWARD = new Set([
  ...HOP,
  GATEWAY_SECRET_HEADER,
  EXPIRES_HEADER,
  "content-length",
  "date",
  "set-cookie",
]);
const PLAIN_HOST = /^(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * Refuses what two readers could read in two ways, and pages of other sites. Equal headers that came
 * twice arrive as one, joined by a comma.
 *
 * @throws {ServantError} `request.ambiguous`, `request.foreign`
 */
export function refuseAmbiguous({ method, headers }: Pick<Request, "method" | "headers">): void {
  if (!METHODS.has(method)) throw ambiguous(`the method "${method.slice(0, 20)}"`);
  const host = headers.get("host");
  if (host !== null && !PLAIN_HOST.test(host)) throw ambiguous("the Host header");
  const length = headers.get("content-length");
  if (length !== null) {
    if (!/^\d{1,15}$/.test(length)) throw ambiguous("the Content-Length header");
    if (headers.has("transfer-encoding")) throw ambiguous("two lengths of one body");
  }
  const encoding = headers.get("transfer-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "chunked") {
    throw ambiguous("the Transfer-Encoding header");
  }
  if (headers.get("authorization")?.includes(",")) throw ambiguous("the Authorization header");
  refuseStrangers(headers);
}

function ambiguous(what: string): ServantError {
  return new ServantError("request.ambiguous", `Cannot serve this request: not with ${what}`);
}

/** The names that a Connection header declares to be of this connection alone. */
function namedBy(connection: string | null): readonly string[] {
  if (connection === null) return [];
  return connection
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
}

/** The lines of the headers that go on to the session; its own guard sees its own address in them. */
export function inward(
  headers: Headers,
  to: { readonly id: string; readonly port: number; readonly secret: string },
  from: string,
): string {
  const named = namedBy(headers.get("connection"));
  const host = `127.0.0.1:${to.port}`;
  let lines = `host: ${host}\r\n${GATEWAY_SECRET_HEADER}: ${to.secret}\r\n`;
  lines += `x-forwarded-for: ${from}\r\nx-forwarded-prefix: /s/${to.id}\r\n`;
  headers.forEach((value, name) => {
    if (NOT_INWARD.has(name) || name.startsWith("x-forwarded-") || named.includes(name)) return;
    lines += `${name}: ${value}\r\n`;
  });
  // The page that asks was looked at here, against the Host that its browser knows.
  if (headers.has("origin")) lines += `origin: http://${host}\r\n`;
  return lines;
}

/** Of `X-Session-Expires-In`. */
export function expiresText(expiresInS: number): string {
  return String(Math.max(0, Math.floor(expiresInS)));
}

/** The headers of a session's answer as its client gets them. `keepsLength`: there is no body to count. */
export function outward(
  headers: readonly (readonly [name: string, value: string])[],
  expiresInS: number,
  keepsLength: boolean,
): [string, string][] {
  const connection = headers.find(([name]) => name === "connection")?.[1] ?? null;
  const named = namedBy(connection);
  const shown: [string, string][] = [[EXPIRES_HEADER, expiresText(expiresInS)]];
  for (const [name, value] of headers) {
    const isKept = keepsLength && name === "content-length";
    if (!isKept && (NOT_OUTWARD.has(name) || named.includes(name))) continue;
    shown.push([name, value]);
  }
  return shown;
}
