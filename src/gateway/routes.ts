/** Every route of the gateway but `/s/{id}/*`, and what holds for all of them. */
import { type Context, Hono } from "hono";
import { ServantError, toServantError } from "../core/errors.ts";
import type { Person } from "../core/gateway.ts";
import { isLoopback } from "../wire/connection.ts";
import { LOGIN_MAX_BYTES, LoginRequest } from "../wire/gateway.ts";
import { METRICS_TYPE } from "../wire/prometheus.ts";
import { unknownRoute } from "../wire/unknown-route.ts";
import { bodyOf } from "./body.ts";
import { type GatewayParts, refreshUsers } from "./door.ts";
import { holderOf, tokenOf } from "./guard.ts";
import { refusal } from "./refusal.ts";
import { sessionRoutes } from "./session-routes.ts";
import { failureResponse } from "./status.ts";
import type { LoginOutcome } from "./tally.ts";

/** What says that a request was passed on by somebody. */
const FORWARDED = ["forwarded", "via", "x-forwarded-for", "x-real-ip"] as const;

/** Below these nothing but a gateway's own is meant; anything else may be meant for a backend. */
const OWN = /^\/(?:auth|sessions|admin)(?:\/|$)/;

export type GatewayApp = Hono<GatewayEnv>;
export interface GatewayEnv {
  /** The client's address, and the address of whoever asked for it. */
  Bindings: { readonly from: string; readonly peer: string };
  Variables: {
    /** Who asks, where a token is needed. */
    person: Person;
    /** The name that is tried, where somebody has it. */
    tried: string;
  };
}
export type GatewayContext = Context<GatewayEnv>;

export function routes(parts: GatewayParts): GatewayApp {
  const app: GatewayApp = new Hono();
  app.use(async (context, next) => {
    await next();
    // What a token opens is for whoever showed it.
    context.header("Cache-Control", "no-store");
    context.header("X-Content-Type-Options", "nosniff");
    if (context.error === undefined) parts.tally.answered(context.res.status);
  });
  app.get("/health", (context) => context.json({ status: "ok", mode: "sessions" }));
  descriptionRoutes(app, parts);
  authRoutes(app, parts);
  app.use("/sessions/*", withPerson(parts));
  app.use("/admin/*", withPerson(parts));
  pageRoutes(app, parts);
  sessionRoutes(app, parts);
  app.notFound((context) => answerUnknown(app, parts, context));
  app.onError((cause, context) => {
    const { from } = context.env;
    return refusal(parts, cause, { from, request: context.req.raw, who: context.var.tried });
  });
  return app;
}

/** Made when they are first asked for. */
function descriptionRoutes(app: GatewayApp, parts: GatewayParts): void {
  const description = async () => (await import("./api.ts")).gatewayOpenApi(parts.version);
  app.get("/openapi.json", async () => Response.json(await description()));
  app.get("/docs", async () => {
    const { apiPage } = await import("../wire/api-page.ts");
    return apiPage("/openapi.json", await description());
  });
  app.get("/metrics", async (context) => {
    refuseMetrics(parts, context);
    const { sessions, tally, tokens, users, version } = parts;
    const present = { version, users: users.count, tokens: tokens.count };
    const text = tally.text({ ...present, sessions: await sessions.uses() });
    return new Response(text, { headers: { "Content-Type": METRICS_TYPE } });
  });
}

/** The pages know nothing by themselves, and are the same for everybody: they need no token. */
function pageRoutes(app: GatewayApp, { page }: GatewayParts): void {
  app.get("/", () => page("gateway"));
  app.get("/page/:id", () => page("backend"));
}

/** From this machine, unless a proxy of it asks for somebody else; or for an admin. */
function refuseMetrics({ tokens }: GatewayParts, { env, req }: GatewayContext): void {
  const isForwarded = FORWARDED.some((name) => req.raw.headers.has(name));
  if (isLoopback(env.peer) && !isForwarded) return;
  const held = holderOf(tokens, req.raw.headers);
  held.release();
  if (held.person.role === "admin") return;
  throw new ServantError("session.not-allowed", "Cannot show the metrics: you are no admin");
}

function authRoutes(app: GatewayApp, parts: GatewayParts): void {
  const { audit, logins, tally, tokens, users } = parts;
  app.post("/auth/login", async (context) => {
    const { from } = context.env;
    try {
      const asked = await bodyOf(context, LoginRequest, LOGIN_MAX_BYTES);
      refreshUsers(parts); // who was just entered may come in, and who was taken out may not
      if (users.find(asked.username) !== undefined) context.set("tried", asked.username);
      const user = await logins.logIn(asked, from, context.req.raw.signal);
      const { username, role } = user;
      const token = await tokens.issue(user);
      tally.login("ok");
      audit.did({ what: "login", who: username, from });
      return context.json({ token, username, role });
    } catch (cause) {
      tally.login(outcomeOf(cause));
      throw cause;
    }
  });
  app.post("/auth/logout", withPerson(parts), async (context) => {
    await tokens.revoke(tokenOf(context.req.raw.headers) ?? "");
    audit.did({ what: "logout", who: context.var.person.username, from: context.env.from });
    return context.json({ status: "ok" });
  });
}

function outcomeOf(cause: unknown): LoginOutcome {
  const { code } = toServantError(cause);
  if (code === "login.wrong") return "wrong";
  return code === "login.too-many" ? "limited" : "malformed";
}

/** Lets nobody pass who shows no good token. */
function withPerson({ tokens }: GatewayParts) {
  return async (context: GatewayContext, next: () => Promise<void>) => {
    if (context.req.method === "OPTIONS") return await next();
    const held = holderOf(tokens, context.req.raw.headers);
    context.set("person", held.person);
    try {
      await next();
    } finally {
      held.release();
    }
  };
}

function answerUnknown(
  app: GatewayApp,
  { tokens }: GatewayParts,
  context: GatewayContext,
): Response {
  const { method, path } = context.req;
  const { status, detail: plain, allowed } = unknownRoute(app.routes, method, path);
  const isForBackend = status === 404 && !OWN.test(path);
  const detail = isForBackend ? elsewhere(method, path) : plain;
  if (isForBackend && tokens.whose(tokenOf(context.req.raw.headers) ?? "") === undefined) {
    // Servants take a 404 for a session that has ended, and say so. Nobody was kept from anything that there
    // is, so the audit log has no line of it.
    return failureResponse(new ServantError("login.needed", detail));
  }
  const all = [...allowed, ...(allowed.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
  const headers = { Allow: all.join(", ") };
  if (method === "OPTIONS" && status === 405) return context.body(null, 204, headers);
  return context.json({ detail, code: "route.unknown" }, status, status === 405 ? headers : {});
}

/** People ask a gateway as they would ask a backend: by its bare address. */
function elsewhere(method: string, path: string): string {
  const problem = `Cannot ${method} "${path.slice(0, 200)}": this is a session gateway`;
  return `${problem}, and a backend is under "/s/SESSION_ID" of whoever has logged in`;
}
