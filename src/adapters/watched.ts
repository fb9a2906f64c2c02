/** Watches what the servant can take, for an adapter that waits for other things too. */
import type { Intake } from "../core/ports.ts";

/** Calls `ring` at the intake's next change, once for each `again()`; one wait at a time is left. */
export function watched(intake: Intake, ring: () => void): { again(): void; end(): void } {
  const over = new AbortController();
  let isWaiting = false;
  return {
    again() {
      if (isWaiting) return;
      isWaiting = true;
      void intake.changed(over.signal).then(() => {
        isWaiting = false;
        if (!over.signal.aborted) ring();
      });
    },
    end: () => over.abort(),
  };
}
