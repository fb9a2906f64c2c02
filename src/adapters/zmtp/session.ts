/**
 * One side's part in a conversation by ZMTP 3 with the NULL mechanism: greeting, READY, messages, and
 * the commands between them. It is handed bytes and hands out bytes and messages; it knows no sockets.
 */
import { printable } from "../../core/printable.ts";
import {
  encodeReady,
  type Introduction,
  PING,
  readCommand,
  readError,
  readPing,
  readReady,
} from "./commands.ts";
import { FrameReader, malformed } from "./frame-reader.ts";
import { GREETING, GREETING_BYTES, knowsPing, refusalOf } from "./greeting.ts";
import type { ZmtpLimits } from "./limits.ts";

export interface Role {
  readonly socketType: "REP" | "REQ";
  /** The types that it can talk with. */
  readonly accepts: readonly string[];
}

export const REP: Role = { socketType: "REP", accepts: ["REQ", "DEALER"] };
export const REQ: Role = { socketType: "REQ", accepts: ["REP", "ROUTER"] };

export type Message = readonly Uint8Array[];

export class Session {
  readonly #role: Role;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #reader: FrameReader;
  /** As much of the peer's greeting as has come. */
  #greeting = new Uint8Array();
  #peer: Introduction | undefined;
  #ttlMs = 0;

  /** `send` is called with what goes to the peer, from within the methods. */
  constructor(role: Role, limits: ZmtpLimits, send: (bytes: Uint8Array) => void) {
    this.#role = role;
    this.#send = send;
    this.#reader = new FrameReader(limits);
  }

  /** What the peer said of itself; undefined until the handshake is done. */
  get peer(): Introduction | undefined {
    return this.#peer;
  }

  /** A message or a command has begun and is not whole. */
  get isAmid(): boolean {
    return this.#reader.isAmid;
  }

  /** How long it is to be silent at most, by its own last PING, in milliseconds; 0 for ever. */
  get ttlMs(): number {
    return this.#ttlMs;
  }

  /** Our greeting; both sides begin at once. */
  start(): void {
    this.#send(GREETING);
  }

  /**
   * The next piece of what the peer sends, which must stay as it is.
   *
   * @throws {ServantError} `zmtp.malformed`
   */
  push(piece: Uint8Array): void {
    const missing = GREETING_BYTES - this.#greeting.byteLength;
    if (missing === 0) {
      this.#reader.push(piece);
      return;
    }
    this.#greeting = Buffer.concat([this.#greeting, piece.subarray(0, missing)]);
    const refusal = refusalOf(this.#greeting);
    if (refusal !== undefined) throw malformed(refusal);
    if (this.#greeting.byteLength < GREETING_BYTES) return;
    this.#send(encodeReady(this.#role.socketType));
    this.#reader.push(piece.subarray(missing));
  }

  /**
   * The next message that is whole. Commands before it are seen to.
   *
   * @throws {ServantError} `zmtp.malformed`
   */
  next(): Message | undefined {
    for (;;) {
      const received = this.#reader.next();
      if (received === undefined) return undefined;
      if (!received.isCommand) return received.frames;
      this.#hear(received.body);
    }
  }

  /** It would answer a PING: 3.0 does not know it. */
  get knowsPing(): boolean {
    return knowsPing(this.#greeting);
  }

  /** Asks the peer whether it is there. */
  ping(): void {
    this.#send(PING);
  }

  #hear(body: Uint8Array): void {
    const { name, data } = readCommand(body);
    if (name === "ERROR") throw malformed(`it says "${readError(data)}"`);
    if (this.#peer === undefined) {
      if (name !== "READY") throw malformed(`"${printable(name)}" before its READY`);
      this.#greet(readReady(data));
    } else if (name === "PING") {
      const { pong, ttlMs } = readPing(data);
      this.#ttlMs = ttlMs;
      this.#send(pong);
    } // others, those of later versions among them, ask for nothing
  }

  #greet(peer: Introduction): void {
    const { accepts, socketType } = this.#role;
    if (!accepts.includes(peer.socketType)) {
      throw malformed(
        `it is a "${printable(peer.socketType)}", which a ${socketType} does not serve`,
      );
    }
    this.#peer = peer;
    this.#reader.takesMessages = true;
  }
}
