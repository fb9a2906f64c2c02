/** Every route of the gateway but `/s/{id}/*`, and what holds for all of them. */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod/mini";
import { ServantError } from "../core/errors.ts";
import type { Person, Session } from "../core/gateway.ts";
import { CreateSession, ExtendSession, LOGIN_MAX_BYTES, LoginRequest } from "../wire/gateway.ts";
import { refuseStrangers } from "../wire/stranger.ts";
import { type GatewayParts, holderOf, theirs } from "./door.ts";
import { logIn } from "./login.ts";
import { recordOf } from "./session-record.ts";
import { failureAnswer } from "./status.ts";

/** The longest body of a request about sessions, in bytes. */
const BODY_MAX_BYTES = 64 * 1024;

export type GatewayApp = Hono<{
  /** The address that the request comes from. */
  Bindings: { from: string };
  Variables: { person: Person };
}>;

export function routes(parts: GatewayParts): GatewayApp {
  const app: GatewayApp = new Hono();
  app.use(async (context, next) => {
    refuseStrangers(context.req.raw.headers);
    await next();
  });
  app.get("/health", (context) => context.json({ status: "ok", mode: "sessions" }));
  authRoutes(app, parts);
  sessionRoutes(app, parts);
  app.notFound((context) => {
    const { method, path } = context.req;
    const problem = `Cannot ${method} "${path.slice(0, 200)}": there is no such route`;
    return failed(context, new ServantError("route.unknown", problem));
  });
  app.onError((cause, context) => failed(context, cause));
  return app;
}

function authRoutes(app: GatewayApp, parts: GatewayParts): void {
  app.post("/auth/login", limited(LOGIN_MAX_BYTES), async (context) => {
    const user = await logIn(parts, await bodyOf(context, LoginRequest));
    const token = await parts.tokens.issue(user);
    return context.json({ token, username: user.username, role: user.role });
  });
  app.post("/auth/logout", limited(BODY_MAX_BYTES), async (context) => {
    holderOf(parts.tokens, context.req.raw.headers).release();
    const [, token = ""] = (context.req.header("authorization") ?? "").split(/ +/);
    await parts.tokens.revoke(token);
    return context.json({ status: "ok" });
  });
}

function sessionRoutes(app: GatewayApp, parts: GatewayParts): void {
  const { clock, sessions } = parts;
  const told = (session: Session) => recordOf(session, clock.now());
  const own = (context: Context, person: Person) =>
    theirs(sessions, { person }, context.req.param("id") ?? "").id;
  app.use("/sessions/*", limited(BODY_MAX_BYTES), async (context, next) => {
    const held = holderOf(parts.tokens, context.req.raw.headers);
    context.set("person", held.person);
    try {
      await next();
    } finally {
      held.release();
    }
  });
  app.post("/sessions", async (context) => {
    const asked = await bodyOf(context, CreateSession);
    return context.json(told(await sessions.create(context.var.person.username, asked)));
  });
  app.get("/sessions", (context) => {
    const { username, role } = context.var.person;
    const isAll = /^(true|1)$/i.test(context.req.query("all_") ?? "");
    if (isAll && role !== "admin") {
      throw new ServantError("session.not-allowed", "Cannot list everybody's sessions");
    }
    return context.json({ sessions: sessions.list(isAll ? undefined : username).map(told) });
  });
  app.get("/sessions/:id", (context) =>
    context.json(told(theirs(sessions, context.var, context.req.param("id")))),
  );
  app.delete("/sessions/:id", async (context) => {
    await sessions.stop(own(context, context.var.person));
    return context.body(null, 204);
  });
  app.post("/sessions/:id/extend", async (context) => {
    const id = own(context, context.var.person);
    const { timeout_s } = await bodyOf(context, ExtendSession);
    return context.json(told(await sessions.extend(id, timeout_s)));
  });
  app.post("/sessions/:id/reset", async (context) =>
    context.json(told(await sessions.reset(own(context, context.var.person)))),
  );
  app.get("/sessions/:id/logs", async (context) => {
    const logs = await sessions.logs(own(context, context.var.person));
    return new Response(logs, { headers: { "Content-Type": "text/plain; charset=utf-8" } });
  });
}

function limited(maxSize: number) {
  return bodyLimit({
    maxSize,
    onError: (context) => {
      const reason = `Cannot read the body: it is longer than ${maxSize} bytes`;
      return failed(context, new ServantError("request.too-large", reason));
    },
  });
}

/** @throws {ServantError} `request.malformed`, naming the members that are wrong */
async function bodyOf<T>(context: Context, schema: z.ZodMiniType<T>): Promise<T> {
  const text = await context.req.text();
  const subject = `the body of ${context.req.method} ${context.req.path}`;
  let value: unknown;
  try {
    value = text.trim() === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw new ServantError("request.malformed", `Cannot read ${subject}: not JSON`, { cause });
  }
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error).replaceAll("\n", " ").slice(0, 500);
  throw new ServantError("request.malformed", `Cannot use ${subject}: ${reason}`);
}

function failed(context: Context, cause: unknown): Response {
  const { status, body, headers } = failureAnswer(cause);
  return context.json(body, status, headers);
}
