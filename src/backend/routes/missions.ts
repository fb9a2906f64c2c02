/** Saved missions: made from the goal or posted, loaded, changed block by block, deleted. */
import type { Hono } from "hono";
import { ServantError } from "../../core/errors.ts";
import { BlocksRequest } from "../../wire/blocks.ts";
import { ForkRequest, MissionPatch } from "../../wire/direct.ts";
import { describeMission, type Edit } from "../missions.ts";
import type { Parts } from "../parts.ts";
import { bodyOf } from "./request.ts";

export function missionRoutes(app: Hono, { log, missions, traces, world }: Parts): void {
  app.get("/missions", (context) =>
    context.json({
      missions: missions.names().map((name) => ({ name, saved: missions.isSaved(name) })),
    }),
  );

  // `?unsafe=true` would let a host run code; here a mission is data, and nothing is run to read it.
  app.post("/missions/:name/load", (context) => {
    const mission = missions.get(context.req.param("name"));
    const { name, blocks } = mission;
    traces.add("mission_load", `mission ${name}: ${blocks.length} blocks`, { name, blocks });
    log("info", `mission ${name} loaded`, {});
    return context.json({ mission: describeMission(mission) });
  });

  app.put("/missions/:name", async (context) => {
    const { blocks } = await bodyOf(context, BlocksRequest);
    const mission = missions.save(context.req.param("name"), blocks);
    log("info", `mission ${mission.name} saved`, {});
    return context.json({ mission: describeMission(mission) });
  });

  app.patch("/missions/:name/blocks", async (context) => {
    const edit: Edit = await bodyOf(context, MissionPatch);
    const mission = missions.edit(context.req.param("name"), edit);
    log("info", `mission ${mission.name} changed: ${edit.op} ${edit.index}`, {});
    return context.json({ mission: describeMission(mission) });
  });

  app.delete("/missions/:name", (context) => {
    const name = context.req.param("name");
    missions.remove(name);
    log("info", `mission ${name} deleted`, {});
    return context.body(null, 204);
  });

  app.post("/fork", async (context) => {
    const { name } = await bodyOf(context, ForkRequest);
    if (world.goal.length === 0) {
      throw new ServantError("plan.none", `Cannot save mission "${name}": there is no goal`);
    }
    const mission = missions.save(name, [{ type: "plan", goal: world.goal }]);
    log("info", `mission ${name} saved from the goal`, {});
    return context.json({
      status: "ok",
      mission: describeMission(mission),
      path: `/missions/${encodeURIComponent(name)}`,
    });
  });
}
