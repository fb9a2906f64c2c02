/**
 * The gateway: lets people in by name and password, and to their own sessions alone. It is a function
 * from requests to responses; whoever listens tells it whom a request comes from.
 */
import { messageOf, ServantError } from "../core/errors.ts";
import type { Level } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { addressed } from "../wire/addressed.ts";
import { addressOf, type SessionAddress, sessionOf } from "./address.ts";
import type { Audit } from "./audit.ts";
import { holderOf, theirs } from "./guard.ts";
import type { Guesses } from "./guesses.ts";
import { refuseAmbiguous } from "./headers.ts";
import { Logins, type Passwords } from "./login.ts";
import { clientAddress, type IsTrusted, plainAddress } from "./peer.ts";
import type { SessionProxy, Way } from "./proxy.ts";
import { refusal } from "./refusal.ts";
import type { Tunnel } from "./relay.ts";
import { routes } from "./routes.ts";
import type { Sessions } from "./sessions.ts";
import type { Tally } from "./tally.ts";
import type { Held, Tokens } from "./tokens.ts";
import { UnderWay } from "./under-way.ts";
import type { Users } from "./users.ts";
import { Visits } from "./visits.ts";

/** How often what is over is ended, in milliseconds. */
const SWEEP_MS = 1_000;
/** What a request without `X-Requested-With` is told; it costs no more than that. */
const ADVICE = '199 servant-agent "send X-Requested-With: dynos with each request"';

export interface GatewayPorts {
  readonly users: Users;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly guesses: Guesses;
  readonly sessions: Sessions;
  readonly proxy: SessionProxy;
  readonly audit: Audit;
  readonly tally: Tally;
  readonly clock: Clock;
  /** Proxies whose X-Forwarded-For counts. */
  readonly isTrusted: IsTrusted;
  /** How many requests to sessions each person may have under way. */
  readonly requestsPerUser: number;
  readonly log: (level: Level, message: string, fields: JsonObject) => void;
  readonly version: string;
  /** Its own page, and that of a session. */
  readonly page: (name: "gateway" | "backend") => Promise<Response>;
}
export interface GatewayParts extends GatewayPorts {
  readonly logins: Logins;
  readonly underWay: UnderWay;
  readonly visits: Visits;
}

export interface Gateway {
  /** Its own routes, as Hono has them. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  /** How many sessions there are now. */
  readonly sessions: number;
  /** Answers one request of this peer; never rejects. */
  fetch(request: Request, peer: string): Promise<Response>;
  /** For a request that asks for a websocket: what to connect it to, or why not. */
  connect(request: Request, peer: string): Promise<Tunnel | Response>;
  /** Ends the sessions' processes and saves. */
  close(): Promise<void>;
}

export function createGateway(ports: GatewayPorts): Gateway {
  const parts: GatewayParts = {
    ...ports,
    logins: new Logins(ports),
    underWay: new UnderWay(ports.requestsPerUser),
    visits: new Visits(),
  };
  const closed = new AbortController();
  const app = routes(parts);
  const sweeping = sweep(parts, closed.signal);
  const tellOfProxy = onceOfProxy(parts);
  const fromWhom = (request: Request, peer: string) => {
    const forwarded = request.headers.get("x-forwarded-for");
    if (forwarded !== null) tellOfProxy(peer);
    return clientAddress(peer, forwarded, parts.isTrusted);
  };
  return {
    routes: app.routes.filter(({ method }) => method !== "ALL"),
    get sessions() {
      return parts.sessions.list().length;
    },
    async fetch(bare, peer) {
      const request = addressed(bare);
      const from = fromWhom(request, peer);
      const answer = await answered(request, from, async () => {
        const asked = askedOf(request);
        if (asked !== undefined) return await passOn(parts, request, asked, from);
        return await app.fetch(request, { from, peer: plainAddress(peer) });
      });
      if (!request.headers.has("x-requested-with")) answer.headers.set("Warning", ADVICE);
      return answer;
    },
    async connect(request, peer) {
      const from = fromWhom(request, peer);
      return await answered(request, from, async () => {
        const asked = askedOf(request);
        if (asked === undefined) throw new ServantError("route.unknown", "Cannot open a websocket");
        return await parts.proxy.connect(request, enter(parts, request, asked.id).way, asked, from);
      });
    },
    async close() {
      closed.abort();
      await sweeping;
      await parts.sessions.close();
      parts.proxy.close();
      await parts.tokens.close();
    },
  };

  async function answered<T>(
    request: Request,
    from: string,
    answer: () => Promise<T>,
  ): Promise<T | Response> {
    try {
      return await answer();
    } catch (cause) {
      return refusal(parts, cause, { from, request });
    }
  }
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

/** What a servant asks for and answers: see `Held.hand`. */
const SERVANT = /^\/servant\/([^/?]+)\/(?:next_assignment|result)(?:\?|$)/;

async function passOn(
  parts: GatewayParts,
  request: Request,
  asked: SessionAddress,
  from: string,
): Promise<Response> {
  const { clock, proxy, tally } = parts;
  const { held, way } = enter(parts, request, asked.id);
  const startedMs = clock.monotonic();
  const answer = await proxy.fetch(request, way, asked, from);
  tally.passedOn(answer.status, (clock.monotonic() - startedMs) / 1_000);
  const servant = SERVANT.exec(asked.rest)?.[1];
  if (servant !== undefined) {
    held.hand(`${asked.id}/${servant}`, request.method === "GET" && answer.status === 200);
  }
  return answer;
}

/** @throws {ServantError} `login.needed`, `session.unknown`, `session.dead`, `request.too-many` */
function enter(
  { sessions, tally, tokens, underWay, visits }: GatewayParts,
  request: Request,
  id: string,
): { readonly held: Held; readonly way: Way } {
  const held = holderOf(tokens, request.headers);
  const { username } = held.person;
  const over: (() => void)[] = [held.release];
  const leave = () => {
    for (const each of over.splice(0)) each();
  };
  try {
    const { owner } = theirs(sessions, held.person, id);
    over.push(underWay.begin(username));
    const place = sessions.enter(id);
    over.push(place.leave);
    tally.inFlight += 1;
    over.push(() => {
      tally.inFlight -= 1;
    });
    const visit = owner === username ? undefined : visits.begin(held.person);
    if (visit) over.push(visit.end);
    const ended = visit ? AbortSignal.any([held.ended, visit.signal]) : held.ended;
    return { held, way: { ...place, ended, leave } };
  } catch (cause) {
    leave();
    throw cause;
  }
}

/** Whoever asks through a proxy that is not named is taken for the proxy: worth a word, once. */
function onceOfProxy({ isTrusted, log }: GatewayParts): (peer: string) => void {
  let isTold = false;
  return (peer) => {
    if (isTold || isTrusted(peer)) return;
    isTold = true;
    const advice = `without --trust-proxy ${peer} all of its clients count as one`;
    log("warn", `${peer} speaks for others (X-Forwarded-For): ${advice}`, {});
  };
}

async function sweep(parts: GatewayParts, end: AbortSignal): Promise<void> {
  const { audit, clock, guesses, log, tokens } = parts;
  let trouble: string | undefined;
  while (!end.aborted) {
    refreshUsers(parts);
    guesses.sweep();
    audit.sweep();
    const before = trouble;
    trouble = await tokens.sweep().then(() => undefined, messageOf);
    if (trouble !== undefined && trouble !== before) {
      log("error", `${trouble}; logins are not kept over a restart`, {});
    }
    await clock.sleep(SWEEP_MS, end);
  }
}

/** Reads the users file again where it changed. An edit that cannot be used changes nothing. */
export function refreshUsers({ audit, log, users, visits }: GatewayParts): void {
  try {
    if (!users.refresh()) return;
    visits.check((username) => users.find(username)?.role === "admin");
    const detail = `${users.count} users`;
    log("info", `read the users file again: ${detail}`, {});
    audit.note({ what: "users.change", detail });
  } catch (cause) {
    const problem = messageOf(cause);
    log("error", `${problem}; who may log in stays as it was`, {});
    audit.note({ what: "users.change", detail: `not used: ${problem}` });
  }
}
