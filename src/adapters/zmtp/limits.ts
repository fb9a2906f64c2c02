/** What a ZMTP peer may use up, of memory and of time. */

const MIB = 1024 * 1024;

export interface ZmtpLimits {
  /** Bytes of one message, over all its frames. */
  readonly messageBytes: number;
  /** Frames of one message, its envelope's among them. */
  readonly frames: number;
  /** Bytes of one command; the largest that is known is READY with its properties. */
  readonly commandBytes: number;
  /** Connections of one server. */
  readonly peers: number;
  /** Requests of one REQ peer that wait for their answers: those it gave up count, too. */
  readonly unanswered: number;
  /** Bytes that wait for a peer to read them; past this it is closed. Holds one message. */
  readonly unsentBytes: number;
  /** From the connection to the end of the handshake. */
  readonly handshakeMs: number;
  /** A peer that is silent for this long is asked whether it is there: it has as long to answer. */
  readonly heartbeatMs: number;
  /** No byte in the middle of a message, or none read of what waits for it: it is closed. */
  readonly stalledMs: number;
}

export const DEFAULT_LIMITS: ZmtpLimits = {
  messageBytes: 16 * MIB,
  frames: 64,
  commandBytes: 4_096,
  peers: 1_024,
  unanswered: 64,
  unsentBytes: 32 * MIB,
  handshakeMs: 10_000,
  heartbeatMs: 10_000,
  stalledMs: 30_000,
};

/** Nothing more is read from a peer while so much waits for it to read, in bytes. */
export const UNREAD_BYTES = MIB;
/** Messages of one peer that are taken in one go: the others have their turns, too. */
export const TURN_MESSAGES = 256;
