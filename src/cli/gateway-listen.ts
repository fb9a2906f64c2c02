/** The gateway on a port: TLS, and where each request comes from. */

import { ServantError } from "../core/errors.ts";
import type { Gateway } from "../gateway/door.ts";
import { isStreamed } from "../gateway/proxy.ts";
import { RELAY_AHEAD_BYTES, type Tunnel } from "../gateway/relay.ts";
import { readTls } from "../local/listener.ts";
import { systemClock } from "../system/clock.ts";
import { cannotListen } from "../wire/cannot-listen.ts";
import { isLoopback } from "../wire/connection.ts";
import type { HostOptions } from "./options.ts";

/** How long answers may take once the gateway stops, in milliseconds. */
const STOP_MS = 2_000;
/** How long a client may take over the head of a request, in seconds. */
const IDLE_S = 10;
/** How long a connection is kept for the next request, in seconds. */
const KEEP_S = 120;
/** A body that is refused is still read, so that its client gets to the answer: up to so many limits. */
const DRAIN_TIMES = 8;
/** What is answered before the body is here: it must not come for ever. */
const REFUSED: readonly number[] = [401, 403, 404, 413];

interface Ends {
  readonly tunnel: Tunnel;
  far?: ReturnType<Tunnel["join"]>;
}

export interface Listening {
  /** `https://0.0.0.0:8421` */
  readonly url: string;
  readonly port: number;
  /**
   * Shows another certificate from now on; what is open stays open.
   *
   * @throws {ServantError} `local.bad-tls`: it goes on with the one before
   */
  renew(tls: Tls): void;
  /** Takes no more requests and ends those that are open. */
  stop(): Promise<void>;
}

/** PEM. */
interface Tls {
  readonly cert: string;
  readonly key: string;
}
type Server = Bun.Server<Ends>;
type Listens = Pick<Gateway, "fetch" | "connect">;
type Options = Pick<
  HostOptions,
  "port" | "bind" | "tlsCert" | "tlsKey" | "insecureHttp" | "maxBody"
> & { readonly keepS?: number };

/** @throws {ServantError} `local.needs-tls`, `local.bad-tls`, `local.port-in-use`, `local.bad-address` */
export function listenForGateway(gateway: Listens, options: Options): Listening {
  const hostname = options.bind.replace(/^\[|\]$/g, "");
  const tls = readTls(options);
  if (tls === undefined && !isLoopback(hostname) && options.insecureHttp !== true) {
    const reason =
      "passwords and tokens would travel in clear; --insecure-http takes that upon you";
    throw new ServantError("local.needs-tls", `Cannot listen on ${hostname}: ${reason}`);
  }
  let server = serve(gateway, options, hostname, tls);
  const port = server.port ?? options.port;
  /** With certificates before, as long as something is open there. */
  const earlier = new Set<Server>();
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    url: `${tls === undefined ? "http" : "https"}://${name}:${port}`,
    port,
    renew(renewed) {
      refuseBadTls(renewed);
      const before = server;
      earlier.add(before);
      void before.stop().then(() => earlier.delete(before));
      // The runtime has no way to change it (its `reload` keeps the old one): the port is free for less
      // than a millisecond.
      server = serve(gateway, { ...options, port }, hostname, renewed);
    },
    async stop() {
      const patience = new AbortController();
      const all = [server, ...earlier];
      const ended = Promise.all(all.map((each) => each.stop()));
      await Promise.race([ended, systemClock.sleep(STOP_MS, patience.signal)]);
      patience.abort();
      await Promise.all(all.map((each) => each.stop(true)));
    },
  };
}

/** @throws {ServantError} `local.bad-tls` when it cannot be served with */
function refuseBadTls(tls: Tls): void {
  try {
    void Bun.serve({ port: 0, hostname: "127.0.0.1", tls, fetch: () => new Response() }).stop(true);
  } catch (cause) {
    throw cannotListen("127.0.0.1", cause);
  }
}

function serve(
  gateway: Listens,
  { keepS = KEEP_S, maxBody, port }: Options,
  hostname: string,
  tls: Tls | undefined,
) {
  try {
    return Bun.serve<Ends>({
      port,
      hostname,
      ...(tls === undefined ? {} : { tls }),
      idleTimeout: IDLE_S,
      // The gateway refuses what is too long by itself, with words; beyond this it is cut off.
      maxRequestBodySize: DRAIN_TIMES * maxBody,
      development: false,
      reusePort: false,
      async fetch(request, server) {
        const from = server.requestIP(request)?.address ?? "";
        // Polls are held for a minute, executions for hours: whoever passes them on ends them.
        server.timeout(request, 0);
        const isSocket = request.headers.get("upgrade")?.toLowerCase() === "websocket";
        if (!isSocket) {
          const answer = await gateway.fetch(request, from);
          const idleS = REFUSED.includes(answer.status) ? IDLE_S : keepS;
          if (!isStreamed(answer)) server.timeout(request, idleS);
          return answer;
        }
        const tunnel = await gateway.connect(request, from);
        if (tunnel instanceof Response) return tunnel;
        const { protocol } = tunnel;
        const headers = protocol === "" ? {} : { "Sec-WebSocket-Protocol": protocol };
        if (server.upgrade(request, { data: { tunnel }, headers })) return undefined;
        tunnel.abandon();
        return new Response("this is no websocket handshake", { status: 426 });
      },
      websocket: {
        idleTimeout: 120,
        maxPayloadLength: RELAY_AHEAD_BYTES,
        backpressureLimit: RELAY_AHEAD_BYTES,
        open(socket) {
          socket.data.far = socket.data.tunnel.join({
            send: (data) => socket.send(data) !== 0,
            close: (code, reason) => socket.close(code, reason),
          });
        },
        message: (socket, data) => socket.data.far?.message(data),
        close: (socket, code, reason) => socket.data.far?.close(code, reason),
      },
    });
  } catch (cause) {
    throw cannotListen(`${hostname}:${port}`, cause);
  }
}
