/** Watches what the servant can take, for an adapter that waits for other things too. */
import type { Bell } from "../core/bell.ts";
import type { Directive, Intake } from "../core/ports.ts";

/**
 * Hands out what `next` finds, until the abort: it looks at each ring of the bell and each change of the
 * intake, and again as long as it finds something. What `next` throws ends it.
 */
export async function* atEachRing(
  bell: Bell,
  intake: Intake,
  signal: AbortSignal,
  next: () => Directive | undefined,
): AsyncGenerator<Directive, void> {
  const ring = () => bell.ring();
  signal.addEventListener("abort", ring, { once: true });
  const watch = watched(intake, ring);
  try {
    while (!signal.aborted) {
      const found = next();
      if (found !== undefined) {
        yield found;
        continue;
      }
      watch.again();
      await bell.rung(); // an abort rings it too
    }
  } finally {
    watch.end();
    signal.removeEventListener("abort", ring);
  }
}

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
