/** The last lines a backend logged. Timestamps rise strictly: clients ask for what is newer. */
import type { Level } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";

export const LOG_LINES_MAX = 5_000;
/** A longer line is cut, in characters. */
export const LOG_LINE_CHARACTERS = 4_000;

export interface LogLine {
  readonly level: Level;
  readonly message: string;
  /** Epoch seconds. */
  readonly timestamp: number;
  readonly fields: JsonObject;
}

export class LogBook {
  readonly #clock: Clock;
  #lines: LogLine[] = [];
  #lastMicros = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Oldest first. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  add(level: Level, message: string, fields: JsonObject): void {
    // Microseconds as integers: as seconds they stay distinct doubles for centuries.
    this.#lastMicros = Math.max(Math.round(this.#clock.now() * 1_000), this.#lastMicros + 1);
    const timestamp = this.#lastMicros / 1e6;
    this.#lines.push({ level, message: message.slice(0, LOG_LINE_CHARACTERS), timestamp, fields });
    if (this.#lines.length > LOG_LINES_MAX * 2) this.#lines = this.#lines.slice(-LOG_LINES_MAX);
  }
}
