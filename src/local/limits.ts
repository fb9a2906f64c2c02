/** How much the door takes at most. */

/** The largest body that is read, in bytes: a reason is all that anybody sends. */
export const BODY_MAX_BYTES = 16 * 1024;
/** Requests that may be under way at once. */
export const REQUESTS_MAX = 64;
