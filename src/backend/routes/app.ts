/** Every route of the backend, and what holds for all of them. */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { ServantError, toServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { refuseStrangers } from "../../wire/stranger.ts";
import { unknownRoute } from "../../wire/unknown-route.ts";
import type { Parts } from "../parts.ts";
import { failureAnswer } from "../status.ts";
import { beliefRoutes } from "./beliefs.ts";
import { cancelRoutes } from "./cancel.ts";
import { type Described, descriptionRoutes } from "./description.ts";
import { executeRoutes } from "./execute.ts";
import { historyRoutes } from "./history.ts";
import { missionRoutes } from "./missions.ts";
import { objectRoutes } from "./objects.ts";
import { planRoutes } from "./plan.ts";
import { BODY_MAX_BYTES } from "./request.ts";
import { runRoutes } from "./runs.ts";
import { servantRoutes } from "./servant.ts";
import { worldRoutes } from "./world.ts";

/** What an answer says when a restart would forget what it tells. */
const NOT_SAVED = '199 servant-agent "the state could not be saved"';

export interface RouteOptions extends Described {
  /** `BODY_MAX_BYTES` when absent. */
  readonly bodyMaxBytes?: number | undefined;
}

export function routes(parts: Parts, options: RouteOptions): Hono {
  const { bodyMaxBytes = BODY_MAX_BYTES } = options;
  const { keeper } = parts;
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: bodyMaxBytes,
      onError: (context) => {
        const reason = `Cannot read the body: it is longer than ${bodyMaxBytes} bytes`;
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
  descriptionRoutes(app, options);
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
  app.notFound((context) => answerUnknown(app, context));
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

function answerUnknown(app: Hono, context: Context): Response {
  const { method, path } = context.req;
  const { status, detail, allowed } = unknownRoute(app.routes, method, path);
  const headers = status === 405 ? { Allow: allowed.join(", ") } : {};
  return context.json({ detail, code: "route.unknown" }, status, headers);
}
