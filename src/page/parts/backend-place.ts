/**
 * Where the backend of this page is: where the page comes from, or behind a gateway. Pages of a gateway's
 * sessions are at `/page/{id}`, and what they show is asked for under `/s/{id}` with the token of this tab.
 */
import { forgetLogin, storedLogin } from "./gateway-login.ts";

/** The id of the session behind a gateway; undefined of a backend that stands for itself. */
export const [, session] = /^\/page\/([^/]+)\/?$/.exec(location.pathname) ?? [];

/** Of a path at the backend. */
export function addressAt(path: string): string {
  return session === undefined ? path : `/s/${session}${path}`;
}

export function gatewayHeaders(): Record<string, string> {
  const token = session !== undefined ? storedLogin()?.token : undefined;
  return token === undefined
    ? {}
    : { "X-Requested-With": "dynos", Authorization: `Bearer ${token}` };
}

/** The gateway takes the token no more: back to its login. */
export function toLogin(): void {
  forgetLogin();
  location.replace("/");
}
