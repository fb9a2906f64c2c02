/** `/sessions` and what stands under it: people's own sessions, and everybody's for an admin. */
import { ServantError } from "../core/errors.ts";
import type { Person, Session } from "../core/gateway.ts";
import { CreateSession, ExtendSession } from "../wire/gateway.ts";
import type { Deed } from "./audit.ts";
import { bodyOf } from "./body.ts";
import type { GatewayParts } from "./door.ts";
import { theirs } from "./guard.ts";
import type { GatewayApp, GatewayContext } from "./routes.ts";
import { recordOf } from "./session-record.ts";

export function sessionRoutes(app: GatewayApp, parts: GatewayParts): void {
  const { audit, sessions } = parts;
  const own = (context: GatewayContext) =>
    theirs(sessions, context.var.person, context.req.param("id") ?? "");
  const note = ({ env, var: { person } }: GatewayContext, what: Deed, session: Session) =>
    audit.did({
      what,
      who: person.username,
      from: env.from,
      session: session.id,
      owner: session.owner,
    });

  app.post("/sessions", async (context) => {
    const asked = await bodyOf(context, CreateSession);
    const session = await sessions.create(context.var.person.username, asked);
    note(context, "session.create", session);
    return context.json(recordOf(session));
  });
  app.get("/sessions", (context) => {
    const { username } = context.var.person;
    const isAll = /^(?:true|1)$/i.test(context.req.query("all_") ?? "");
    if (isAll) refuseUser(context.var.person, "list everybody's sessions");
    return context.json({ sessions: sessions.list(isAll ? undefined : username).map(recordOf) });
  });
  app.get("/admin/sessions", async (context) => {
    refuseUser(context.var.person, "show what sessions use");
    return context.json({ sessions: await sessions.uses() });
  });
  app.get("/sessions/:id", (context) => context.json(recordOf(own(context))));
  app.delete("/sessions/:id", async (context) => {
    const session = own(context);
    await sessions.stop(session.id);
    note(context, "session.stop", session);
    return context.body(null, 204);
  });
  app.post("/sessions/:id/extend", async (context) => {
    const { id } = own(context);
    const { timeout_s } = await bodyOf(context, ExtendSession);
    const session = await sessions.extend(id, timeout_s);
    note(context, "session.extend", session);
    return context.json(recordOf(session));
  });
  app.post("/sessions/:id/reset", async (context) => {
    const session = await sessions.reset(own(context).id);
    note(context, "session.reset", session);
    return context.json(recordOf(session));
  });
  app.get("/sessions/:id/logs", async (context) => {
    const logs = await sessions.logs(own(context).id);
    return new Response(logs, { headers: { "Content-Type": "text/plain; charset=utf-8" } });
  });
}

/** @throws {ServantError} `session.not-allowed` */
function refuseUser({ role }: Person, act: string): void {
  if (role === "admin") return;
  throw new ServantError("session.not-allowed", `Cannot ${act}: you are no admin`);
}
