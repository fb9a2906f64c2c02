/** What each route of the table does: it asks the port and answers; it decides nothing. */
import type { AuditId } from "../core/assignment.ts";
import { ServantError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { apiPage } from "../wire/api-page.ts";
import type { AssignmentQuery, Opening, Reason } from "../wire/local.ts";
import { METRICS_TYPE } from "../wire/prometheus.ts";
import { tooMany } from "./answers.ts";
import { api, type RouteName } from "./api.ts";
import type { Auth } from "./auth.ts";
import { Refusal, subscriptionOf } from "./client-frame.ts";
import type { Door } from "./door.ts";
import { entranceAnswer } from "./entrance.ts";
import type { Feed } from "./feed.ts";
import type { Address, Caller } from "./guard.ts";
import { LOG_READERS_MAX } from "./limits.ts";
import { logAnswer } from "./log-answer.ts";
import { type DoorCounts, metricsText } from "./metrics.ts";
import { localOpenApi } from "./openapi.ts";
import { iso } from "./report.ts";
import { startOf } from "./start-of.ts";
import type { LogStream, Visitor } from "./stream.ts";
import type { Tally } from "./tally.ts";

/** `Bun.serve`'s, with the stream's sockets. */
export type Server = Bun.Server<Visitor>;

export interface RouteParts {
  readonly door: Door;
  readonly tally: Tally;
  readonly auth: Auth;
  readonly address: Address;
  readonly counts: () => DoorCounts;
  readonly feed: Feed;
  readonly stream: Pick<LogStream, "upgrade" | "readers" | "dropped">;
  readonly clock: Clock;
  readonly page: (status: number) => Response | Promise<Response>;
  readonly version: string;
}

/** A request that may be answered, read as its row of the table says. */
export interface Ask {
  readonly request: Request;
  readonly server: Server;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
}

/** Undefined: it is a websocket now, and needs no answer. */
type Answered = Response | undefined;
type Handle = (ask: Ask) => Answered | Promise<Answered>;

const DONE = { status: "ok" };

export function handlers(parts: RouteParts): Readonly<Record<RouteName, Handle>> {
  const { door } = parts;
  return {
    ...people(parts),
    ...log(parts),
    health: () => Response.json(DONE),
    ready: () => {
      const readiness = door.readiness();
      return Response.json(readiness, { status: readiness.ready ? 200 : 503 });
    },
    metrics: async () => {
      const text = metricsText(parts.tally, await door.status(), parts.counts());
      return new Response(text, { headers: { "Content-Type": METRICS_TYPE } });
    },
    status: async () => Response.json(await door.status()),
    assignments: async ({ query }) =>
      Response.json(await door.assignments(query as AssignmentQuery)),
    assignment: async ({ params }) => {
      const { auditId = "" } = params;
      const story = await door.assignment(auditId as AuditId);
      if (story !== undefined) return Response.json(story);
      const problem = `Cannot show assignment "${auditId.slice(0, 200)}": it never came`;
      throw new ServantError("assignment.absent", problem);
    },
    cancel: async ({ params: { auditId = "" }, body }) => {
      await door.cancel(auditId as AuditId, (body as Reason).reason);
      return Response.json(DONE);
    },
    pause: async ({ body }) => {
      await door.pause((body as Reason).reason);
      return Response.json(DONE);
    },
    resume: async () => {
      await door.resume();
      return Response.json(DONE);
    },
    drain: () => {
      door.drain();
      return Response.json(DONE);
    },
    world: async () => {
      const world = await door.world();
      return world === undefined ? new Response(null, { status: 204 }) : Response.json(world);
    },
    openapi: () => Response.json(localOpenApi(api, parts.version)),
    viewer: () => apiPage("/v1/openapi.json", localOpenApi(api, parts.version)),
  };
}

function log({ clock, feed, stream }: RouteParts): Record<"logs" | "stream", Handle> {
  let readers = 0;
  return {
    stream: ({ request, server }) => stream.upgrade(request, server),
    logs: ({ request, server }) => {
      if (readers >= LOG_READERS_MAX) throw tooMany("readers of the log");
      const asked = askedOf(request, feed, clock);
      const isFollowing = (request.headers.get("accept") ?? "").includes("text/event-stream");
      server.timeout(request, 0); // a reader may be slow, and a log silent
      readers += 1;
      const onEnd = () => {
        readers -= 1;
      };
      return logAnswer(feed, clock, { ...asked, isFollowing, onEnd });
    },
  };
}

/** @throws {ServantError} `request.malformed` */
function askedOf(request: Request, feed: Feed, clock: Clock) {
  const query = new URL(request.url).searchParams;
  const lastId = request.headers.get("last-event-id");
  if (lastId !== null) query.set("since", lastId);
  try {
    const { since, ...filter } = subscriptionOf(query) ?? {};
    return { filter, from: startOf(since ?? 0, feed, clock), isAll: since === undefined };
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    throw new ServantError("request.malformed", `Cannot read the log: ${cause.message}`);
  }
}

/** What a browser comes in by, and what it finds. */
function people({ auth, address, page }: RouteParts): Record<"page" | "enter" | "open", Handle> {
  return {
    // A stranger is told by it how to get in.
    page: ({ caller }) => page(caller === "nobody" ? 401 : 200),
    open: ({ request, caller }) => {
      // A browser that is in must not hand out further ways in.
      if (caller !== "token") throw new ServantError("local.unauthorized", "Cannot make a link");
      const { code, endsAtMs } = auth.newCode();
      const at = new URL(request.url);
      const base = address.scheme === "unix" ? "" : `${address.scheme}://${at.host}`;
      const opening: Opening = { url: `${base}/open?code=${code}`, expiresAt: iso(endsAtMs) };
      return Response.json(opening);
    },
    enter: async ({ request, query }) => {
      // Whatever looks at a link before a person follows it must not use it up.
      if (request.method === "HEAD") return new Response();
      const session = await auth.redeem((query as { code: string }).code);
      if (session === undefined) {
        const problem = "Cannot let you in: the link was used, or is older than 60 s";
        throw new ServantError("local.unauthorized", problem);
      }
      return entranceAnswer(session, auth.pageKey(session), address);
    },
  };
}
