/** What machines tell by themselves, and when they are pinged, as a program reads it. */
import type { JsonObject } from "../core/json.ts";
import type { Pong } from "../wire/puda-told.ts";

export interface Pinged {
  readonly pong: Pong;
  readonly tookMs: number;
}

export interface WatchOptions {
  /** Absent: all machines. */
  readonly machine?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Seen =
  | {
      readonly kind: "state" | "telemetry" | "event";
      readonly machine: string;
      /** `heartbeat`, `health`, a stream's name, `log`, `alert`, `media`; of the state its own word. */
      readonly name: string;
      readonly payload: JsonObject;
    }
  /** Something that was told could not be shown. */
  | { readonly kind: "lost"; readonly machine: string; readonly reason: string };
