/** One request to a session's process and its answer, over a line that nobody else uses meanwhile. */
import { ServantError } from "../core/errors.ts";
import { type AnswerHead, AnswerReader } from "./answer-reader.ts";
import type { Line, LineOwner } from "./line.ts";
import type { NextPart } from "./request-body.ts";

/** How much of an answer waits for a client that reads slowly, in bytes; then the session waits. */
const AHEAD_BYTES = 256 * 1024;

export interface Answer extends AnswerHead {
  /** Whole when it has come whole already, with the head. */
  readonly body: Uint8Array | ReadableStream<Uint8Array>;
}

/**
 * Nothing is ever sent twice: a session that dies may have read a request, and what it handed out or
 * did for it must not be asked for again unknown to the client.
 */
export class Exchange implements LineOwner {
  /** Rejects when the session ended before it answered, or when the exchange was ended. */
  readonly answer: Promise<Answer>;
  readonly #line: Line;
  readonly #reader: AnswerReader;
  readonly #over: (isLineGood: boolean) => void;
  readonly #settle = Promise.withResolvers<Answer>();
  /** Parts of the body that came along with the head. */
  readonly #early: Uint8Array[] = [];
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  #isSent = true;
  #isOver = false;
  #wakeWriter: (() => void) | undefined;

  /** `over` is called once, when nothing of it uses the line any more: whether it may carry another. */
  constructor(line: Line, method: string, over: (isLineGood: boolean) => void) {
    this.answer = this.#settle.promise;
    this.#line = line;
    this.#reader = new AnswerReader(method);
    this.#over = over;
    line.owner = this;
  }

  /** Sends a request that is all here. */
  send(bytes: Uint8Array): void {
    this.#line.write(bytes);
  }

  /** Sends a request whose body comes in parts; what fails there ends the exchange. */
  async stream(head: Uint8Array, next: NextPart, isChunked: boolean): Promise<void> {
    this.#isSent = false;
    try {
      await this.#write(head);
      for (;;) {
        const part = await next();
        if (this.#isOver) return;
        if (part === undefined) break;
        if (part.byteLength > 0) await this.#write(isChunked ? chunkOf(part) : part);
        if (this.#isOver) return;
      }
      if (isChunked) await this.#write(LAST_CHUNK);
      this.#isSent = true;
    } catch (cause) {
      this.end(cause);
    }
  }

  /** Ends it at once: the session sees its connection close. */
  end(cause: unknown): void {
    if (this.#isOver) return;
    this.#finish(false);
    if (this.#stream === undefined) this.#settle.reject(cause);
    else this.#stream.error(cause);
  }

  data(bytes: Uint8Array): void {
    try {
      this.#reader.push(bytes, (part) => this.#take(part));
    } catch (cause) {
      this.end(cause);
      return;
    }
    const { head, isDone } = this.#reader;
    if (head === undefined || this.#isOver) return;
    if (isDone) this.#done(head);
    else if (this.#stream === undefined) this.#begin(head);
  }

  drained(): void {
    this.#wakeWriter?.();
  }

  closed(): void {
    try {
      this.#reader.close();
    } catch {
      const { head } = this.#reader;
      const when = head === undefined ? "before it answered" : "while it answered";
      this.end(new ServantError("session.dead", `Cannot ask the session: it ended ${when}`));
      return;
    }
    if (this.#reader.head !== undefined) this.#done(this.#reader.head);
  }

  #take(part: Uint8Array): void {
    const stream = this.#stream;
    if (stream === undefined) {
      this.#early.push(part);
      return;
    }
    stream.enqueue(part);
    if ((stream.desiredSize ?? 0) <= 0) this.#line.pause();
  }

  #done(head: AnswerHead): void {
    if (this.#isOver) return;
    this.#finish(this.#isSent && this.#reader.keepsLine);
    if (this.#stream !== undefined) this.#stream.close();
    else this.#settle.resolve({ ...head, body: joined(this.#early) });
  }

  /** The body goes on after what has come with the head. */
  #begin(head: AnswerHead): void {
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#stream = controller;
          for (const part of this.#early.splice(0)) this.#take(part);
        },
        pull: () => this.#line.resume(),
        cancel: () => this.#finish(false),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: AHEAD_BYTES }),
    );
    this.#settle.resolve({ ...head, body });
  }

  #finish(isLineGood: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (isLineGood) {
      this.#line.resume();
      this.#line.owner = undefined;
    } else {
      this.#line.end();
    }
    this.#wakeWriter?.();
    this.#over(isLineGood);
  }

  /** Resolves when the line takes more, or the exchange is over. */
  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#isOver || this.#line.write(bytes)) return;
    await new Promise<void>((resolve) => {
      this.#wakeWriter = resolve;
    });
  }
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

function chunkOf(part: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${part.byteLength.toString(16)}\r\n`), part, CRLF]);
}

const CRLF = Buffer.from("\r\n");

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}
