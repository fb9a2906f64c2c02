/**
 * A REP: answers the requests of whoever connects, each peer by itself, so that a slow answer to one
 * holds up no other. What it keeps of a peer goes with the connection.
 */
import { ServantError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { type Endpoint, endpointUrl } from "./endpoint.ts";
import type { ZmtpLimits } from "./limits.ts";
import { Line, Lines } from "./line.ts";
import { type LineSocket, type Listener, listen } from "./listen.ts";
import { RepPeer } from "./rep-peer.ts";
import { REP } from "./session.ts";

/** Who asks: one connection, with its own life. */
export interface Peer {
  /** Its own as long as the server lives; a peer that connects again is another one. */
  readonly id: number;
  /** Where it comes from: `tcp://127.0.0.1:40112`, or the socket file that it came by. */
  readonly address: string;
  /** What it calls itself; empty as a rule. */
  readonly routingId: Uint8Array;
  readonly isOpen: boolean;
  /** Ends the connection. */
  close(): void;
}

export interface Request {
  readonly peer: Peer;
  /** What follows the envelope, one frame at least: maybe views of what was read, not to be written to. */
  readonly frames: readonly Uint8Array[];
  /**
   * Answers it, once, with a frame at least. False: nobody waits for it any more. The peer is gone, or
   * it is a REQ that has asked again meanwhile, which would take this for the answer to that.
   *
   * @throws {ServantError} `agent.internal`: it was answered before.
   */
  answer(frames: readonly Uint8Array[]): boolean;
}

export interface RepOptions {
  /** At least one; all of them or none are opened. */
  readonly endpoints: readonly Endpoint[];
  readonly clock: Pick<Clock, "sleep">;
  /** Called for each request as it comes. What it throws ends the connection, and nothing else. */
  onRequest(request: Request): void;
  /** A peer that had finished its handshake is gone; `reason` is why it was sent away, if it was. */
  onGone?(peer: Peer, reason: ServantError | undefined): void;
  /** A connection was closed that never finished its handshake, with what it did wrong. */
  onRefused?(address: string, reason: ServantError): void;
  readonly limits?: Partial<ZmtpLimits>;
  /** Permissions of a socket file; 0600 unless said. */
  readonly socketMode?: number;
}

export interface RepServer {
  /** Where it listens, as a client is told: `tcp://127.0.0.1:7613`, `ipc:///run/arm.sock`. */
  readonly urls: readonly string[];
  /** How many are connected. */
  readonly peers: number;
  /** Ends every connection and every listener; answers that are still to come go nowhere. */
  close(): void;
}

/**
 * Begins to listen.
 *
 * @throws {ServantError} `local.port-in-use`, `local.bad-address`
 */
export async function serveRep(options: RepOptions): Promise<RepServer> {
  const lines = new Lines(options.clock, options.limits);
  const peers = new Set<RepPeer>();
  const listeners: Listener[] = [];
  let lastId = 0;

  const open = (socket: LineSocket, url: string) => {
    const { remoteAddress, remotePort } = socket;
    const address = remoteAddress
      ? endpointUrl({ transport: "tcp", hostname: remoteAddress, port: remotePort })
      : url;
    if (peers.size >= lines.limits.peers) {
      socket.end();
      options.onRefused?.(address, tooMany(peers.size));
      return;
    }
    const line = new Line(socket, REP, lines);
    socket.data = line;
    lastId += 1;
    const peer = new RepPeer({ id: lastId, address, line, options, limits: lines.limits }, () =>
      peers.delete(peer),
    );
    peers.add(peer);
    line.start(peer);
  };

  const close = () => {
    for (const peer of [...peers]) peer.close();
    for (const listener of listeners.splice(0)) listener.close();
  };
  try {
    for (const endpoint of options.endpoints) {
      listeners.push(await listen(endpoint, { open, socketMode: options.socketMode }));
    }
  } catch (cause) {
    close();
    throw cause;
  }
  return {
    urls: listeners.map(({ url }) => url),
    get peers() {
      return peers.size;
    },
    close,
  };
}

function tooMany(peers: number): ServantError {
  return new ServantError("local.too-many", `Cannot take a peer more: ${peers} are connected`);
}
