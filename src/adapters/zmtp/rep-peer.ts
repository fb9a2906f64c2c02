/** One peer of a REP: which of its requests wait, and which answers it still wants. */
import { ServantError } from "../../core/errors.ts";
import { malformed } from "./frame-reader.ts";
import { encodeMessage } from "./frames.ts";
import type { ZmtpLimits } from "./limits.ts";
import type { Line, LineOwner } from "./line.ts";
import type { Peer, RepOptions, Request } from "./rep.ts";
import type { Message } from "./session.ts";

const NOTHING = new Uint8Array();

type Hears = Pick<RepOptions, "onRequest" | "onGone" | "onRefused">;

export interface RepPeerParts {
  readonly id: number;
  readonly address: string;
  readonly line: Line;
  readonly options: Hears;
  readonly limits: Pick<ZmtpLimits, "unanswered">;
}

export class RepPeer implements Peer, LineOwner {
  readonly id: number;
  readonly address: string;
  readonly #line: Line;
  readonly #options: Hears;
  readonly #unansweredMax: number;
  readonly #forget: () => void;
  #unanswered = 0;
  /** Counts its requests: the last one is the one it waits for. */
  #asked = 0;

  /** `forget` is called when it is gone. */
  constructor({ id, address, line, options, limits }: RepPeerParts, forget: () => void) {
    this.id = id;
    this.address = address;
    this.#line = line;
    this.#options = options;
    this.#unansweredMax = limits.unanswered;
    this.#forget = forget;
  }

  get routingId(): Uint8Array {
    return this.#line.peer?.routingId ?? NOTHING;
  }

  get isOpen(): boolean {
    return this.#line.isOpen;
  }

  close(): void {
    this.#line.close();
  }

  /**
   * A DEALER may ask again before it is answered, and is answered in order: one request at a time. A REQ
   * asks again only when it has given up the last one; it must not wait for that one's answer.
   */
  get hasRoom(): boolean {
    return this.#unanswered < (this.#isReq ? this.#unansweredMax : 1);
  }

  take(message: Message): void {
    const delimiter = message.findIndex(({ byteLength }) => byteLength === 0);
    const start = delimiter + 1;
    if (start === 0 || start === message.length) {
      throw malformed("a request without an empty frame before its body");
    }
    this.#asked += 1;
    this.#unanswered += 1;
    this.#options.onRequest({
      peer: this,
      frames: message.slice(start),
      answer: this.#answerTo(message.slice(0, start), this.#asked),
    });
  }

  closed(reason: ServantError | undefined): void {
    this.#forget();
    if (this.#line.peer !== undefined) this.#options.onGone?.(this, reason);
    else if (reason !== undefined) this.#options.onRefused?.(this.address, reason);
  }

  #answerTo(envelope: Message, nth: number): Request["answer"] {
    let isAnswered = false;
    return (frames) => {
      if (isAnswered) throw misuse(`request ${nth} of ${this.address}: it was answered before`);
      if (frames.length === 0) throw misuse(`request ${nth} of ${this.address} without a frame`);
      isAnswered = true;
      this.#unanswered -= 1;
      const isWanted = !this.#isGivenUp(nth);
      if (isWanted) this.#line.send(encodeMessage(envelope, frames));
      this.#line.goOn();
      return isWanted && this.isOpen;
    };
  }

  #isGivenUp(nth: number): boolean {
    return this.#isReq && (nth !== this.#asked || this.#line.hasAhead);
  }

  get #isReq(): boolean {
    return this.#line.peer?.socketType === "REQ";
  }
}

function misuse(what: string): ServantError {
  return new ServantError("agent.internal", `Cannot answer ${what}`);
}
