/** The backend's parts, as the routes are given them. */
import type { Executor } from "./executor.ts";
import type { Keeper } from "./keeper.ts";
import type { LateAnswers } from "./late-answers.ts";
import type { Legwork } from "./legwork.ts";
import type { LogBook } from "./log-book.ts";
import type { Missions } from "./missions.ts";
import type { Modules } from "./modules.ts";
import type { Plans } from "./plans.ts";
import type { Runs } from "./runs.ts";
import type { Log, Servants } from "./servants.ts";
import type { Traces } from "./traces.ts";
import type { Track } from "./track.ts";
import type { Unanswered } from "./unanswered.ts";
import type { World } from "./world.ts";

export interface Parts {
  readonly world: World;
  readonly servants: Servants;
  readonly plans: Plans;
  readonly executor: Executor;
  readonly runs: Runs;
  /** How far scripts are. */
  readonly legwork: Legwork;
  readonly unanswered: Unanswered;
  readonly lateAnswers: LateAnswers;
  readonly logBook: LogBook;
  readonly traces: Traces;
  readonly track: Track;
  readonly missions: Missions;
  readonly modules: Modules;
  /** What a restart is to know goes here. */
  readonly keeper: Keeper;
  readonly log: Log;
}
