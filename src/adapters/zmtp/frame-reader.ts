/**
 * Takes a stream of ZMTP 3 apart, however it is cut. Large frames that it hands out are views of the
 * pieces that it was given, which must stay as they are; small ones are copied, as are those that come in
 * several pieces. It holds no more than what has arrived, and that within the limits: an announced length
 * reserves nothing.
 */
import { ServantError } from "../../core/errors.ts";
import { COMMAND, LONG, LONG_HEADER_BYTES, MORE, SHORT_HEADER_BYTES } from "./frames.ts";
import type { ZmtpLimits } from "./limits.ts";

const KNOWN_FLAGS = MORE | LONG | COMMAND;
/** Room for the first bytes of a frame in several pieces; it doubles as they come. */
const FIRST_ROOM_BYTES = 4_096;
/**
 * The first view of a small array moves all of it out of the collector's heap: 4 us where messages come
 * one by one, a copy takes 1.
 */
const COPIED_MAX_BYTES = 1_000;
const NOTHING = new Uint8Array();

/** A whole message, or the body of one command. */
export type Received =
  | { readonly isCommand: false; readonly frames: readonly Uint8Array[] }
  | { readonly isCommand: true; readonly body: Uint8Array };

/** A frame in several pieces: what there is of its body, in the first `filled` bytes of `room`. */
interface Begun {
  readonly flags: number;
  readonly byteLength: number;
  filled: number;
  room: Uint8Array;
}

export class FrameReader {
  readonly #limits: ZmtpLimits;
  /** Until the handshake is done a message is refused as it begins. */
  takesMessages = false;
  #piece: Uint8Array = NOTHING;
  #at = 0;
  /** The frame whose body is not here yet. */
  #begun: Begun | undefined;
  /** The message whose last frame is not here yet. */
  #frames: Uint8Array[] = [];
  #messageBytes = 0;

  constructor(limits: ZmtpLimits) {
    this.#limits = limits;
  }

  /** It waits for the rest of what has begun. */
  get isAmid(): boolean {
    return this.#begun !== undefined || this.#frames.length > 0 || this.#at < this.#piece.length;
  }

  /** The next piece of the stream. */
  push(piece: Uint8Array): void {
    const rest = this.#piece.length - this.#at;
    this.#piece = rest === 0 ? piece : Buffer.concat([this.#piece.subarray(this.#at), piece]);
    this.#at = 0;
  }

  /**
   * The next that is whole; undefined when more of the stream is needed. A command may come between
   * the frames of a message: libzmq's heartbeats do.
   *
   * @throws {ServantError} `zmtp.malformed`: nothing after it can be understood.
   */
  next(): Received | undefined {
    for (;;) {
      const flags = this.#begun?.flags ?? this.#piece[this.#at];
      if (flags === undefined) return this.#wait();
      const body = this.#begun === undefined ? this.#frame(flags) : this.#rest(this.#begun);
      if (body === undefined) return this.#wait();
      if ((flags & COMMAND) !== 0) return { isCommand: true, body };
      this.#frames.push(body);
      if ((flags & MORE) !== 0) continue;
      const frames = this.#frames;
      this.#frames = [];
      this.#messageBytes = 0;
      return { isCommand: false, frames };
    }
  }

  /** What is used up must not be kept alive by the view of it. */
  #wait(): undefined {
    if (this.#at < this.#piece.length) return;
    this.#piece = NOTHING;
    this.#at = 0;
  }

  /** A frame from its header on. */
  #frame(flags: number): Uint8Array | undefined {
    this.#admitFlags(flags);
    const piece = this.#piece;
    const isLong = (flags & LONG) !== 0;
    const start = this.#at + (isLong ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES);
    if (start > piece.length) return undefined;
    const byteLength = isLong ? longAt(piece, this.#at + 1) : (piece[this.#at + 1] as number);
    this.#admitLength(flags, byteLength);
    const end = start + byteLength;
    if (end <= piece.length) {
      this.#at = end;
      if (byteLength === 0) return NOTHING;
      const isCopied = byteLength <= COPIED_MAX_BYTES;
      return isCopied ? piece.slice(start, end) : piece.subarray(start, end);
    }
    this.#begun = { flags, byteLength, filled: 0, room: NOTHING };
    this.#at = start;
    return this.#rest(this.#begun);
  }

  /** More of a frame's body. */
  #rest(begun: Begun): Uint8Array | undefined {
    const piece = this.#piece.subarray(this.#at, this.#at + begun.byteLength - begun.filled);
    if (piece.length === 0) return undefined;
    this.#at += piece.length;
    const needed = begun.filled + piece.length;
    if (needed > begun.room.length) {
      const wanted = Math.max(needed, 2 * begun.room.length, FIRST_ROOM_BYTES);
      const room = Buffer.allocUnsafeSlow(Math.min(wanted, begun.byteLength));
      room.set(begun.room.subarray(0, begun.filled));
      begun.room = room;
    }
    begun.room.set(piece, begun.filled);
    begun.filled = needed;
    if (needed < begun.byteLength) return undefined;
    this.#begun = undefined;
    return begun.room;
  }

  #admitFlags(flags: number): void {
    const isCommand = (flags & COMMAND) !== 0;
    if ((flags & ~KNOWN_FLAGS) !== 0 || (isCommand && (flags & MORE) !== 0)) {
      throw malformed(`no frame has the flags ${flags}`);
    }
    if (!isCommand && !this.takesMessages) throw malformed("a message before the handshake");
  }

  /** Counts it in, before any of it is here. */
  #admitLength(flags: number, byteLength: number): void {
    const { commandBytes, frames, messageBytes } = this.#limits;
    if ((flags & COMMAND) !== 0) {
      if (byteLength > commandBytes)
        throw malformed(`a command of more than ${commandBytes} bytes`);
      return;
    }
    this.#messageBytes += byteLength;
    if (this.#messageBytes > messageBytes) {
      throw malformed(`a message of more than ${messageBytes} bytes`);
    }
    if (this.#frames.length >= frames) throw malformed(`a message of more than ${frames} frames`);
  }
}

/** What a peer does that ends the conversation. */
export function malformed(what: string): ServantError {
  return new ServantError("zmtp.malformed", `Cannot understand the peer: ${what}`);
}

/** Eight bytes; exact as far as any limit goes. */
function longAt(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}
