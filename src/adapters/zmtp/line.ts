/**
 * One connection: a `Session` on a socket of Bun, TCP or Unix alike. It reads no faster than its owner
 * takes and its peer reads, and closes on whatever is not ZMTP.
 */

import { type ServantError, toServantError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { malformed } from "./frame-reader.ts";
import { DEFAULT_LIMITS, TURN_MESSAGES, UNREAD_BYTES, type ZmtpLimits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { type Message, type Role, Session } from "./session.ts";
import { Sweeper, Vigil } from "./vigil.ts";

/** Who the messages are for. */
export interface LineOwner {
  /** False: `take` is not called before `Line.goOn` is. */
  readonly hasRoom: boolean;
  ready?(): void;
  take(message: Message): void;
  /** Called once, at last; `reason` is why this side ended it, if it did. */
  closed(reason: ServantError | undefined): void;
}

/** What the lines of one socket have in common. */
export class Lines {
  readonly limits: ZmtpLimits;
  readonly sweeper: Sweeper;

  constructor(clock: Pick<Clock, "sleep">, limits: Partial<ZmtpLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    const { handshakeMs, heartbeatMs, stalledMs } = this.limits;
    this.sweeper = new Sweeper(clock, Math.min(handshakeMs, heartbeatMs, stalledMs));
  }
}

export class Line {
  readonly #socket: Bun.Socket<Line | undefined>;
  readonly #lines: Lines;
  readonly #session: Session;
  readonly #outbox: Outbox;
  readonly #vigil: Vigil;
  #owner: LineOwner | undefined;
  /** The message after the one that was taken last, or the one that there is no room for. */
  #ahead: Message | undefined;
  /** What was found wrong behind it. */
  #broken: ServantError | undefined;
  #isTaking = false;
  /** It had its turn: others come first. */
  #isWaiting = false;
  #isPaused = false;
  #isReady = false;

  constructor(socket: Bun.Socket<Line | undefined>, role: Role, lines: Lines) {
    this.#socket = socket;
    this.#lines = lines;
    this.#session = new Session(role, lines.limits, (bytes) => this.send(bytes));
    this.#outbox = new Outbox((bytes) => socket.write(bytes));
    this.#vigil = new Vigil(lines.limits);
  }

  /** Begins; what comes is `owner`'s from here on. */
  start(owner: LineOwner): void {
    this.#owner = owner;
    this.#lines.sweeper.add(this);
    this.#session.start();
  }

  get isOpen(): boolean {
    return this.#owner !== undefined;
  }

  /** What the peer said of itself; undefined until the handshake is done. */
  get peer() {
    return this.#session.peer;
  }

  /** A message after the one that was taken last is here already. */
  get hasAhead(): boolean {
    return this.#ahead !== undefined;
  }

  /** Sends one piece: whole, in order, or the line closes. */
  send(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    this.#outbox.send(bytes);
    if (this.#outbox.isClosed) this.close();
    else if (this.#outbox.bytes > this.#lines.limits.unsentBytes) {
      this.close(malformed("it does not read what is sent to it"));
    }
  }

  /** The owner may have room again. */
  goOn(): void {
    if (this.#isTaking || this.#isWaiting || !this.isOpen) return;
    this.#isTaking = true;
    try {
      this.#takeAll();
    } catch (cause) {
      this.close(toServantError(cause));
    } finally {
      this.#isTaking = false;
    }
    this.#pauseOrResume();
  }

  /** What the socket has taken by now still reaches the peer. */
  close(reason?: ServantError): void {
    const owner = this.#owner;
    if (owner === undefined) return;
    this.#owner = undefined;
    this.#ahead = undefined;
    this.#outbox.clear();
    this.#lines.sweeper.delete(this);
    this.#socket.end();
    owner.closed(reason);
  }

  /** The socket has read this; it keeps no hold on it. */
  arrived(piece: Uint8Array): void {
    if (!this.isOpen) return;
    this.#vigil.heard();
    try {
      this.#session.push(piece);
    } catch (cause) {
      this.close(toServantError(cause));
      return;
    }
    this.goOn();
  }

  /** The socket takes more. */
  drained(): void {
    this.#vigil.read();
    this.#outbox.flush();
    if (this.#outbox.isClosed) this.close();
    else this.goOn();
  }

  /** Looks after the time. */
  sweep(ms: number): void {
    if (this.#isPaused) this.#vigil.heard(); // it is not being listened to
    const verdict = this.#vigil.sweep(ms, {
      isReady: this.#isReady,
      isAmid: this.#session.isAmid,
      isUnread: this.#outbox.bytes > 0,
      knowsPing: this.#session.knowsPing,
      ttlMs: this.#session.ttlMs,
    });
    if (verdict === "ping") this.#session.ping();
    else if (verdict !== undefined) this.close(malformed(verdict));
  }

  /** Hands out one message once it is known whether another one follows. */
  #takeAll(): void {
    for (let taken = 0; ; taken += 1) {
      this.#ahead ??= this.#look();
      const message = this.#ahead;
      if (message === undefined || !this.#mayTake) break;
      if (taken === TURN_MESSAGES) {
        this.#isWaiting = true;
        setImmediate(() => {
          this.#isWaiting = false;
          this.goOn();
        });
        break;
      }
      this.#ahead = this.#look();
      this.#owner?.take(message);
    }
    if (this.#ahead === undefined && this.#broken !== undefined) this.close(this.#broken);
  }

  get #mayTake(): boolean {
    return this.#owner?.hasRoom === true && !this.#isUnread;
  }

  /** So much waits for the peer that nothing more is to be made for it. */
  get #isUnread(): boolean {
    return this.#outbox.bytes > UNREAD_BYTES;
  }

  /** What came before a fault still counts. */
  #look(): Message | undefined {
    if (this.#broken !== undefined) return undefined;
    try {
      const message = this.#session.next();
      if (!this.#isReady && this.#session.peer !== undefined) {
        this.#isReady = true;
        this.#owner?.ready?.();
      }
      return message;
    } catch (cause) {
      this.#broken = toServantError(cause);
      return undefined;
    }
  }

  /** Nothing more is read while a message waits to be taken. */
  #pauseOrResume(): void {
    if (!this.isOpen) return;
    const isHeld = this.#ahead !== undefined || this.#isUnread;
    if (isHeld === this.#isPaused) return;
    this.#isPaused = isHeld;
    if (isHeld) this.#socket.pause();
    else this.#socket.resume();
  }
}

/** Hands what happens to a socket to its line. */
export const lineEvents = {
  binaryType: "uint8array",
  data: (socket: Bun.Socket<Line | undefined>, piece: Uint8Array) => socket.data?.arrived(piece),
  drain: (socket: Bun.Socket<Line | undefined>) => socket.data?.drained(),
  close: (socket: Bun.Socket<Line | undefined>) => socket.data?.close(),
  error() {}, // it closes, too
} as const;
