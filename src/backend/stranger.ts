/**
 * Keeps web pages out. A backend without logins trusts whoever reaches its port; a page that a
 * person happens to look at must not be one of them, or it could move the machine. Programs send
 * no `Origin`, browsers always do where it counts.
 */
import { ServantError } from "../core/errors.ts";

/** @throws {ServantError} `request.foreign` when a browser sends it for another site's page. */
export function refuseStrangers(headers: Headers): void {
  const origin = headers.get("origin");
  if (origin === null) return;
  const host = headers.get("host") ?? "";
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new ServantError("request.foreign", `Cannot serve a page of "${origin.slice(0, 200)}"`);
}

/**
 * The same against a name that was made to point at this machine (DNS rebinding): who listens on
 * loopback is asked for by a loopback name.
 *
 * @throws {ServantError} `request.foreign`
 */
export function refuseForeignHost(headers: Headers, isLoopback: (name: string) => boolean): void {
  const host = headers.get("host") ?? "";
  const name = host.replace(/:\d+$/, "");
  if (host === "" || isLoopback(name)) return;
  throw new ServantError("request.foreign", `Cannot serve "${host.slice(0, 200)}" on loopback`);
}
