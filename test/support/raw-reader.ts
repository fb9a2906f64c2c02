/**
 * A websocket client as bare as can be: it can stop reading, which shows in the server's buffers,
 * and it takes frames without looking into them, which costs next to nothing.
 */
import type { Socket } from "bun";

export interface RawReaderOptions {
  readonly port: number;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Each data frame's payload; it is only good until this returns. */
  readonly onFrame: (payload: Buffer) => void;
}

const OPCODE_CLOSE = 8;
const OPCODE_PING = 9;

export class RawReader {
  closeCode: number | undefined;
  isClosed = false;
  readonly #onFrame: (payload: Buffer) => void;
  #socket: Socket | undefined;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #needed = 2;
  #isUpgraded = false;

  private constructor(onFrame: (payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  static async open({
    port,
    path = "/",
    headers = {},
    onFrame,
  }: RawReaderOptions): Promise<RawReader> {
    const reader = new RawReader(onFrame);
    reader.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, chunk) => reader.#take(chunk),
        close: () => {
          reader.isClosed = true;
        },
      },
    });
    const lines = {
      Host: `127.0.0.1:${port}`,
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version": "13",
      ...headers,
    };
    const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
    reader.#socket.write(`GET ${path} HTTP/1.1\r\n${head.join("")}\r\n`);
    return reader;
  }

  /** Stops reading: what the kernel's buffers do not take stays with the server. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** A text frame. */
  send(text: string): void {
    const payload = Buffer.from(text);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(payload.length);
    // Masked with zeros: the payload stays as it is.
    this.#socket?.write(
      Buffer.concat([Buffer.from([0x81, 0xfe]), length, Buffer.alloc(4), payload]),
    );
  }

  close(): void {
    this.#socket?.terminate();
  }

  #take(chunk: Buffer): void {
    this.#rest.push(Buffer.from(chunk));
    this.#restBytes += chunk.length;
    if (this.#restBytes < this.#needed) return;
    let bytes = this.#rest.length === 1 ? (this.#rest[0] ?? chunk) : Buffer.concat(this.#rest);
    if (!this.#isUpgraded) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#isUpgraded = true;
      bytes = bytes.subarray(end + 4);
    }
    for (;;) {
      const { start, end } = frameIn(bytes);
      this.#needed = end;
      if (bytes.length < end) break;
      this.#tell((bytes[0] ?? 0) & 0x0f, bytes.subarray(start, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = [bytes];
    this.#restBytes = bytes.length;
  }

  #tell(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE_CLOSE)
      this.closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE();
    else if (opcode !== OPCODE_PING) this.#onFrame(payload);
  }
}

/** Where a frame's payload begins and ends, as far as its head is there. */
function frameIn(bytes: Buffer): { readonly start: number; readonly end: number } {
  if (bytes.length < 2) return { start: 2, end: 2 };
  const short = (bytes[1] ?? 0) & 0x7f;
  if (short < 126) return { start: 2, end: 2 + short };
  const start = short === 126 ? 4 : 10;
  if (bytes.length < start) return { start, end: start };
  const length = short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return { start, end: start + length };
}
