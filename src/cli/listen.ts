/** A backend on a port. */
import type { Backend } from "../backend/backend.ts";
import type { Telling } from "../backend/run-events.ts";
import { failureAnswer } from "../backend/status.ts";
import { ServantError } from "../core/errors.ts";
import { systemClock } from "../system/clock.ts";
import { addressed } from "../wire/addressed.ts";
import { isLoopback } from "../wire/connection.ts";
import { refuseForeignHost } from "../wire/stranger.ts";
import type { HostOptions } from "./options.ts";

/** The backend refuses what is too long by itself, with words; beyond this at least it is cut off. */
const CUT_OFF_BYTES = 128 * 2 ** 20;
/** How long answers may take once the backend stops, in milliseconds. */
const STOP_MS = 2_000;

/**
 * For every websocket. Clients say nothing; one that does not keep up with what it is told is sent
 * away, and asks again from where it was.
 */
const SOCKETS = {
  maxPayloadLength: 1024,
  backpressureLimit: 2 ** 20,
  closeOnBackpressureLimit: true,
  idleTimeout: 120,
} as const;

type Listens = Pick<Backend, "fetch" | "connect">;
interface Ears {
  readonly telling: Telling;
  /** Once it is open: what ends the telling. */
  end?: () => void;
}

export interface Listening {
  /** `http://127.0.0.1:8421` */
  readonly url: string;
  readonly port: number;
  /** Takes no more requests and ends those that are open. */
  stop(): Promise<void>;
}

/**
 * Serves a backend on a port; 0 is any free one. A request that is not admitted is answered 403 and
 * learns nothing else.
 *
 * @throws {ServantError} `local.port-in-use`, or `local.bad-address` for an address that is not here.
 */
export function listen(
  backend: Listens,
  {
    port: wanted,
    bind,
    maxBody = 0,
  }: Pick<HostOptions, "port" | "bind"> & Partial<Pick<HostOptions, "maxBody">>,
  admits: (request: Request) => boolean = () => true,
): Listening {
  const server = serve(backend, wanted, bind, admits, Math.max(2 * maxBody, CUT_OFF_BYTES));
  const port = server.port ?? wanted;
  const hostname = bind.includes(":") ? `[${bind.replace(/^\[|\]$/g, "")}]` : bind;
  return {
    url: `http://${hostname}:${port}`,
    port,
    async stop() {
      const patience = new AbortController();
      await Promise.race([server.stop(), systemClock.sleep(STOP_MS, patience.signal)]);
      patience.abort();
      await server.stop(true);
    },
  };
}

function serve(
  backend: Listens,
  port: number,
  hostname: string,
  admits: (request: Request) => boolean,
  maxRequestBodySize: number,
) {
  try {
    // No idle timeout: polls are held for a minute, executions for hours.
    return Bun.serve<Ears>({
      port,
      hostname,
      idleTimeout: 0,
      maxRequestBodySize,
      fetch(request, server) {
        if (!admits(request)) return new Response(null, { status: 403 });
        try {
          if (isLoopback(hostname)) refuseForeignHost(request.headers, isLoopback);
        } catch (cause) {
          const { status, body } = failureAnswer(cause);
          return Response.json(body, { status });
        }
        if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
          return backend.fetch(addressed(request));
        }
        const telling = backend.connect(request);
        if (telling instanceof Response) return telling;
        if (server.upgrade(request, { data: { telling } })) return undefined;
        return new Response("this is no websocket handshake", { status: 426 });
      },
      websocket: {
        ...SOCKETS,
        open(socket) {
          socket.data.end = socket.data.telling({
            send: (text) => void socket.send(text),
            close: (code, reason) => socket.close(code, reason),
          });
          if (socket.readyState !== WebSocket.OPEN) socket.data.end(); // it was sent away already
        },
        message() {},
        close(socket) {
          socket.data.end?.();
        },
      },
    });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const reason = `Cannot listen on ${hostname}:${port}`;
    if (code === "EADDRINUSE") {
      throw new ServantError("local.port-in-use", `${reason}: the port is taken`, { cause });
    }
    throw new ServantError("local.bad-address", `${reason}: it is not an address of this machine`, {
      cause,
    });
  }
}
