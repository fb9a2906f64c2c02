/** What happened, for programs: plans, steps, changes of the state. The log tells it to people. */
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { Lines } from "./lines.ts";
import { type Keep, keepNothing, type StoredLine } from "./store.ts";

export const TRACES_MAX = 5_000;
/** All of them together, in bytes. */
const TRACES_BYTES_MAX = 32 * 1024 * 1024;
/** A longer summary is cut, in characters. */
export const SUMMARY_CHARACTERS = 1_000;
/** Data that is longer than this as JSON is left out. */
export const DATA_CHARACTERS_MAX = 256 * 1024;

export type TraceKind =
  | "session_start"
  | "mission_load"
  | "plan_start"
  | "plan_end"
  | "behavior_start"
  | "behavior_end"
  | "state_change";

export interface Trace {
  /** Epoch seconds. */
  readonly ts: number;
  readonly kind: TraceKind;
  readonly summary: string;
  readonly data: JsonObject;
}

export class Traces {
  readonly #lines: Lines<{ kind: TraceKind; summary: string; data: JsonObject }>;

  constructor(clock: Clock, keep: Keep = keepNothing, kept: readonly StoredLine[] = []) {
    const limits = { rows: TRACES_MAX, bytesMax: TRACES_BYTES_MAX };
    this.#lines = new Lines("trace", { clock, keep, limits });
    this.#lines.restore(kept);
  }

  /** Oldest first; `ts` rises strictly. */
  get all(): readonly Trace[] {
    return this.#lines.all.map(({ atMicros, value }) => ({ ts: atMicros / 1e6, ...value }));
  }

  add(kind: TraceKind, summary: string, data: JsonObject = {}): void {
    const isLong = JSON.stringify(data).length > DATA_CHARACTERS_MAX;
    this.#lines.add({
      kind,
      summary: summary.slice(0, SUMMARY_CHARACTERS),
      data: isLong ? { left_out: "too long" } : data,
    });
  }
}
