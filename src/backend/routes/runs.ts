/** What runs, and what has run: for clients that did not wait, or whose connection was lost. */
import type { Hono } from "hono";
import type { Parts } from "../parts.ts";
import { describeEvent, sequenceOf } from "../run-events.ts";

export function runRoutes(app: Hono, { runs }: Pick<Parts, "runs">): void {
  app.get("/runs", (context) => {
    const status = context.req.query("status");
    const all = runs.list().filter((run) => status === undefined || run.status === status);
    return context.json({ runs: all });
  });

  app.get("/runs/:id", (context) => context.json(runs.describe(context.req.param("id"))));

  // The same as the websocket at this address tells, for those who would rather ask.
  app.get("/runs/:id/events", (context) => {
    const id = context.req.param("id");
    const { status = null } = runs.describe(id);
    const after = sequenceOf(context.req.query("after"));
    const events = (runs.get(id)?.events(after) ?? []).map((event) => describeEvent(id, event));
    return context.json({ run_id: id, status, events });
  });
}
