/**
 * What becomes of the sessions of an earlier gateway. A process that is the one that was noted, and takes
 * the secret, goes on; what was begun is gone on with; the others are started again with their world.
 */
import { messageOf } from "../core/errors.ts";
import type { Lives, LivesParts } from "./lives.ts";
import type { Life } from "./session-life.ts";
import { endProcess } from "./starts.ts";

/** How many processes are started at once: more would only make each of them late. */
const STARTS_AT_ONCE = 4;
/** Nothing expires this soon: while no gateway was there nobody could come. In milliseconds. */
export const RESTART_GRACE_MS = 3_600_000;

/** Resolves when each is there, or known to be dead; never rejects. Ends early at the abort. */
export async function revive(lives: Lives, parts: LivesParts, signal: AbortSignal): Promise<void> {
  const earlier = lives.all;
  for (const life of earlier) life.spare(RESTART_GRACE_MS);
  // First those whose process runs: that takes no time, and somebody may be in the middle of something.
  await Promise.all(earlier.map((life) => life.inTurn(() => takeUp(life, lives, parts))));
  const left = [...earlier];
  const lane = async () => {
    for (let life = left.shift(); life !== undefined; life = left.shift()) {
      await life.inTurn(() => startAgain(life, lives, parts, signal));
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, lane));
}

async function takeUp(life: Life, lives: Lives, parts: LivesParts): Promise<void> {
  const { clock, folders, processes, log } = parts;
  const found = life.mark === undefined ? undefined : processes.find(life.mark);
  if (life.phase === "running" && found !== undefined && (await processes.greet(life))) {
    if (life.phase === "running") return lives.settle(life, found);
  }
  life.process = found;
  if (life.phase === "creating" || life.phase === "ending") return await lives.discard(life);
  await endProcess(life, clock);
  if (life.phase !== "resetting") return;
  await folders.clearWorld(life.id).catch((cause) => {
    log("error", `cannot reset session ${life.id}: ${messageOf(cause)}`);
    life.phase = "dead";
  });
}

async function startAgain(
  life: Life,
  lives: Lives,
  { log }: LivesParts,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted || life.process !== undefined) return;
  if (life.phase !== "running" && life.phase !== "resetting") return;
  await lives.start(life).catch((cause) => {
    log("error", `cannot start session ${life.id} again: ${messageOf(cause)}`);
  });
}
