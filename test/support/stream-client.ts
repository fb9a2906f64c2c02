/** A client of the log stream that keeps all it hears, in order. */
import { decode } from "cbor-x/decode";
import { encode } from "cbor-x/encode";
import { AgentFrame, type LogLine, type Subscribe } from "../../src/wire/local.ts";
import { CBOR_PROTOCOL } from "../../src/wire/stream-protocols.ts";

export interface GapTold {
  readonly from: number;
  readonly to: number;
  readonly dropped?: number | undefined;
}

export class StreamClient implements Disposable {
  readonly frames: AgentFrame[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  readonly #isCbor: boolean;
  #heard = Promise.withResolvers<void>();

  /** `token` lets it in by the door of an agent. */
  constructor(url: string, protocol?: string, token?: string) {
    this.#isCbor = protocol === CBOR_PROTOCOL;
    this.#socket = new WebSocket(url, {
      ...(protocol === undefined ? {} : { protocols: [protocol] }),
      ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }),
    });
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      const frame = typeof data === "string" ? JSON.parse(data) : decode(new Uint8Array(data));
      // Bytes are no JSON: frames of CBOR are taken as they are.
      this.frames.push(this.#isCbor ? (frame as AgentFrame) : AgentFrame.parse(frame));
      this.#ring();
    };
    const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = promise;
    this.#socket.onclose = ({ code, reason }) => {
      resolve({ code, reason });
      this.#ring();
    };
  }

  get lines(): LogLine[] {
    return this.frames.flatMap((frame) => ("lines" in frame ? frame.lines : []));
  }

  get gaps(): GapTold[] {
    return this.frames.flatMap((frame) => ("gap" in frame ? [frame.gap] : []));
  }

  get messages(): string[] {
    return this.lines.map(({ message }) => message);
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Resolves once it holds, looking after each frame. */
  async until(holds: (client: this) => boolean): Promise<void> {
    while (!holds(this)) await this.#heard.promise;
  }

  /** The first frame, or rather what it says. */
  async hello(): Promise<{ boot: string; seq: number }> {
    await this.until(({ frames }) => frames.length > 0);
    const [first] = this.frames;
    if (first === undefined || !("hello" in first)) throw new Error("it did not begin with hello");
    return first.hello;
  }

  /** Resolves once what it subscribed to is in force. */
  async subscribe(subscribe: Subscribe): Promise<void> {
    await this.hello();
    const count = ({ frames }: this) => frames.filter((frame) => "subscribed" in frame).length;
    const before = count(this);
    this.send({ subscribe });
    await this.until((client) => count(client) > before);
  }

  send(frame: unknown): void {
    this.sendRaw(this.#isCbor ? encode(frame) : JSON.stringify(frame));
  }

  sendRaw(data: string | Uint8Array): void {
    this.#socket.send(typeof data === "string" ? data : new Uint8Array(data));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #ring(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }
}
