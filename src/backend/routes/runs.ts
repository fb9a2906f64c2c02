/** What runs, and what has run: for clients that did not wait, or whose connection was lost. */
import type { Hono } from "hono";
import { ServantError } from "../../core/errors.ts";
import { RunQuery } from "../../wire/direct.ts";
import { courseMap } from "../course-map.ts";
import type { Parts } from "../parts.ts";
import { describeEvent, sequenceOf } from "../run-events.ts";
import { shortened } from "../shortened.ts";
import { queryOf } from "./request.ts";

/** What `limit` and `last` may say. */
const COUNT_MAX = 10_000;

/** What is known of the ways of a run of an earlier life. */
const NOTHING = { plan: undefined, outcomes: [] };

export function runRoutes(app: Hono, { runs, world }: Pick<Parts, "runs" | "world">): void {
  app.get("/runs", (context) => {
    const { status, limit } = queryOf(context, RunQuery);
    const all = runs.list().filter((run) => status === undefined || run.status === status);
    return context.json({
      runs: limit === undefined ? all : all.slice(0, countOf("limit", limit)),
    });
  });

  app.get("/runs/:id", (context) => {
    const record = runs.describe(context.req.param("id"));
    const last = context.req.query("last");
    return context.json(last === undefined ? record : shortened(record, countOf("last", last)));
  });

  app.get("/runs/:id/geojson", (context) => {
    const { plan, outcomes } = runs.get(context.req.param("id")) ?? NOTHING;
    return context.json(courseMap({ plan, outcomes }, (name) => world.object(name)));
  });

  // The same as the websocket at this address tells, for those who would rather ask.
  app.get("/runs/:id/events", (context) => {
    const id = context.req.param("id");
    const { status = null } = runs.describe(id);
    const after = sequenceOf(context.req.query("after"));
    const events = (runs.get(id)?.events(after) ?? []).map((event) => describeEvent(id, event));
    return context.json({ run_id: id, status, events });
  });
}

function countOf(name: string, text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= COUNT_MAX) return count;
  const shown = `${name}=${text.slice(0, 100)}`;
  throw new ServantError("request.malformed", `Cannot use ${shown}: say 1 to ${COUNT_MAX}`);
}
