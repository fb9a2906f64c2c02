/** What happened: traces for programs, the map with the track. */
import type { Hono } from "hono";
import { asGeoJson } from "../geojson.ts";
import type { Parts } from "../parts.ts";

export function historyRoutes(app: Hono, { traces, track, world }: Parts): void {
  app.get("/traces", (context) =>
    context.json({ traces: traces.all.map((each) => ({ ...each })) }),
  );

  app.get("/as_geojson", (context) => {
    const find = (name: string) => world.object(name);
    return context.json(asGeoJson(world.objects(), find, track.positions));
  });
}
