/** What a gateway tells of a session that is about to end. */

/** A session that ends sooner than this is spoken of, in seconds. */
const NEAR_EXPIRY_S = 3_600;

/** How soon the session ends, in seconds, where that is worth a word. */
export function nearExpiryS(headers: Headers): number | undefined {
  const text = headers.get("x-session-expires-in") ?? "";
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return seconds < NEAR_EXPIRY_S ? seconds : undefined;
}
