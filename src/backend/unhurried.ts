/** How the backend does work of seconds: others have their turn every few milliseconds. */
import { ServantError } from "../core/errors.ts";
import type { Pieces } from "../core/pieces.ts";
import type { Clock } from "../core/ports.ts";
import { Pace } from "../planner/pace.ts";

/**
 * Takes work to its end in short slices: requests are answered in between.
 *
 * @throws {ServantError} `execution.cancelled` once the signal aborts; the rest is not done.
 */
export async function unhurried<T>(work: Pieces<T>, clock: Clock, halted: AbortSignal): Promise<T> {
  const pace = new Pace(clock, Number.POSITIVE_INFINITY);
  for (let piece = work.next(); ; piece = work.next()) {
    if (piece.done === true) return piece.value;
    if (!pace.due()) continue;
    await pace.rest();
    if (halted.aborted) {
      throw new ServantError("execution.cancelled", `Cannot go on: ${String(halted.reason)}`);
    }
  }
}
