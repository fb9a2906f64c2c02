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
import { Keeper } from "./keeper.ts";
import { Legwork } from "./legwork.ts";
import { LogBook } from "./log-book.ts";
import { memoryStore } from "./memory-store.ts";
import { type MissionFiles, Missions } from "./missions.ts";
import { nearest } from "./nearest.ts";
import type { Parts } from "./parts.ts";
import { Plans } from "./plans.ts";
import type { Progress } from "./progress.ts";
import { type Kept, readKept } from "./restore.ts";
import { beliefRoutes } from "./routes/beliefs.ts";
import { cancelRoutes } from "./routes/cancel.ts";
import { descriptionRoutes } from "./routes/description.ts";
import { executeRoutes } from "./routes/execute.ts";
import { historyRoutes } from "./routes/history.ts";
import { missionRoutes } from "./routes/missions.ts";
import { objectRoutes } from "./routes/objects.ts";
import { planRoutes } from "./routes/plan.ts";
import { BODY_MAX_BYTES } from "./routes/request.ts";
import { runRoutes } from "./routes/runs.ts";
import { servantRoutes } from "./routes/servant.ts";
import { worldRoutes } from "./routes/world.ts";
import { connect, type Telling } from "./run-events.ts";
import { Runs } from "./runs.ts";
import { type Log, Servants } from "./servants.ts";
import type { Leases } from "./silence.ts";
import { failureAnswer } from "./status.ts";
import type { BackendStore } from "./store.ts";
import { Traces } from "./traces.ts";
import { Track } from "./track.ts";
import { type StateChange, World } from "./world.ts";

/** What an answer says when a restart would forget what it tells. */
const NOT_SAVED = '199 servant-agent "the state could not be saved"';

export interface Note {
  readonly level: Level;
  readonly message: string;
}
export interface BackendOptions extends Leases {
  /** What the backend knows from the start; a servant can only ask for these. */
  readonly domains: readonly Domain[];
  readonly clock: Clock;
  /** Told of every line that the backend logs, beside its own `/logs`. */
  readonly log?: (level: Level, message: string, fields: JsonObject) => void;
  /** Told how executions go, for displays; what it throws is ignored. */
  readonly observe?: (progress: Progress) => void;
  /** Plans made in a row without progress, before a run gives up; `REPLANS_MAX` when absent. */
  readonly replansMax?: number | undefined;
  /** Transitions that some servant is going to provide: planned with as if it did. */
  readonly expected?: readonly string[] | undefined;
  /** The backend's from now on: it closes it. Absent: nothing outlives the process. */
  readonly store?: BackendStore;
  /** Missions beside those that clients save. */
  readonly missionFiles?: MissionFiles | undefined;
  /** Of the program, told by its description. */
  readonly version?: string;
  /** Logged first: what there is to say of how the store was opened. */
  readonly notes?: readonly Note[];
}
export interface Backend {
  /** What is answered, as Hono has it: `/objects/:name`. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  /** Answers one request; never rejects. The path is the direct-mode route. */
  fetch(request: Request): Promise<Response>;
  /**
   * What is told to a client that asks for a websocket: a function to be called once it is open, or
   * the answer when there is none to be had.
   */
  connect(request: Request): Response | Telling;
  /** @throws {ServantError} `domain.conflict`, `domain.invalid` */
  addDomain(domain: Domain): void;
  /** Answers what is held, ends what runs, saves. */
  close(): Promise<void>;
}
/** @throws {ServantError} `domain.conflict`, `domain.invalid` */
export function createBackend(options: BackendOptions): Backend {
  const parts = openParts(options);
  const { executor, keeper, servants, world } = parts;
  const app = routes(parts, options.version ?? "0.0.0");
  return {
    routes: app.routes.filter(({ method }) => method !== "ALL"),
    fetch: async (request) => app.fetch(request),
    connect: (request) => answeringRefusal(() => connect(parts, request)),
    addDomain: (domain) => world.addDomain(domain),
    async close() {
      await executor.stop("the backend was stopping", { isTold: false });
      servants.close();
      await keeper.close();
    },
  };
}

/** Everything that the routes are given, with what an earlier life kept. */
function openParts(options: BackendOptions): Parts {
  const { clock, domains, store = memoryStore() } = options;
  const keeper: Keeper = new Keeper({
    store,
    clock,
    onTrouble: (reason) => tellTrouble(log, reason),
  });
  const logBook = new LogBook(clock, keeper, store.lines("log"));
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
  for (const { level, message } of options.notes ?? []) log(level, message, {});
  const traces = new Traces(clock, keeper, store.lines("trace"));
  const track = new Track(clock, keeper, store.lines("track"));
  const onStateChange = (change: StateChange) => {
    traceState(traces, change);
    track.note(change.added, (name) => world.object(name));
  };
  const missions = new Missions({
    keep: keeper,
    kept: store.documents("mission"),
    files: options.missionFiles,
  });
  const world: World = new World(domains, { clock, keep: keeper, onStateChange });
  const servants = new Servants({ ...options, log, keep: keeper });
  const legwork = new Legwork(keeper, store.documents("script"));
  const runs = new Runs({ clock, keep: keeper, kept: store.documents("run") });
  const plans = new Plans({ world, servants, clock, traces, expected: options.expected });
  const base = { world, servants, plans, runs, legwork, traces, log };
  const { replansMax } = options;
  const executor = new Executor({ ...base, observe, now: () => clock.now(), replansMax });
  const parts: Parts = { ...base, executor, logBook, track, missions, keeper };
  restore(parts, readKept(store));
  const { interrupted } = runs;
  if (interrupted.length > 0) {
    log("warn", `interrupted by a restart: run ${interrupted.join(", ")}`, {});
  }
  const names = domains.map(({ name }) => name);
  traces.add("session_start", `a backend for ${names.join(", ")}`, { domains: names, interrupted });
  return parts;
}

function restore({ log, servants, world }: Parts, kept: Kept): void {
  for (const reason of [...kept.unreadable, ...world.restore(kept)]) {
    log("warn", `not restored: ${reason}`, {});
  }
  for (const { id, ...offer } of kept.servants) servants.register(offer, id);
}

function tellTrouble(log: Log, reason: string | undefined): void {
  if (reason === undefined) log("info", "the state is saved again", {});
  else log("error", `the state is not saved: ${reason}`, {});
}

function traceState(traces: Traces, { added, removed }: StateChange): void {
  const signed = [...added.map((text) => `+${text}`), ...removed.map((text) => `-${text}`)];
  const shown = signed.slice(0, 10).join(" ");
  const more = signed.length > 10 ? ` and ${signed.length - 10} more` : "";
  traces.add("state_change", `${shown}${more}`, { added: [...added], removed: [...removed] });
}

function routes(parts: Parts, version: string): Hono {
  const { keeper } = parts;
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
    if (context.req.method === "GET") return;
    // An answer must not promise what a restart would forget.
    await keeper.saved();
    if (keeper.trouble !== undefined) context.header("Warning", NOT_SAVED);
  });
  app.get("/health", (context) => context.json(health(parts)));
  descriptionRoutes(app, version);
  worldRoutes(app, parts);
  objectRoutes(app, parts);
  beliefRoutes(app, parts);
  missionRoutes(app, parts);
  historyRoutes(app, parts);
  planRoutes(app, parts);
  executeRoutes(app, parts);
  runRoutes(app, parts);
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

function answeringRefusal<T>(ask: () => T): T | Response {
  try {
    return ask();
  } catch (cause) {
    const { status, body } = failureAnswer(cause);
    return Response.json(body, { status });
  }
}

function failed(context: Context, cause: ServantError): Response {
  const { status, body } = failureAnswer(cause);
  return context.json(body, status);
}

function health({ world, servants, executor, keeper }: Parts): JsonObject {
  const all = servants.list();
  return {
    status: "ok",
    domains: world.vocabulary.domains.map(({ name }) => name),
    servants: all.filter(({ isLost }) => !isLost).length,
    running: executor.running ?? null,
    not_saved: keeper.trouble ?? null,
  };
}

function unknownRoute(app: Hono, context: Context): Response {
  const { method, path } = context.req;
  const known = app.routes.filter((route) => route.method !== "ALL");
  const isMeant = (route: string) => new RegExp(`^${route.replace(/:\w+/g, "[^/]+")}$`).test(path);
  const methods = known.filter((route) => isMeant(route.path)).map((route) => route.method);
  if (methods.length > 0) {
    const detail = `Cannot ${method} ${path.slice(0, 200)}: it takes ${methods.join(" or ")}`;
    return context.json({ detail, code: "route.unknown" }, 405, { Allow: methods.join(", ") });
  }
  const near = nearest(path, new Set(known.map((route) => route.path)));
  const hint = near === undefined ? "" : `; nearest is "${near}"`;
  const reason = `Cannot ${method} "${path.slice(0, 200)}": there is no such route${hint}`;
  return failed(context, new ServantError("route.unknown", reason));
}
