/**
 * Where events become lines: numbered as they come, written down a moment later, all at once. What
 * publishes an event pays for a push onto a list and no more, however many read along.
 */
import { type AgentEvent, describeEvent, isLine } from "../core/events.ts";
import { type LogChunk, type LogStore, linesOf, type NumberedLine, numbered } from "../core/log.ts";
import type { Clock } from "../core/ports.ts";
import { Ring } from "./ring.ts";

/**
 * Lines go out at the end of their turn of the event loop, but for what comes after much or often:
 * that is gathered for so long, in milliseconds, and for longer while nobody reads along.
 */
const GATHER_MS = 8;
const UNHEARD_MS = 50;
/** So many ticks in that time are not too often; more lines in one tick than this are much. */
const PROMPT_TICKS = 16;
const BUSY_LINES = 64;
/** So many lines, or characters of them, are not left waiting for the next tick. */
const PENDING_MAX_LINES = 1_000;
const PENDING_MAX_CHARS = 1024 * 1024;

/**
 * After so many lines the collector is asked to look: beside the work, and between two turns, since
 * what is under way when it looks stays for long. By itself it waits until garbage is as much as what
 * is kept, ring and all: 25 MiB more at 100,000 lines a second.
 */
const LITTER_LINES = 10_000;

/** The lines of one tick. */
export interface Batch {
  readonly lines: readonly NumberedLine[];
  /** Each line as JSON. */
  readonly texts: readonly string[];
}

/** Lines as JSON, the first one's number. */
export interface Stretch {
  readonly first: number;
  readonly texts: readonly string[];
}

export interface FeedOptions {
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Absent: what leaves the ring is gone. */
  readonly store?: LogStore;
  readonly ring?: Ring;
}

export class Feed {
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  readonly #store: LogStore | undefined;
  readonly #ring: Ring;
  readonly #listeners = new Set<(batch: Batch) => void>();
  /** Events, and when each of them came: two lists, since a pair for each would be garbage. */
  #pending: AgentEvent[] = [];
  #pendingAtMs: number[] = [];
  #pendingChars = 0;
  /** Takes back the next tick; absent when there is none. */
  #unschedule: (() => void) | undefined;
  /** When the present stretch of gathering ends, and how many ticks it has had. */
  #gatheredAtMs = 0;
  #ticks = 0;
  /** The number of the last line that was written down. */
  #lastSeq: number;
  #wasBusy = false;
  #litter = 0;
  #isoMs = Number.NaN;
  #iso = "";

  constructor({ clock, store, ring = new Ring() }: FeedOptions) {
    this.#clock = clock;
    this.#store = store;
    this.#ring = ring;
    this.#lastSeq = (store?.nextSeq ?? 1) - 1;
  }

  /** Takes an event for its line: a listener for the bus. */
  readonly push = (event: AgentEvent): void => {
    if (!isLine(event)) return;
    this.#pending.push(event);
    this.#pendingAtMs.push(this.#clock.now());
    if (event.type === "plugin.log") this.#pendingChars += event.message.length;
    if (this.#pending.length >= PENDING_MAX_LINES || this.#pendingChars >= PENDING_MAX_CHARS) {
      this.flush();
    } else if (this.#unschedule === undefined) this.#schedule();
  };

  #schedule(): void {
    const tick = () => this.flush();
    const waitMs = this.#listeners.size === 0 ? UNHEARD_MS : this.#gatherMs();
    if (waitMs > 0) {
      const timer = setTimeout(tick, waitMs);
      this.#unschedule = () => clearTimeout(timer);
    } else {
      const immediate = setImmediate(tick);
      this.#unschedule = () => clearImmediate(immediate);
    }
  }

  /** For how long to gather lines now: not at all, unless it was much or often of late. */
  #gatherMs(): number {
    const now = this.#clock.monotonic();
    if (now >= this.#gatheredAtMs) {
      this.#gatheredAtMs = now + GATHER_MS;
      this.#ticks = 0;
    }
    this.#ticks += 1;
    return this.#wasBusy || this.#ticks > PROMPT_TICKS ? this.#gatheredAtMs - now : 0;
  }

  /** Writes down what was pushed so far and tells it to every listener. */
  flush(): void {
    this.#unschedule?.();
    this.#unschedule = undefined;
    this.#wasBusy = this.#pending.length > BUSY_LINES;
    if (this.#pending.length === 0) return;
    const pending = this.#pending;
    const atMs = this.#pendingAtMs;
    this.#pending = [];
    this.#pendingAtMs = [];
    this.#pendingChars = 0;
    const first = this.#lastSeq + 1;
    const lines: NumberedLine[] = [];
    const texts: string[] = [];
    for (const [index, event] of pending.entries()) {
      this.#lastSeq += 1;
      const { line, text } = numbered(
        this.#lastSeq,
        this.#timeOf(atMs[index] ?? 0),
        describeEvent(event),
      );
      lines.push(line);
      texts.push(text);
    }
    const batch = { lines, texts };
    const chunk = this.#ring.add(first, texts);
    this.#store?.append(chunk);
    for (const listener of this.#listeners) listener(batch);
    if (this.#listeners.size === 0) {
      // Whoever comes reads what was before from the store: memory is kept for those who read along.
      if (this.#store !== undefined) this.#ring.trim();
      return;
    }
    this.#litter += lines.length;
    if (this.#litter < LITTER_LINES) return;
    this.#litter = 0;
    setImmediate(() => Bun.gc(false));
  }

  /** The number of the last line, those included that no listener was told of yet. */
  get lastSeq(): number {
    return this.#lastSeq + this.#pending.length;
  }

  /** Told of each batch, one without a hole after the other; returns what ends it. */
  listen(listener: (batch: Batch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The lines from this number on, as many as come at once: from the ring, older ones from the
   * store. They begin later than asked for when what was before is lost. Undefined: none are left.
   */
  async read(fromSeq: number): Promise<Stretch | undefined> {
    const near = this.#ring.blockOf(fromSeq);
    if (near !== undefined && near.first <= fromSeq) return stretchFrom(fromSeq, near);
    const far = await this.#store?.read(fromSeq);
    if (far !== undefined && far.first < (near?.first ?? Infinity)) {
      return stretchFrom(fromSeq, far);
    }
    const nearest = this.#ring.blockOf(fromSeq); // the ring went on meanwhile
    return nearest && stretchFrom(fromSeq, nearest);
  }

  /** The number of the first line that is not older than this; that of the next when none is. */
  async seqAt(timeMs: number): Promise<number> {
    this.flush();
    const near = this.#ring.seqAt(timeMs);
    if (near?.isWithin) return near.seq;
    return (await this.#store?.seqAt(timeMs)) ?? near?.seq ?? this.#lastSeq + 1;
  }

  /** Writes down what is left. */
  async close(): Promise<void> {
    this.flush();
    this.#listeners.clear();
    await this.#store?.close();
  }

  #timeOf(atMs: number): string {
    if (atMs !== this.#isoMs) {
      this.#isoMs = atMs;
      this.#iso = new Date(atMs).toISOString();
    }
    return this.#iso;
  }
}

const decoder = new TextDecoder();

function stretchFrom(fromSeq: number, { first, bytes }: LogChunk): Stretch {
  const texts = linesOf(decoder.decode(bytes));
  return { first: Math.max(first, fromSeq), texts: texts.slice(Math.max(fromSeq - first, 0)) };
}
