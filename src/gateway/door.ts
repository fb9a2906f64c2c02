/**
 * The gateway: lets people in by name and password, and to their own sessions alone. It is a function
 * from requests to responses; whoever listens tells it whom a request comes from.
 */
import { messageOf, ServantError } from "../core/errors.ts";
import type { Level } from "../core/events.ts";
import type { Session } from "../core/gateway.ts";
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { addressOf, type SessionAddress, sessionOf } from "./address.ts";
import { refuseAmbiguous } from "./headers.ts";
import type { Passwords } from "./login.ts";
import type { SessionProxy, Way } from "./proxy.ts";
import type { Tunnel } from "./relay.ts";
import { routes } from "./routes.ts";
import type { Sessions } from "./sessions.ts";
import { failureResponse } from "./status.ts";
import type { Held, Tokens } from "./tokens.ts";
import type { Users } from "./users.ts";

/** How often what is over is ended, in milliseconds. */
const SWEEP_MS = 1_000;

export interface GatewayParts {
  readonly users: Users;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
  readonly proxy: SessionProxy;
  readonly clock: Clock;
  readonly log: (level: Level, message: string, fields: JsonObject) => void;
  readonly version: string;
}

export interface Gateway {
  /** Answers one request from this address; never rejects. */
  fetch(request: Request, from: string): Promise<Response>;
  /** For a request that asks for a websocket: what to connect it to, or why not. */
  connect(request: Request, from: string): Promise<Tunnel | Response>;
  close(): Promise<void>;
}

export function createGateway(parts: GatewayParts): Gateway {
  const closed = new AbortController();
  const app = routes(parts);
  const sweeping = sweep(parts, closed.signal);
  return {
    async fetch(request, from) {
      try {
        const asked = askedOf(request);
        if (asked === undefined) return await app.fetch(request, { from });
        return await parts.proxy.fetch(request, wayTo(parts, request, asked.id), asked, from);
      } catch (cause) {
        return failureResponse(cause);
      }
    },
    async connect(request, from) {
      try {
        const asked = askedOf(request);
        if (asked === undefined) throw new ServantError("route.unknown", "Cannot open a websocket");
        return await parts.proxy.connect(request, wayTo(parts, request, asked.id), asked, from);
      } catch (cause) {
        return failureResponse(cause);
      }
    },
    async close() {
      closed.abort();
      await sweeping;
      await parts.sessions.close();
      parts.proxy.close();
      await parts.tokens.close();
    },
  };
}

/**
 * The session that a request is for; undefined for the gateway's own routes.
 *
 * @throws {ServantError} `request.malformed`, `request.foreign`
 */
function askedOf(request: Request): SessionAddress | undefined {
  refuseAmbiguous(request);
  return sessionOf(addressOf(request));
}

/** @throws {ServantError} `login.needed`, `request.malformed`, `session.*` */
function wayTo({ sessions, tokens }: GatewayParts, request: Request, id: string): Way {
  const held = holderOf(tokens, request.headers);
  try {
    theirs(sessions, held, id);
    const place = sessions.enter(id);
    const leave = () => {
      place.leave();
      held.release();
    };
    return { ...place, ended: held.ended, leave };
  } catch (cause) {
    held.release();
    throw cause;
  }
}

/**
 * Who shows a good token.
 *
 * @throws {ServantError} `login.needed`; `request.malformed` for more than one
 */
export function holderOf(tokens: Tokens, headers: Headers): Held {
  const authorization = headers.get("authorization");
  if (authorization === null) throw new ServantError("login.needed", "Cannot serve you: no token");
  if (authorization.includes(",")) {
    throw new ServantError(
      "request.malformed",
      "Cannot tell who you are: Authorization came twice",
    );
  }
  const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  const held = token === undefined ? undefined : tokens.use(token);
  if (held !== undefined) return held;
  throw new ServantError(
    "login.needed",
    "Cannot serve you: the token is wrong, revoked or expired",
  );
}

/**
 * A session of theirs; admins may have any. That there is one of somebody else's is told to nobody.
 *
 * @throws {ServantError} `session.unknown`
 */
export function theirs(sessions: Sessions, { person }: Pick<Held, "person">, id: string): Session {
  const session = sessions.find(id);
  const isTheirs = session?.owner === person.username || person.role === "admin";
  if (session !== undefined && isTheirs) return session;
  throw new ServantError("session.unknown", `Cannot find session "${id.slice(0, 100)}"`);
}

async function sweep({ clock, log, tokens, users }: GatewayParts, end: AbortSignal): Promise<void> {
  while (!end.aborted) {
    try {
      if (users.refresh()) log("info", `read the users file again: ${users.count} users`, {});
    } catch (cause) {
      log("error", `${messageOf(cause)}; the users stay as they were`, {});
    }
    await tokens.sweep().catch((cause) => log("error", messageOf(cause), {}));
    await clock.sleep(SWEEP_MS, end);
  }
}
