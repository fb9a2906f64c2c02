/** The page an operator looks at: one model, kept up to date by `Live`, drawn by the views. */
import { countersView } from "./counters-view.ts";
import { keyboard } from "./keys.ts";
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
keyboard(log);
live.start();
setInterval(() => model.changed(), TICK_MS);
