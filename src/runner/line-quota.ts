/**
 * How much of what a plugin prints and tells is told on: one that does so without end must not keep
 * the agent from its work.
 */
import type { ChildTelling } from "../core/child.ts";
import type { AgentEvent } from "../core/events.ts";
import { TELL_MARK } from "./frames.ts";

/** Lines that become events in a second, and characters of them. */
export const LINES_PER_S = 20_000;
export const LINE_CHARS_PER_S = 16 * 2 ** 20;
/** Events of a handler's are for people to read, samples for those who draw them. */
export const EVENTS_PER_S = 500;
export const SAMPLES_PER_S = 2_000;
const STREAMS_PER_S = 500;
const TELLING_CHARS_PER_S = 4 * 2 ** 20;
const WINDOW_MS = 1_000;
const TELLINGS = [
  { type: "sample", what: "samples", perS: SAMPLES_PER_S },
  { type: "event", what: "events", perS: EVENTS_PER_S },
  { type: "stream", what: "streams", perS: STREAMS_PER_S },
] as const satisfies readonly { type: ChildTelling["type"]; what: string; perS: number }[];

export interface QuotaPorts {
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** Told at the end of a second in which lines were dropped, of how many. */
  readonly onDropped: (lines: number) => void;
  /** `LINES_PER_S` and `LINE_CHARS_PER_S` unless given. */
  readonly linesPerS?: number;
  readonly charsPerS?: number;
}

export class LineQuota {
  readonly #ports: QuotaPorts;
  #endsAtMs = 0;
  #lines = 0;
  #chars = 0;
  #dropped = 0;
  #timer: Timer | undefined;

  constructor(ports: QuotaPorts) {
    this.#ports = ports;
  }

  /** Whether this line may be told; else it counts as dropped. */
  takes(line: string): boolean {
    const now = this.#ports.now();
    if (now >= this.#endsAtMs) {
      this.#endsAtMs = now + WINDOW_MS;
      this.#lines = 0;
      this.#chars = 0;
    }
    const { linesPerS = LINES_PER_S, charsPerS = LINE_CHARS_PER_S } = this.#ports;
    if (this.#lines < linesPerS && this.#chars < charsPerS) {
      this.#lines += 1;
      this.#chars += line.length;
      return true;
    }
    this.#dropped += 1;
    this.#timer ??= setTimeout(() => this.tell(), this.#endsAtMs - now);
    return false;
  }

  /** Tells of what was dropped and not yet told. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#ports.onDropped(dropped);
  }
}

/** A quota each for what a plugin prints and each kind of what it tells: none takes from another's. */
export class Quotas {
  readonly #lines: LineQuota;
  readonly #tellings: readonly { readonly head: string; readonly quota: LineQuota }[];

  constructor(publish: (event: AgentEvent) => void) {
    const now = () => performance.now();
    this.#lines = new LineQuota({
      now,
      onDropped: (lines) => publish({ type: "plugin.dropped", lines }),
    });
    this.#tellings = TELLINGS.map(({ type, what, perS }) => ({
      head: `${TELL_MARK}{"type":"${type}"`,
      quota: new LineQuota({
        now,
        onDropped: (lines) => publish({ type: "plugin.dropped", lines, what }),
        linesPerS: perS,
        charsPerS: TELLING_CHARS_PER_S,
      }),
    }));
  }

  /** Whether this line of output may be told; else it counts as dropped. */
  takes(line: string): boolean {
    if (!line.startsWith(TELL_MARK)) return this.#lines.takes(line);
    const telling = this.#tellings.find(({ head }) => line.startsWith(head));
    return (telling?.quota ?? this.#lines).takes(line);
  }

  /** Tells of what was dropped and not yet told. */
  tell(): void {
    this.#lines.tell();
    for (const { quota } of this.#tellings) quota.tell();
  }
}
