/** A ZMTP peer as bare as can be: it sends the bytes that it is told to and keeps those that come. */
import type { Socket } from "bun";
import { parseEndpoint } from "../../src/adapters/zmtp/endpoint.ts";
import { PATIENCE_MS } from "./running.ts";

export const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replace(/[\s|]/g, ""));

/** What libzmq begins with: version 3.1, NULL. */
export const GREETING = hex(`ff00000000000000017f03014e554c4c${"00".repeat(48)}`);
/** The stock client's READY, 40 bytes. */
export const READY_REQ = hex(
  "04260552454144590b536f636b65742d5479706500000003524551084964656e7469747900000000",
);
export const READY_DEALER = hex(
  "04290552454144590b536f636b65742d54797065000000064445414c4552084964656e7469747900000000",
);
/** What a REP sends before anything else: its greeting and its READY. */
export const REP_HELLO_BYTES = 64 + 27;

export class RawZmtp implements Disposable {
  isClosed = false;
  #received = Buffer.alloc(0);
  #unsent: Uint8Array[] = [];
  #socket: Socket | undefined;
  #changed = Promise.withResolvers<void>();

  private constructor() {}

  /** Connects, and says nothing. */
  static async connect(url: string): Promise<RawZmtp> {
    const raw = new RawZmtp();
    const endpoint = parseEndpoint(url);
    const socket = {
      data: (_: Socket, piece: Buffer) => raw.#change(() => raw.#keep(piece)),
      drain: () => raw.#flush(),
      close: () =>
        raw.#change(() => {
          raw.isClosed = true;
        }),
      error() {}, // it closes, too
    };
    raw.#socket =
      endpoint.transport === "tcp"
        ? await Bun.connect({ ...endpoint, socket })
        : await Bun.connect({ unix: endpoint.path, socket });
    return raw;
  }

  /** Connects and gets through the handshake; what it received of that is thrown away. */
  static async ready(url: string, hello = READY_REQ): Promise<RawZmtp> {
    const raw = await RawZmtp.connect(url);
    raw.send(GREETING, hello);
    await raw.take(REP_HELLO_BYTES);
    return raw;
  }

  send(...pieces: readonly Uint8Array[]): void {
    const isWaiting = this.#unsent.length > 0;
    this.#unsent.push(Buffer.concat(pieces));
    if (!isWaiting) this.#flush();
  }

  /** How much has come that was not taken yet. */
  get waiting(): number {
    return this.#received.length;
  }

  /** How much the kernel's buffers did not take yet. */
  get unsentBytes(): number {
    return this.#unsent.reduce((sum, { length }) => sum + length, 0);
  }

  /** Waits for so many bytes and takes them. */
  async take(bytes: number): Promise<Buffer> {
    await this.until(() => this.#received.length >= bytes, `${bytes} bytes`);
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  async closed(): Promise<void> {
    await this.until(() => this.isClosed, "the end");
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    const timeout = new Promise((resolve) => late.addEventListener("abort", resolve));
    while (!holds()) {
      await Promise.race([this.#changed.promise, timeout]);
      if (late.aborted) throw new Error(`Not ${what}: ${this.#received.toString("hex", 0, 200)}`);
    }
  }

  /** Stops reading: what the kernel's buffers do not take stays with the server. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  [Symbol.dispose](): void {
    this.#socket?.terminate();
  }

  #keep(piece: Buffer): void {
    this.#received = Buffer.concat([this.#received, piece]);
  }

  #flush(): void {
    const [first] = this.#unsent;
    if (first === undefined) return;
    const sent = Math.max(0, this.#socket?.write(first) ?? 0);
    if (sent < first.length) this.#unsent[0] = first.subarray(sent);
    else {
      this.#unsent.shift();
      this.#flush();
    }
  }

  #change(how: () => void): void {
    how();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
