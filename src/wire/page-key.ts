/**
 * How the page shows that it is the agent's own. A browser hands a session's cookie to every port
 * of its host, so the cookie alone opens nothing; the key that belongs to it lies where pages of this
 * very origin alone can read it.
 */

/** Where the page keeps it: in `localStorage`. */
export const PAGE_KEY_ITEM = "agent-page-key";
/** With each request. */
export const PAGE_KEY_HEADER = "Agent-Page-Key";
/** A browser's websocket takes no headers: it offers a subprotocol that is this and the key. */
export const PAGE_KEY_PROTOCOL = "agent.page-key.";
