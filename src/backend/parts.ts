/** The backend's parts, as the routes are given them. */
import type { Executor } from "./executor.ts";
import type { LogBook } from "./log-book.ts";
import type { Plans } from "./plans.ts";
import type { Log, Servants } from "./servants.ts";
import type { World } from "./world.ts";

export interface Parts {
  readonly world: World;
  readonly servants: Servants;
  readonly plans: Plans;
  readonly executor: Executor;
  readonly logBook: LogBook;
  readonly log: Log;
}
