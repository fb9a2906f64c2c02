/** The page of a backend: the run with its reasons, the map, the world. One model, drawn after each round of asking. */
import { session } from "../parts/backend-place.ts";
import { byId, h } from "../parts/dom.ts";
import { focusIn, keyboard } from "../parts/keys.ts";
import { mapPanel } from "../parts/map-panel.ts";
import { runPanel } from "../parts/run-panel.ts";
import { shortId } from "../parts/words.ts";
import { keepOutsIn, objectPanel, scenePanel } from "../parts/world-panel.ts";
import { Live } from "./live.ts";
import { emptyModel, type Model } from "./model.ts";
import { runChooser } from "./run-chooser.ts";
import { servantsView, topView } from "./views.ts";

const model = emptyModel();
const live = new Live(model, () => draw());
const top = topView(() => live.news());
const servants = servantsView();
const choose = runChooser(() => live.news());
const run = runPanel(byId("plan"));
const map = mapPanel(byId("map"));
const objects = objectPanel(byId("objects-title"), byId("objects"));
const scene = scenePanel({
  goal: byId("goal"),
  stateTitle: byId("state-title"),
  state: byId("state"),
});
/** What the map was drawn from. */
let mapped: Model["features"] | undefined;
let keptOut = "";

function draw(): void {
  top(model);
  servants(model);
  const providers = new Map(model.actions.map(({ name, provider }) => [name, provider]));
  run(model.run, (transition) => providers.get(transition) ?? undefined);
  choose(model);
  scene(model.scene);
  objects(model.objects);
  const keepOuts = keepOutsIn(model.scene.state);
  if (model.features === mapped && [...keepOuts].join() === keptOut) return;
  mapped = model.features;
  keptOut = [...keepOuts].join();
  map({ features: model.features, keepOuts });
}

if (session !== undefined) {
  const name = h("dd", { title: session }, shortId(session));
  byId("facts").prepend(h("div", {}, h("dt", {}, "session"), name));
  byId("commands").append(h("a", { class: "button", href: "/" }, "All sessions"));
}
keyboard(
  [
    { key: "p", does: "to the plan, or the next step of it", act: () => focusIn("plan") },
    { key: "m", does: "to the map", act: focusMap },
    { key: "c", does: "cancel the run; it asks before", act: cancel },
  ],
  [
    ["↑ ↓ ← →", "in the map: move it"],
    ["+ - 0", "in the map: nearer, farther, all of it"],
    ["Enter", "on a step: why it was chosen, and its legs"],
    ["Esc", "leaves a question"],
  ],
);
live.news();

function cancel(): void {
  const button = byId("cancel");
  if (!button.hidden) button.click();
}

function focusMap(): void {
  byId("map").querySelector<HTMLElement>(".map-field")?.focus();
}
