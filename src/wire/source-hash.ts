/** Names an inline script or style in a Content-Security-Policy, so that it can forbid all others. */
import { createHash } from "node:crypto";

/** `'sha256-...'`, quotes included. */
export function sourceHash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
