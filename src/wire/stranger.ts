/**
 * Keeps web pages out. Whoever listens on a port of this machine is within reach of every page that
 * a person happens to look at; such a page must neither move the machine nor read a byte. Programs
 * send no `Origin`, browsers always do where it counts.
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
export function refuseForeignHost(headers: Headers, isOurs: (name: string) => boolean): void {
  const host = headers.get("host") ?? "";
  const name = host.replace(/:\d+$/, "");
  if (host === "" || isOurs(name)) return;
  throw new ServantError(
    "request.foreign",
    `Cannot serve "${host.slice(0, 200)}" here: no name of ours`,
  );
}
