/** Which session a request is for, and what of its address is the session's own. */
import { ServantError } from "../core/errors.ts";

/** A segment that is a step to here or up, whichever way its dots are written. */
const DOTS = /^(?:\.|%2e){1,2}$/i;
const SESSION = /^\/s\/([^/?]*)(.*)$/;

/**
 * The path and query that a request asks for. The server has resolved dots already, except behind a
 * Host that is no plain name; those that are left are refused, so that one path has one meaning. So is
 * what begins with "#", which nobody sends: some read on there, and some do not.
 *
 * @throws {ServantError} `request.ambiguous`
 */
export function addressOf({ url }: Pick<Request, "url">): string {
  const address = url.startsWith("/") ? url : url.slice(indexOfPath(url));
  const query = address.indexOf("?");
  const path = query < 0 ? address : address.slice(0, query);
  if (!/^\/[\x21\x22\x24-\x7e]*$/.test(address) || path.includes("\\")) throw ambiguous();
  if (path.includes("/.") || /%2e/i.test(path)) {
    if (path.split("/").some((segment) => DOTS.test(segment))) throw ambiguous();
  }
  return address;
}

function indexOfPath(url: string): number {
  const at = url.indexOf("/", url.indexOf("//") + 2);
  return at < 0 ? url.length : at;
}

function ambiguous(): ServantError {
  return new ServantError("request.ambiguous", "Cannot serve this address: its path is not plain");
}

export interface SessionAddress {
  /** Not decoded: an id is written in one way only. */
  readonly id: string;
  /** The session's own path and query, as it came; begins with "/". */
  readonly rest: string;
}

/** The session of `/s/{id}/...`; undefined for the gateway's own addresses. */
export function sessionOf(address: string): SessionAddress | undefined {
  const found = SESSION.exec(address);
  if (found === null) return undefined;
  const [, id = "", rest = ""] = found;
  return { id, rest: rest.startsWith("/") ? rest : `/${rest}` };
}
