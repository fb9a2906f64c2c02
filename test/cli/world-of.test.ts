/** What the local door tells of the backend in its own process. */
import { expect, test } from "bun:test";
import { worldOf } from "../../src/cli/world-of.ts";
import { sentry } from "../../src/domains/sentry.ts";
import { World } from "../../src/wire/local.ts";
import { harness } from "../backend/harness.ts";
import { serve } from "../backend/playing.ts";

test("worldOf() tells goal, state, the last run with its reasons, and the map", async () => {
  await using http = harness({ domains: [sentry] });
  expect(await worldOf(http.backend)).toEqual({
    goal: [],
    run: null,
    state: [],
    atoms: 0,
    map: [],
  });
  for (const [name, longitude] of [
    ["here", 0],
    ["there", 30],
  ] as const) {
    const place = { latitude: 0, longitude, coordinate_frame: "local_enu" };
    await http.post("/objects", { type: "coordinate", name, ...place });
  }
  await http.post("/start", { start: ["at(here)"] });
  await http.post("/goal", { goal: ["at(there)"] });
  await using _vehicle = serve(http, await http.register(["goto"]), () => ({}));
  await http.post("/execute");
  const world = await worldOf(http.backend);
  expect(World.parse(world)).toEqual(world);
  expect(world).toMatchObject({
    goal: ["at(there)"],
    run: {
      status: "succeeded",
      plan: { steps: [{ action_name: "goto", serves: [{ atom: "at(there)", to: null }] }] },
      results: [{ action_name: "goto", success: true }],
    },
  });
  expect(world.state).toContain("at(there)");
  const kinds = world.map.map((each) => (each as { properties: { kind: string } }).properties.kind);
  expect(kinds).toEqual(["object", "object", "track", "planned"]);
});
