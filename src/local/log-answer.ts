/**
 * The log as an answer: NDJSON up to now, or server-sent events that go on. It reads on as its client
 * reads, from wherever the feed has the lines: a slow client costs nothing but its own time.
 */
import { canonicalFilter, type LogFilter, matches, type NumberedLine } from "../core/log.ts";
import type { Clock } from "../core/ports.ts";
import type { Feed } from "./feed.ts";

/** How long a stream of events may be silent before a comment says that it still is one. */
const HEARTBEAT_MS = 15_000;

export interface LogAsk {
  readonly filter: LogFilter;
  /** The number of the first line. */
  readonly from: Promise<number>;
  /** All that is kept was asked for: what is before that is no hole. */
  readonly isAll: boolean;
  /** As server-sent events, and on from there. */
  readonly isFollowing: boolean;
  /** Told when the client has it all, or is gone. */
  readonly onEnd: () => void;
}

export function logAnswer(feed: Feed, clock: Pick<Clock, "sleep">, ask: LogAsk): Response {
  const type = ask.isFollowing ? "text/event-stream" : "application/x-ndjson";
  const source = new LogSource(feed, clock, ask);
  return new Response(new ReadableStream(source, { highWaterMark: 0 }), {
    // The connection has no limit of time for this answer: it would stay for ever behind it.
    headers: { "Content-Type": type, "X-Accel-Buffering": "no", Connection: "close" },
  });
}

class LogSource {
  readonly #feed: Feed;
  readonly #clock: Pick<Clock, "sleep">;
  readonly #ask: LogAsk;
  readonly #filter: LogFilter;
  readonly #gone = new AbortController();
  readonly #encoder = new TextEncoder();
  readonly #until: number;
  #next = 0;
  #hasBegun = false;

  constructor(feed: Feed, clock: Pick<Clock, "sleep">, ask: LogAsk) {
    this.#feed = feed;
    this.#clock = clock;
    this.#ask = ask;
    this.#filter = canonicalFilter(ask.filter);
    this.#until = ask.isFollowing ? Number.POSITIVE_INFINITY : feed.lastSeq;
  }

  async start(): Promise<void> {
    this.#next = await this.#ask.from;
  }

  /** Hands on something, or ends: an answer is asked for again only then. */
  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      const text = this.#next > this.#until ? undefined : await this.#some();
      if (text === undefined || this.#gone.signal.aborted) return this.#end(controller);
      if (text !== "") return controller.enqueue(this.#encoder.encode(text));
    }
  }

  cancel(): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort();
    this.#ask.onEnd();
  }

  #end(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort();
    this.#ask.onEnd();
    controller.close();
  }

  /** What passes of the next stretch; waits for lines where they are to come. */
  async #some(): Promise<string | undefined> {
    this.#feed.flush();
    if (this.#next > this.#feed.lastSeq) {
      if (!this.#ask.isFollowing) return undefined;
      return (await this.#grown()) ? "" : ":\n\n";
    }
    const stretch = await this.#feed.read(this.#next);
    const first = Math.min(stretch?.first ?? this.#feed.lastSeq + 1, this.#until + 1);
    const isHole = first > this.#next && (this.#hasBegun || !this.#ask.isAll);
    this.#hasBegun = true;
    const lost = isHole ? this.#told({ gap: { from: this.#next, to: first - 1 } }) : "";
    const texts = (stretch?.texts ?? []).slice(0, this.#until - first + 1);
    this.#next = first + texts.length;
    return lost + texts.map((text) => this.#passed(text)).join("");
  }

  /** False when it was silent for so long that the client should hear something. */
  async #grown(): Promise<boolean> {
    const silence = new AbortController();
    const { promise, resolve } = Promise.withResolvers<true>();
    const end = this.#feed.listen(() => resolve(true));
    const late = AbortSignal.any([silence.signal, this.#gone.signal]);
    const grown = await Promise.race([promise, this.#clock.sleep(HEARTBEAT_MS, late)]);
    silence.abort();
    end();
    return grown === true;
  }

  /** A power cut may have damaged a line: that one is left out. */
  #passed(text: string): string {
    try {
      const line = JSON.parse(text) as NumberedLine;
      return matches(this.#filter, line) ? this.#told(line, text) : "";
    } catch {
      return "";
    }
  }

  #told(value: NumberedLine | { gap: object }, text = JSON.stringify(value)): string {
    if (!this.#ask.isFollowing) return `${text}\n`;
    return "gap" in value ? `event: gap\ndata: ${text}\n\n` : `id: ${value.seq}\ndata: ${text}\n\n`;
  }
}
