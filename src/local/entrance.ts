/** What a browser gets for its link: a cookie and the key that belongs to it. */
import { PAGE_KEY_ITEM } from "../wire/page-key.ts";
import { sourceHash } from "../wire/source-hash.ts";
import { SESSION_LIFE_MS } from "./auth.ts";
import { type Address, cookieName } from "./guard.ts";

/** `replace`: the link, used by now, does not stay in the history. */
const SCRIPT =
  `try{localStorage.setItem("${PAGE_KEY_ITEM}",document.documentElement.dataset.key)}catch{}` +
  'location.replace("/")';

const POLICY = [
  "default-src 'none'",
  `script-src ${sourceHash(SCRIPT)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * A page that leads on, not a redirect: the key has to be put where the page finds it, and a browser
 * that came by a link from elsewhere would leave the new cookie out of a redirect, for it is strict.
 */
export function entranceAnswer(session: string, pageKey: string, address: Address): Response {
  const life = `Max-Age=${SESSION_LIFE_MS / 1_000}`;
  const secure = address.scheme === "https" ? "; Secure" : "";
  const cookie = `${cookieName(address)}=${session}; Path=/; HttpOnly; SameSite=Strict; ${life}`;
  const html =
    `<!doctype html><html lang="en" data-key="${pageKey}"><meta charset="utf-8">` +
    `<title>agent</title><a href="/">The agent</a><script>${SCRIPT}</script></html>`;
  return new Response(html, {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": POLICY,
      "Set-Cookie": cookie + secure,
    },
  });
}
