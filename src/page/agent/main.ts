/** The page an operator looks at: one model, kept up to date by `Live`, drawn by the views. */
import { focusIn, keyboard } from "../parts/keys.ts";
import { countersView } from "./counters-view.ts";
import { Live } from "./live.ts";
import { logPanel } from "./log-panel.ts";
import { Model } from "./model.ts";
import { nowView } from "./now-view.ts";
import { stateView } from "./state-view.ts";
import { storyOpener } from "./story.ts";
import { timelineView } from "./timeline-view.ts";
import { worldView } from "./world-view.ts";

/** How often times that pass are drawn anew, in milliseconds. */
const TICK_MS = 500;

const model = new Model();
const live = new Live(model);
const showStory = (auditId: string) => void story(auditId);
stateView(model, live);
nowView(model, live, showStory);
worldView(model);
timelineView(model, live, showStory);
countersView(model);
const log = logPanel(model, live, showStory);
const story = storyOpener(model, log.jumpTo);
keyboard(
  [
    { key: "/", does: "to the text filter of the log", act: log.focusFilter },
    { key: "l", does: "to the lines of the log", act: log.focusLines },
    { key: "v", does: "hold the view of the log, or let it go on", act: log.toggleHold },
    { key: "e", does: "to the end of the log, and along with it", act: log.toEnd },
    { key: "x", does: "take text and audit id out of the filter", act: log.clear },
    { key: "n", does: "to what runs now, or the next button there", act: () => focusIn("now") },
    { key: "a", does: "to the assignments", act: () => focusIn("assignments") },
  ],
  [
    ["↑ ↓", "in the log: one line on, shown at length"],
    ["Home End", "in the log: to its first line, to its end"],
    ["Esc", "leaves a question, the filter, a line"],
  ],
);
live.start();
setInterval(() => model.changed(), TICK_MS);
