/** What every part of the world shares. */
import type { Faults } from "./faults.ts";
import type { Oracle } from "./oracle.ts";
import type { Power } from "./power.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

export interface Surroundings {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly faults: Faults;
  readonly oracle: Oracle;
  readonly power: Power;
  /** Whether what is traced is kept. */
  readonly isTraced: boolean;
  readonly trace: (line: string) => void;
}
