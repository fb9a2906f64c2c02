/** All that the page knows of the backend. */
import type { RunSummary } from "../../wire/direct.ts";
import type { Feature } from "../parts/map-shapes.ts";
import type { ShownRun } from "../parts/run-rows.ts";
import type { ObjectRecord, Scene } from "../parts/world-panel.ts";
import type { Action, Health } from "./door.ts";

export interface Model {
  health: Health | undefined;
  newest: RunSummary | undefined;
  /** Those that can be chosen, newest first. */
  runs: readonly RunSummary[];
  /** The run that somebody chose to see; absent: the kept plan, else the newest run. */
  chosen: string | undefined;
  /** The one that is shown. */
  run: ShownRun | undefined;
  scene: Scene;
  objects: readonly ObjectRecord[];
  actions: readonly Action[];
  /** The map's: objects, tracks, and the ways of the run. */
  features: readonly Feature[];
  /** Epoch milliseconds since when nothing was heard; absent while all is live. */
  silentSinceMs: number | undefined;
}

export function emptyModel(): Model {
  return {
    health: undefined,
    newest: undefined,
    runs: [],
    chosen: undefined,
    run: undefined,
    scene: { goal: [], state: [], atoms: 0 },
    objects: [],
    actions: [],
    features: [],
    silentSinceMs: undefined,
  };
}
