/**
 * The embedded planning backend: owns the state, plans, hands out assignments. It is a function
 * from requests to responses, so that a server can listen for it and a process can do without.
 */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Domain } from "../core/domain.ts";
import { ServantError, toServantError } from "../core/errors.ts";
import type { Level } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { refuseStrangers } from "../wire/stranger.ts";
import { Executor } from "./executor.ts";
import { LogBook } from "./log-book.ts";
import { nearest } from "./nearest.ts";
import type { Parts } from "./parts.ts";
import { Plans } from "./plans.ts";
import type { Progress } from "./progress.ts";
import { cancelRoutes } from "./routes/cancel.ts";
import { planRoutes } from "./routes/plan.ts";
import { BODY_MAX_BYTES } from "./routes/request.ts";
import { servantRoutes } from "./routes/servant.ts";
import { worldRoutes } from "./routes/world.ts";
import { type Log, Servants } from "./servants.ts";
import type { Leases } from "./silence.ts";
import { loadSnapshot, Saver, type SnapshotPort } from "./snapshot.ts";
import { failureAnswer } from "./status.ts";
import { World } from "./world.ts";

export interface BackendOptions extends Leases {
  /** What the backend knows from the start; a servant can only ask for these. */
  readonly domains: readonly Domain[];
  readonly clock: Clock;
  /** Told of every line that the backend logs, beside its own `/logs`. */
  readonly log?: (level: Level, message: string, fields: JsonObject) => void;
  /** Told how executions go, for displays; what it throws is ignored. */
  readonly observe?: (progress: Progress) => void;
  /** Absent: nothing outlives the process. */
  readonly snapshot?: SnapshotPort;
}
export interface Backend {
  /** Answers one request; never rejects. The path is the direct-mode route. */
  fetch(request: Request): Promise<Response>;
  /** @throws {ServantError} `domain.conflict`, `domain.invalid` */
  addDomain(domain: Domain): void;
  /** Answers what is held, ends what runs, saves. */
  close(): Promise<void>;
}
/** @throws {ServantError} `domain.conflict`, `domain.invalid` */
export function createBackend(options: BackendOptions): Backend {
  const { clock, domains } = options;
  const logBook = new LogBook(clock);
  const log: Log = (level, message, fields) => {
    logBook.add(level, message, fields);
    options.log?.(level, message, fields);
  };
  const observe = (progress: Progress) => {
    try {
      options.observe?.(progress);
    } catch (cause) {
      log("debug", "a display failed", { reason: String(cause) }); // it reports, it never commands
    }
  };
  const servants = new Servants({ ...options, log });
  const world = new World(domains);
  const plans = new Plans(world, clock);
  const executor = new Executor({ world, servants, plans, log, observe });
  const parts: Parts = { world, servants, plans, executor, logBook, log };
  const saver = options.snapshot === undefined ? undefined : restore(options.snapshot, parts);
  const app = routes(parts, saver);
  return {
    fetch: async (request) => app.fetch(request),
    addDomain: (domain) => world.addDomain(domain),
    async close() {
      await executor.stop("the backend was stopping", { isTold: false });
      servants.close();
      await saver?.save();
    },
  };
}

function routes(parts: Parts, saver: Saver | undefined): Hono {
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: BODY_MAX_BYTES,
      onError: (context) => {
        const reason = `Cannot read the body: it is longer than ${BODY_MAX_BYTES} bytes`;
        return failed(context, new ServantError("request.too-large", reason));
      },
    }),
  );
  app.use(async (context, next) => {
    refuseStrangers(context.req.raw.headers);
    await next();
    // An answer must not promise what a restart would forget.
    if (context.req.method !== "GET") await saver?.save();
  });
  app.get("/health", (context) => context.json(health(parts)));
  worldRoutes(app, parts);
  planRoutes(app, parts);
  cancelRoutes(app, parts);
  servantRoutes(app, parts);
  app.notFound((context) => unknownRoute(app, context));
  app.onError((cause, context) => {
    const { status, body } = failureAnswer(cause);
    const request = `${context.req.method} ${context.req.path}`;
    const level = status >= 500 ? "error" : "info";
    parts.log(level, `${request} refused with ${status}: ${String(body.detail)}`, {});
    const { retryAfterMs } = toServantError(cause);
    if (retryAfterMs !== undefined) context.header("Retry-After", `${retryAfterMs / 1_000}`);
    return context.json(body, status);
  });
  return app;
}

function failed(context: Context, cause: ServantError): Response {
  const { status, body } = failureAnswer(cause);
  return context.json(body, status);
}

function health({ world, servants, executor }: Parts): JsonObject {
  const all = servants.list();
  return {
    status: "ok",
    domains: world.vocabulary.domains.map(({ name }) => name),
    servants: all.filter(({ isLost }) => !isLost).length,
    running: executor.running ?? null,
  };
}

function unknownRoute(app: Hono, context: Context): Response {
  const { method, path } = context.req;
  const known = app.routes.filter((route) => route.method !== "ALL");
  const methods = known.filter((route) => route.path === path).map((route) => route.method);
  if (methods.length > 0) {
    const detail = `Cannot ${method} ${path}: it takes ${methods.join(" or ")}`;
    return context.json({ detail, code: "route.unknown" }, 405, { Allow: methods.join(", ") });
  }
  const near = nearest(path, new Set(known.map((route) => route.path)));
  const hint = near === undefined ? "" : `; nearest is "${near}"`;
  const reason = `Cannot ${method} "${path.slice(0, 200)}": there is no such route${hint}`;
  return failed(context, new ServantError("route.unknown", reason));
}

/** Takes the saved state back and returns what saves it from now on. */
function restore(port: SnapshotPort, { world, servants, log }: Parts): Saver {
  const snapshot = loadSnapshot(port, log);
  if (snapshot !== undefined) {
    for (const reason of world.restore(snapshot)) log("warn", `not restored: ${reason}`, {});
    for (const { id, ...offer } of snapshot.servants) servants.register(offer, id);
  }
  const take = () => ({
    version: 1 as const,
    ...world.snapshot(),
    servants: servants.snapshot(),
  });
  return new Saver(port, take, log);
}
