/**
 * Saves what a full disk kept back as soon as there is room again. It goes by itself: neither a
 * poll that is held for long nor a handler that runs for hours may keep a report off the disk.
 */
import { toServantError } from "../core/errors.ts";
import type { Ports } from "./ports.ts";

export type SaverPorts = Pick<Ports, "bus" | "clock" | "ledger">;

/** How often a full disk is tried again, in milliseconds. */
export const DISK_RETRY_MS = 1_000;

/**
 * Watches the ledger until `signal` aborts. Tells of a full disk once, and once when it is over.
 *
 * @throws {ServantError} what the journal throws when it is not full but broken
 */
export async function runSaver(ports: SaverPorts, signal: AbortSignal): Promise<void> {
  const { bus, clock, ledger } = ports;
  let isTold = false;
  while (!signal.aborted) {
    if (ledger.isFull) {
      try {
        await ledger.save();
      } catch (cause) {
        const { code, message: reason } = toServantError(cause);
        if (code !== "journal.full") throw cause;
        if (!isTold) bus.publish({ type: "journal.full", reason, retryInMs: DISK_RETRY_MS });
        isTold = true;
        await clock.sleep(DISK_RETRY_MS, signal);
      }
      continue;
    }
    if (isTold) bus.publish({ type: "journal.recovered" });
    isTold = false;
    await ledger.diskChanged(signal);
  }
}
