/** All that the page knows of the gateway. */
import type { Login } from "../parts/gateway-login.ts";
import type { ShownSession } from "./door.ts";
import type { Figures } from "./figures.ts";

export interface Model {
  login: Login | undefined;
  /** Undefined until the first answer. */
  sessions: readonly ShownSession[] | undefined;
  /** Percent of one processor, by session. */
  shares: ReadonlyMap<string, number>;
  /** Of the gateway itself, for admins. */
  figures: Figures | undefined;
  /** Epoch milliseconds since when nothing was heard; absent while all is live. */
  silentSinceMs: number | undefined;
  /** Why the last look told nothing, though the gateway answered. */
  trouble: string | undefined;
}

export function emptyModel(login: Login | undefined): Model {
  return {
    login,
    sessions: undefined,
    shares: new Map(),
    figures: undefined,
    silentSinceMs: undefined,
    trouble: undefined,
  };
}
