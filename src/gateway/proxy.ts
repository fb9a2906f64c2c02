/** Passes requests on to a session's process, and its answers back. */
import { ServantError } from "../core/errors.ts";
import { GATEWAY_SECRET_HEADER } from "../core/gateway.ts";
import type { Place } from "./sessions.ts";

/** A request's way through: whoever gets it calls `leave` once all is over. */
export interface Way extends Place {
  /** Aborts when the token that opened it is revoked or has come to its end. */
  readonly ended: AbortSignal;
}

/** The client's end of a websocket that is open. */
export interface ClientSocket {
  send(data: string | Uint8Array): void;
  close(code: number, reason: string): void;
}
/** Connects the two ends; returns what is to be called with what the client says and does. */
export type Tunnel = (socket: ClientSocket) => {
  message(data: string | Uint8Array): void;
  close(code: number, reason: string): void;
};

export interface SessionProxy {
  /** `rest` is the path behind `/s/{id}`, with its query. */
  fetch(request: Request, way: Way, rest: string): Promise<Response>;
  /** For a request that asks for a websocket. */
  connect(request: Request, way: Way, rest: string): Promise<Tunnel | Response>;
}

export interface ProxyOptions {
  readonly maxBodyBytes: number;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

export function proxy(options: ProxyOptions): SessionProxy {
  return {
    async fetch(request, way, rest) {
      try {
        const headers = new Headers(request.headers);
        headers.delete("authorization");
        headers.set(GATEWAY_SECRET_HEADER, way.secret);
        const { method, body, signal } = request;
        const init = { method, headers, body, signal, decompress: false };
        const answer = await options.fetch(way.url + rest, init);
        const told = new Headers(answer.headers);
        told.set("X-Session-Expires-In", String(way.expiresInS));
        return new Response(answer.body, { status: answer.status, headers: told });
      } catch (cause) {
        throw new ServantError("session.dead", "Cannot reach the session", { cause });
      } finally {
        way.leave();
      }
    },
    async connect(_request, way) {
      way.leave();
      return new Response(undefined, { status: 501 });
    },
  };
}
