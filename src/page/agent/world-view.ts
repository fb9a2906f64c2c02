/** The backend inside this agent: its plan, its world, its map. Hidden when none lives here. */
import type { World } from "../../wire/local.ts";
import { byId } from "../parts/dom.ts";
import { mapPanel } from "../parts/map-panel.ts";
import type { Feature } from "../parts/map-shapes.ts";
import { runPanel } from "../parts/run-panel.ts";
import { keepOutsIn, scenePanel } from "../parts/world-panel.ts";
import type { Model } from "./model.ts";

/** There is but one servant here. */
const providerOf = () => undefined;

export function worldView(model: Model): void {
  const section = byId("world");
  const run = runPanel(byId("plan"), section);
  const map = mapPanel(byId("map"));
  const scene = scenePanel({
    goal: byId("goal"),
    stateTitle: byId("state-title"),
    state: byId("state"),
  });
  let drawn: World | undefined;
  model.onDraw(({ world }) => {
    if (world === drawn) return;
    drawn = world;
    section.hidden = world === undefined;
    if (world === undefined) return;
    run(world.run ?? undefined, providerOf);
    scene(world);
    map({ features: world.map as readonly Feature[], keepOuts: keepOutsIn(world.state) });
  });
}
