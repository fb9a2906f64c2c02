/** What sessions need from time to time: to expire, to be saved, to know that their gateway is there. */
import { messageOf } from "../core/errors.ts";
import type { Lives, LivesParts } from "./lives.ts";
import type { Life } from "./session-life.ts";

/** How often sessions are looked at: they expire so much late at most. In milliseconds. */
const SWEEP_MS = 1_000;
/**
 * Of how many sweeps one saves who was active, and one greets every process: far more often than one that
 * hears nothing ends, and no more, since each has to fetch back the memory that it had given up.
 */
const SWEEPS = { save: 5, greet: 240 } as const;

/** Runs until the abort. */
export async function keepUp(lives: Lives, parts: LivesParts, signal: AbortSignal): Promise<void> {
  const { clock, processes } = parts;
  for (let sweep = 1; !signal.aborted; sweep += 1) {
    await clock.sleep(SWEEP_MS, signal);
    if (signal.aborted) return;
    for (const life of lives.all) lookAt(life, lives, parts);
    if (sweep % SWEEPS.save === 0) {
      await lives.forget();
      await lives.saveQuietly(...lives.all.filter(({ isStale }) => isStale));
    }
    if (sweep % SWEEPS.greet === 0) {
      for (const life of lives.all) if (life.process !== undefined) void processes.greet(life);
    }
  }
}

function lookAt(life: Life, lives: Lives, { folders, log, onEnd }: LivesParts): void {
  if (life.isKnown && life.isOverdue) {
    log("info", `session ${life.id} has expired`);
    onEnd?.(life.session, "expired");
    life.phase = "ending"; // at once: nobody comes in any more
    void life.inTurn(() => lives.discard(life));
  }
  try {
    folders.boundLog(life.id);
  } catch (cause) {
    log("warn", `cannot bound the log of session ${life.id}: ${messageOf(cause)}`);
  }
}
