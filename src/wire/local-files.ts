/** Where the door of this machine's agent is found, and what lets one in. */

/** Where it is looked for, unless it is told otherwise. */
export const DEFAULT_LOCAL_PORT = 8422;
/** In the state folder: who has its text may come in. */
export const TOKEN_FILE = "token";
/** In the state folder: where the running agent's door is. */
export const LOCAL_FILE = "local.json";
