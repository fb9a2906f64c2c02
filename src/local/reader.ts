/**
 * One client of the stream. It is either live (it hears its topic), or behind: what its topic tells
 * meanwhile is counted, so that it learns exactly how many lines of its own filter it missed.
 */
import type { NumberedLine } from "../core/log.ts";
import type { Batch, Feed } from "./feed.ts";
import { control, type Topic } from "./topic.ts";

/** What a reader's socket must be able to do. */
export interface Socket {
  send(data: string | Uint8Array): unknown;
  subscribe(topic: string): unknown;
  unsubscribe(topic: string): unknown;
  getBufferedAmount(): number;
}

export interface ReaderLimits {
  /** How many bytes may wait for it. */
  readonly bytes: () => number;
  /** Told how many lines it did not get. */
  readonly onMissed: (lines: number) => void;
}

/** A reader that is not live. */
interface Behind {
  /** The first line that it may miss. */
  from: number;
  /** How many lines of its topic it got or was told of: the rest are missing. */
  counted: number;
  readonly isReplaying: boolean;
  /** While it replays: the line of the past that it is sent next. */
  next: number;
}

/** A slow reader is live again once so small a share of its limit waits for it. */
const CAUGHT_UP = 1 / 4;

export class Reader {
  readonly #socket: Socket;
  readonly #feed: Feed;
  readonly #limits: ReaderLimits;
  #topic: Topic;
  #behind: Behind | undefined;
  #replaying: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #isClosed = false;

  /** Live from here on. */
  constructor(socket: Socket, feed: Feed, topic: Topic, limits: ReaderLimits) {
    this.#socket = socket;
    this.#feed = feed;
    this.#limits = limits;
    this.#topic = topic;
    topic.readers.add(this);
    socket.subscribe(topic.name);
  }

  get topic(): Topic {
    return this.#topic;
  }

  get isLive(): boolean {
    return this.#behind === undefined;
  }

  send(frame: object): void {
    this.#socket.send(control(frame, this.#topic.encoding));
  }

  /**
   * Changes over to this topic, after a word on what it missed of the one before. From `fromSeq`
   * on, lines of the past come first; without it, it is live at once.
   */
  join(topic: Topic, fromSeq: Promise<number> | undefined): void {
    this.#feed.flush();
    this.#leave();
    this.#topic = topic;
    topic.readers.add(this);
    const lastSeq = this.#feed.lastSeq;
    this.send({ subscribed: { seq: lastSeq } });
    if (fromSeq === undefined) this.#goLive();
    else {
      const next = lastSeq + 1;
      this.#behind = { from: next, counted: topic.count, isReplaying: true, next };
      this.#replaying = this.#replay(this.#behind, fromSeq, lastSeq);
    }
  }

  /** Called before its topic tells what begins with this line: who is too slow steps aside. */
  makeWay(firstSeq: number): void {
    const waiting = this.#socket.getBufferedAmount();
    if (this.#behind?.isReplaying) return;
    if (this.#behind !== undefined) this.#tryCatchUp(waiting);
    else if (waiting > this.#limits.bytes()) {
      this.#socket.unsubscribe(this.#topic.name);
      this.#behind = {
        ...{ from: firstSeq, next: firstSeq },
        ...{ counted: this.#topic.count, isReplaying: false },
      };
    }
  }

  /** Its socket took something of what waited. */
  drained(): void {
    this.#wake?.();
    const isSlow = this.#behind !== undefined && !this.#behind.isReplaying;
    if (isSlow) this.#tryCatchUp(this.#socket.getBufferedAmount());
  }

  /** Resolves once it has the past that it asked for. */
  hasPast(): Promise<void> {
    return this.#replaying;
  }

  /** The stream ends: tells what it will not get any more. */
  sayGoodbye(): void {
    const behind = this.#behind;
    this.#behind = undefined;
    this.#wake?.();
    if (behind === undefined) return;
    const to = this.#feed.lastSeq;
    if (!behind.isReplaying) this.#tellMissed(behind);
    else if (behind.next <= to) this.send({ gap: { from: behind.next, to } });
  }

  close(): void {
    this.#isClosed = true;
    if (this.#behind?.isReplaying === false) this.#tellMissed(this.#behind);
    this.#topic.readers.delete(this);
    this.#wake?.();
  }

  #leave(): void {
    if (this.#behind === undefined) this.#socket.unsubscribe(this.#topic.name);
    else this.#tellMissed(this.#behind);
    this.#behind = undefined;
    this.#topic.readers.delete(this);
    this.#wake?.();
  }

  #tryCatchUp(waiting: number): void {
    if (waiting <= this.#limits.bytes() * CAUGHT_UP) this.#goLive();
  }

  #goLive(): void {
    if (this.#behind !== undefined) this.#tellMissed(this.#behind);
    this.#behind = undefined;
    this.#socket.subscribe(this.#topic.name);
  }

  #tellMissed({ from, counted }: Behind): void {
    const dropped = this.#topic.count - counted;
    if (dropped === 0) return;
    this.#limits.onMissed(dropped);
    if (!this.#isClosed) this.send({ gap: { from, to: this.#topic.last, dropped } });
  }

  /**
   * Sends the past, as fast as it is read, until it meets the present: in that instant the reader
   * is live. Lines after `subscribedSeq` count, here as in the topic: who is overtaken by the
   * log's own limits is brought to the present and told what it missed.
   */
  async #replay(mine: Behind, from: Promise<number>, subscribedSeq: number): Promise<void> {
    let next = Math.min(await from, subscribedSeq + 1); // the log may have gone on meanwhile
    mine.next = next;
    while (this.#isCurrent(mine)) {
      this.#feed.flush();
      if (next > this.#feed.lastSeq) return this.#goLive();
      if (this.#socket.getBufferedAmount() > this.#limits.bytes()) {
        await this.#drain();
        continue;
      }
      const stretch = await this.#feed.read(next);
      if (!this.#isCurrent(mine)) return;
      const found = stretch?.first ?? this.#feed.lastSeq + 1;
      if (found > next && next <= subscribedSeq) {
        this.send({ gap: { from: next, to: Math.min(found - 1, subscribedSeq) } });
      }
      if (stretch === undefined || found > Math.max(next, subscribedSeq + 1)) return this.#goLive();
      this.#resend(stretch, mine, subscribedSeq);
      next = found + stretch.texts.length;
      mine.next = next;
      mine.from = Math.max(next, subscribedSeq + 1);
      await new Promise((resolve) => setImmediate(resolve)); // the agent's own work comes between
    }
  }

  #resend(
    stretch: { readonly first: number; readonly texts: readonly string[] },
    mine: Behind,
    subscribedSeq: number,
  ): void {
    for (const frame of this.#topic.frames(parsed(stretch.texts))) {
      this.#socket.send(this.#topic.payload(frame));
      mine.counted += frame.lines.filter(({ seq }) => seq > subscribedSeq).length;
    }
  }

  #isCurrent(mine: Behind): boolean {
    return this.#behind === mine && !this.#isClosed;
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** A power cut may have damaged a line: that one is left out. */
function parsed(texts: readonly string[]): Batch {
  const lines: NumberedLine[] = [];
  const whole: string[] = [];
  for (const text of texts) {
    try {
      lines.push(JSON.parse(text) as NumberedLine);
      whole.push(text);
    } catch {
      // its number is missing, as it would be had it never been written
    }
  }
  return { lines, texts: whole };
}
