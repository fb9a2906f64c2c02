/** How much the door takes at most. */

/** The largest body that is read, in bytes: a reason is all that anybody sends. */
export const BODY_MAX_BYTES = 16 * 1024;
/** Requests that may be under way at once. */
export const REQUESTS_MAX = 64;
/** Answers of `/v1/logs` that may be under way at once. */
export const LOG_READERS_MAX = 32;

/** For every websocket. They stand here because the door opens before the stream is loaded. */
export const SOCKET_LIMITS = {
  /** The longest frame that a client may send, in bytes. */
  maxPayloadLength: 16 * 1024,
  /**
   * Never reached: a reader steps aside long before. The socket itself would drop lines without a
   * word about whose they were. In bytes.
   */
  backpressureLimit: 64 * 2 ** 20,
  /** How long a client may stay silent, in seconds: it answers pings, or it is gone. */
  idleTimeout: 120,
  /** Five times slower, for a loopback that has room. */
  perMessageDeflate: false,
} as const;
