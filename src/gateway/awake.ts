/**
 * Stays awake for a moment after work was passed on. A session answers most requests within a tenth of a
 * millisecond, and its client asks again as soon: to sleep in between costs more than to look.
 */

/** How long after the last call, in milliseconds. What takes longer is waited for asleep. */
const AWAKE_MS = 0.15;

let untilMs = 0;
let isAwake = false;

export function stayAwake(): void {
  untilMs = performance.now() + AWAKE_MS;
  if (isAwake) return;
  isAwake = true;
  setImmediate(look);
}

/** Each turn of the event loop takes what has come, without waiting. */
function look(): void {
  if (performance.now() >= untilMs) isAwake = false;
  else setImmediate(look);
}
