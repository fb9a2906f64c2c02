/**
 * The log as a websocket: one topic for each distinct filter, its lines published once for all its
 * readers, a tick at a time. A reader that does not keep up costs a bounded buffer, and learns what
 * it missed: `docs/decisions/0011-log-stream.md`.
 */
import type { Server, ServerWebSocket, WebSocketHandler } from "bun";
import { messageOf, ServantError } from "../core/errors.ts";
import { canonicalFilter, type LogFilter } from "../core/log.ts";
import type { Clock } from "../core/ports.ts";
import { CBOR_PROTOCOL, JSON_PROTOCOL } from "../wire/stream-protocols.ts";
import { failureAnswer, tooMany } from "./answers.ts";
import { CLOSE, Refusal, subscriptionIn, subscriptionOf } from "./client-frame.ts";
import type { Batch, Feed } from "./feed.ts";
import { SOCKET_LIMITS } from "./limits.ts";
import { Reader } from "./reader.ts";
import { startOf } from "./start-of.ts";
import { type Encoding, Topic, topicName } from "./topic.ts";

/** How many clients may be connected. */
export const READERS_MAX = 128;
/** What may wait for one slow reader, and for all of them together, in bytes. */
export const READER_BUFFER_BYTES = 512 * 1024;
const BUFFERS_MAX_BYTES = 16 * 2 ** 20;
/** A client that keeps subscribing faster than this, per second, is sent away. */
export const SUBSCRIBES_MAX_PER_S = 20;
/** How long a stop waits for readers that are still sent the past, in milliseconds. */
const GOODBYE_MS = 1_000;
/** The longest reason that fits a close frame, in bytes. */
const CLOSE_REASON_MAX_BYTES = 123;

/** `data` of a socket. */
export interface Visitor {
  readonly encoding: Encoding;
  /** What the address asked for. */
  readonly filter: LogFilter;
  readonly start: Promise<number> | undefined;
  reader?: Reader;
  /** When it subscribed last, latest last. */
  readonly subscribedAtMs: number[];
}

type Ws = ServerWebSocket<Visitor>;

export interface StreamOptions {
  readonly feed: Feed;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Another one after each start of the agent. */
  readonly boot: string;
  /** What may wait for one slow reader, in bytes; less when there are many of them. */
  readonly readerBufferBytes?: number;
}

export class LogStream {
  readonly #feed: Feed;
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  readonly #boot: string;
  readonly #readerBufferBytes: number;
  readonly #topics = new Map<string, Topic>();
  readonly #sockets = new Set<Ws>();
  #server: Server<Visitor> | undefined;
  #unlisten: (() => void) | undefined;

  constructor({ feed, clock, boot, readerBufferBytes }: StreamOptions) {
    this.#feed = feed;
    this.#clock = clock;
    this.#boot = boot;
    this.#readerBufferBytes = readerBufferBytes ?? READER_BUFFER_BYTES;
  }

  /** For `Bun.serve`. */
  readonly websocket: WebSocketHandler<Visitor> = {
    ...SOCKET_LIMITS,
    open: (ws) => this.#open(ws),
    message: (ws, message) => this.#hear(ws, message),
    drain: (ws) => ws.data.reader?.drained(),
    close: (ws) => this.#closed(ws),
  };

  get topics(): number {
    return this.#topics.size;
  }

  get readers(): number {
    return this.#sockets.size;
  }

  /** Lines that slow readers did not get, since the stream exists. */
  dropped = 0;

  /**
   * Makes a websocket of a request that may come in. Undefined when that worked; else the answer.
   * The address may say the first subscription: `?level=warn&source=plugin&since=10m`.
   */
  upgrade(request: Request, server: Server<Visitor>): Response | undefined {
    this.#server = server;
    if (this.#sockets.size >= READERS_MAX) return failureAnswer(tooMany("readers of the stream"));
    const offered = request.headers.get("sec-websocket-protocol")?.split(/\s*,\s*/) ?? [];
    const protocol = offered.find((each) => each === CBOR_PROTOCOL || each === JSON_PROTOCOL);
    // The server would promise whichever stands first: a client would wait for what we never say.
    if (protocol === undefined && offered.length > 0) {
      return failureAnswer(malformed(`it speaks ${JSON_PROTOCOL} and ${CBOR_PROTOCOL} alone`));
    }
    const encoding = protocol === CBOR_PROTOCOL ? "cbor" : "json";
    let data: Visitor;
    try {
      const { since, ...filter } = subscriptionOf(new URL(request.url).searchParams) ?? {};
      const start = since === undefined ? undefined : startOf(since, this.#feed, this.#clock);
      data = { encoding, filter, start, subscribedAtMs: [] };
    } catch (cause) {
      if (cause instanceof Refusal) return failureAnswer(malformed(cause.message));
      throw cause;
    }
    const isUpgraded = server.upgrade(request, {
      data,
      ...(protocol === undefined ? {} : { headers: { "Sec-WebSocket-Protocol": protocol } }),
    });
    return isUpgraded
      ? undefined
      : failureAnswer(malformed("it is asked for as a websocket alone"));
  }

  /** Tells the lines so far, waits a moment for who still reads the past, closes every reader. */
  async close(): Promise<void> {
    this.#feed.flush();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GOODBYE_MS);
    await Promise.race([late, Promise.all([...this.#readers()].map((each) => each.hasPast()))]);
    clearTimeout(timer);
    this.#feed.flush();
    for (const reader of this.#readers()) reader.sayGoodbye();
    for (const ws of [...this.#sockets]) ws.close(CLOSE.goingAway, "the agent is stopping");
  }

  *#readers(): Generator<Reader> {
    for (const { data } of this.#sockets) if (data.reader !== undefined) yield data.reader;
  }

  #open(ws: Ws): void {
    if (this.#sockets.size >= READERS_MAX) {
      ws.close(CLOSE.tryLater, "too many readers");
      return;
    }
    this.#feed.flush();
    this.#sockets.add(ws);
    this.#unlisten ??= this.#feed.listen((batch) => this.#tell(batch));
    const { encoding, filter, start } = ws.data;
    const reader = new Reader(ws, this.#feed, this.#topicFor(filter, encoding), {
      bytes: this.#limitBytes,
      onMissed: (lines) => {
        this.dropped += lines;
      },
    });
    ws.data.reader = reader;
    reader.send({ hello: { boot: this.#boot, seq: this.#feed.lastSeq } });
    if (start !== undefined) reader.join(reader.topic, start);
  }

  #closed(ws: Ws): void {
    const { reader } = ws.data;
    this.#sockets.delete(ws);
    if (reader === undefined) return;
    reader.close();
    this.#forget(reader.topic);
    if (this.#sockets.size > 0) return;
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  #hear(ws: Ws, message: string | Buffer): void {
    const { reader, encoding } = ws.data;
    if (reader === undefined) return;
    try {
      const { since, ...filter } = subscriptionIn(message, encoding);
      if (this.#isTooOften(ws.data)) throw new Refusal(CLOSE.policy, "it subscribes too often");
      const start = since === undefined ? undefined : startOf(since, this.#feed, this.#clock);
      const before = reader.topic;
      reader.join(this.#topicFor(filter, encoding), start);
      this.#forget(before);
    } catch (cause) {
      const code = cause instanceof Refusal ? cause.closeCode : CLOSE.failed;
      ws.close(code, reasonText(messageOf(cause)));
    }
  }

  #tell(batch: Batch): void {
    for (const topic of this.#topics.values()) {
      for (const frame of topic.frames(batch)) {
        const [{ seq } = { seq: 0 }] = frame.lines;
        let isHeard = false;
        for (const reader of topic.readers) {
          reader.makeWay(seq);
          isHeard ||= reader.isLive;
        }
        if (isHeard) this.#server?.publish(topic.name, topic.payload(frame));
        topic.count += frame.lines.length;
        topic.last = frame.lines.at(-1)?.seq ?? topic.last;
      }
    }
  }

  readonly #limitBytes = (): number =>
    Math.min(this.#readerBufferBytes, BUFFERS_MAX_BYTES / this.#sockets.size);

  #topicFor(wanted: LogFilter, encoding: Encoding): Topic {
    const filter = canonicalFilter(wanted);
    const name = topicName(filter, encoding);
    const topic = this.#topics.get(name) ?? new Topic(filter, encoding);
    this.#topics.set(name, topic);
    return topic;
  }

  #forget(topic: Topic): void {
    if (topic.readers.size === 0) this.#topics.delete(topic.name);
  }

  #isTooOften({ subscribedAtMs }: Visitor): boolean {
    const now = this.#clock.monotonic();
    subscribedAtMs.push(now);
    if (subscribedAtMs.length <= SUBSCRIBES_MAX_PER_S) return false;
    return now - (subscribedAtMs.shift() ?? now) < 1_000;
  }
}

function malformed(reason: string): ServantError {
  return new ServantError("request.malformed", `Cannot stream the log: ${reason}`);
}

function reasonText(reason: string): string {
  const bytes = new TextEncoder().encode(reason.replace(/\s+/g, " "));
  return new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(bytes.subarray(0, CLOSE_REASON_MAX_BYTES - 3))
    .replace(/\uFFFD+$/, "");
}
