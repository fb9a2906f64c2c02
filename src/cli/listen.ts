/** A backend on a port. */
import type { Backend } from "../backend/backend.ts";
import { failureAnswer } from "../backend/status.ts";
import { ServantError } from "../core/errors.ts";
import { systemClock } from "../system/clock.ts";
import { isLoopback } from "../wire/connection.ts";
import { refuseForeignHost } from "../wire/stranger.ts";
import type { HostOptions } from "./options.ts";

/** How long answers may take once the backend stops, in milliseconds. */
const STOP_MS = 2_000;

export interface Listening {
  /** `http://127.0.0.1:8421` */
  readonly url: string;
  readonly port: number;
  /** Takes no more requests and ends those that are open. */
  stop(): Promise<void>;
}

/**
 * Serves a backend on a port; 0 is any free one.
 *
 * @throws {ServantError} `local.port-in-use`, or `local.bad-address` for an address that is not here.
 */
export function listen(
  backend: Pick<Backend, "fetch">,
  { port: wanted, bind }: Pick<HostOptions, "port" | "bind">,
): Listening {
  const server = serve(backend, wanted, bind);
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

function serve(backend: Pick<Backend, "fetch">, port: number, hostname: string) {
  try {
    // No idle timeout: polls are held for a minute, executions for hours.
    return Bun.serve({
      port,
      hostname,
      idleTimeout: 0,
      fetch(request) {
        try {
          if (isLoopback(hostname)) refuseForeignHost(request.headers, isLoopback);
        } catch (cause) {
          const { status, body } = failureAnswer(cause);
          return Response.json(body, { status });
        }
        return backend.fetch(request);
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
