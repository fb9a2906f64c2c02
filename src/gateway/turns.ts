/** Turns at something that takes long: few at once, a bounded queue, and no one address fills it. */
import { ServantError } from "../core/errors.ts";

export interface TurnsLimits {
  readonly atOnce: number;
  readonly waitingMax: number;
  /** Of the waiting, those from one place. */
  readonly waitingMaxOfOne: number;
}

interface Waiting {
  readonly place: string;
  readonly begin: () => void;
}

export class Turns {
  readonly #limits: TurnsLimits;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(limits: TurnsLimits) {
    this.#limits = limits;
  }

  /**
   * Runs `work` when its turn comes.
   *
   * @throws {ServantError} `login.too-many` when too many wait
   */
  async take<T>(place: string, work: () => Promise<T>): Promise<T> {
    const { atOnce, waitingMax, waitingMaxOfOne } = this.#limits;
    if (this.#running >= atOnce) {
      const ofOne = this.#waiting.filter((each) => each.place === place).length;
      if (this.#waiting.length >= waitingMax || ofOne >= waitingMaxOfOne) {
        const message = "Cannot log you in now: too many others are waiting";
        throw new ServantError("login.too-many", message, { retryAfterMs: RETRY_MS });
      }
      await new Promise<void>((resolve) => this.#waiting.push({ place, begin: resolve }));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next.begin(); // the turn is handed on, so nobody can slip in between
    }
  }
}

/** When to come again to a full queue, in milliseconds. */
const RETRY_MS = 2_000;
