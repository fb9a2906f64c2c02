/** The last lines a backend logged. */
import type { Level } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { Lines } from "./lines.ts";
import { type Keep, keepNothing, type StoredLine } from "./store.ts";

export const LOG_LINES_MAX = 5_000;
/** All lines together, in bytes. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;
/** A longer line is cut, in characters. */
export const LOG_LINE_CHARACTERS = 4_000;
/** Fields that are longer than this as JSON are left out. */
const FIELDS_CHARACTERS_MAX = 64 * 1024;

export interface LogLine {
  readonly level: Level;
  readonly message: string;
  /** Epoch seconds. */
  readonly timestamp: number;
  readonly fields: JsonObject;
}

export class LogBook {
  readonly #lines: Lines<{ level: Level; message: string; fields: JsonObject }>;

  constructor(clock: Clock, keep: Keep = keepNothing, kept: readonly StoredLine[] = []) {
    const limits = { rows: LOG_LINES_MAX, bytesMax: LOG_BYTES_MAX };
    this.#lines = new Lines("log", { clock, keep, limits });
    this.#lines.restore(kept);
  }

  /** Oldest first. */
  get lines(): readonly LogLine[] {
    return this.#lines.all.map(({ atMicros, value }) => ({ ...value, timestamp: atMicros / 1e6 }));
  }

  add(level: Level, message: string, fields: JsonObject): void {
    const isLong = JSON.stringify(fields).length > FIELDS_CHARACTERS_MAX;
    this.#lines.add({
      level,
      message: message.slice(0, LOG_LINE_CHARACTERS),
      fields: isLong ? { leftOut: "too long" } : fields,
    });
  }
}
