/** What a machine does again and again while it is there: heartbeat, health, lease, word to the server. */
import { healthSubject, heartbeatSubject } from "../../wire/puda-subjects.ts";
import { type Health, toHealth, told } from "../../wire/puda-told.ts";
import type { Desk } from "./desk.ts";

/** As the peers have it, in milliseconds. */
export const HEARTBEAT_MS = 5_000;

export interface PulseParts {
  health(): Health;
  /** The lease. */
  renew(): void;
  /** Tells the server what is being worked on. */
  keepAlive(): void;
  /** How often, in milliseconds. */
  keepAliveEveryMs(): number;
  /** Something may have been lost: look again. */
  look(): void;
}

/** Beats at once, and then until the abort. */
export function beat(desk: Desk, parts: PulseParts, signal: AbortSignal): void {
  tellHealth(desk, parts);
  void every(
    desk,
    () => HEARTBEAT_MS,
    signal,
    () => {
      tellHealth(desk, parts);
      parts.look();
      if (desk.link.isUp) parts.renew();
    },
  );
  void every(desk, parts.keepAliveEveryMs, signal, parts.keepAlive);
}

async function every(
  { clock }: Desk,
  everyMs: () => number,
  signal: AbortSignal,
  act: () => void,
): Promise<void> {
  for (;;) {
    await clock.sleep(everyMs(), signal);
    if (signal.aborted) return;
    act();
  }
}

function tellHealth(desk: Desk, { health }: PulseParts): void {
  const { id, time } = desk;
  desk.tell(heartbeatSubject(id), told(time.now()));
  desk.tell(healthSubject(id), toHealth(time.now(), health()));
}
