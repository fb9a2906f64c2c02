/**
 * What a machine says of itself in the buckets, derived from one place (W13): offline, then paused,
 * busy, error, idle, whichever comes first. A command that is over at once is not told as busy: its
 * answer says more.
 */

import { Bucket } from "../../nats/bucket.ts";
import { STATE_BUCKET } from "../../wire/puda-subjects.ts";
import type { MachineState } from "../../wire/puda-told.ts";
import { toState } from "../../wire/puda-told.ts";
import type { Desk } from "./desk.ts";

/** How long a command runs before it is told, in milliseconds. */
export const BUSY_AFTER_MS = 20;

export interface Situation {
  readonly isOffline: boolean;
  readonly isPaused: boolean;
  readonly isBusy: boolean;
  /** The last command failed, and nothing was begun since. */
  readonly hasFailed: boolean;
  readonly runId: string | null;
}

export function stateOf({ isOffline, isPaused, isBusy, hasFailed }: Situation): MachineState {
  if (isOffline) return "offline";
  if (isPaused) return "paused";
  if (isBusy) return "busy";
  return hasFailed ? "error" : "idle";
}

export class StateTeller {
  readonly #desk: Desk;
  readonly #bucket: Bucket;
  #situation: Situation = {
    isOffline: false,
    isPaused: false,
    isBusy: false,
    hasFailed: false,
    runId: null,
  };
  /** What the bucket says, as far as was sent. */
  #told = "";
  /** When what runs now is to be told. */
  #busyAtMs = 0;
  #isLooking = false;
  /** Between the first registration and the end. */
  #isOpen = false;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#bucket = new Bucket(desk.js, STATE_BUCKET);
  }

  get situation(): Situation {
    return this.#situation;
  }

  /** Makes the bucket and tells the state, whatever was told before. */
  async open(): Promise<void> {
    this.#isOpen = true;
    this.#told = "";
    await this.#tell();
  }

  async ensure(): Promise<void> {
    await this.#bucket.ensure();
  }

  setPaused(isPaused: boolean): void {
    if (isPaused !== this.#situation.isPaused) this.set({ isPaused });
  }

  /** Takes what has changed, and tells it if that makes a difference. */
  set(change: Partial<Situation>): void {
    this.#situation = { ...this.#situation, ...change };
    if (!this.#isOpen) return;
    if (stateOf(this.#situation) !== "busy" || this.#told.startsWith("busy")) this.#tellLater();
    else if (change.isBusy === true) this.#tellBusyAt(this.#desk.clock.monotonic() + BUSY_AFTER_MS);
  }

  /** One look for many commands: a timer for each would cost more than what it is for. */
  #tellBusyAt(atMs: number): void {
    this.#busyAtMs = atMs;
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#desk.clock.sleep(BUSY_AFTER_MS).then(() => {
      this.#isLooking = false;
      if (stateOf(this.#situation) !== "busy") return;
      const leftMs = this.#busyAtMs - this.#desk.clock.monotonic();
      if (leftMs > 0) this.#tellBusyAt(this.#busyAtMs);
      else this.#tellLater();
    });
  }

  /** The last word. Resolves when the server has it, or cannot be told. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#situation = { ...this.#situation, isOffline: true, runId: null };
    await this.#tell().catch(() => {}); // the line is down: its silence says the same
    this.#isOpen = false;
  }

  #tellLater(): void {
    // What is lost with the line is told again when it is up: `open()`.
    this.#tell().catch(() => {
      this.#told = "";
    });
  }

  async #tell(): Promise<void> {
    const { id, time } = this.#desk;
    const state = stateOf(this.#situation);
    const { runId } = this.#situation;
    const told = `${state} ${runId}`;
    if (told === this.#told || !this.#desk.link.isUp) return;
    this.#told = told;
    const value = toState(time.now(), state, runId);
    await this.#bucket.put(id, this.#desk.closeValue(STATE_BUCKET, id, value));
  }
}
