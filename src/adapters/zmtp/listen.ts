/** Opens the listeners that ZeroMQ sockets connect to. */
import { chmodSync } from "node:fs";
import { cannotListen } from "../../wire/cannot-listen.ts";
import { type Endpoint, endpointUrl } from "./endpoint.ts";
import { type Line, lineEvents } from "./line.ts";
import { placeSocketFile } from "./socket-file.ts";

/** A dead line is found by the system at last, also of a peer that knows no PING; in milliseconds. */
const KEEP_ALIVE_MS = 30_000;

export type LineSocket = Bun.Socket<Line | undefined>;

export interface ListenOptions {
  readonly socketMode?: number | undefined;
  /** Someone has connected, by the listener of that URL. */
  open(socket: LineSocket, url: string): void;
}

export interface Listener {
  readonly url: string;
  /** Takes no more connections, and removes its socket file. */
  close(): void;
}

/**
 * Listens at one endpoint.
 *
 * @throws {ServantError} `local.port-in-use`, `local.bad-address`
 */
export async function listen(endpoint: Endpoint, options: ListenOptions): Promise<Listener> {
  return endpoint.transport === "tcp"
    ? listenOnPort(endpoint, options)
    : await listenOnFile(endpoint.path, options);
}

function listenOnPort(
  endpoint: Extract<Endpoint, { transport: "tcp" }>,
  { open }: ListenOptions,
): Listener {
  const { hostname, port } = endpoint;
  try {
    const listener = Bun.listen<Line | undefined>({
      hostname,
      port,
      socket: {
        ...lineEvents,
        open(socket) {
          socket.setNoDelay(true);
          socket.setKeepAlive(true, KEEP_ALIVE_MS);
          open(socket, url);
        },
      },
    });
    const url = endpointUrl({ ...endpoint, port: listener.port });
    return { url, close: () => listener.stop() };
  } catch (cause) {
    throw cannotListen(`${hostname}:${port}`, cause);
  }
}

/** The file is there under its name, with its permissions, once somebody listens. */
async function listenOnFile(
  path: string,
  { open, socketMode = 0o600 }: ListenOptions,
): Promise<Listener> {
  const url = endpointUrl({ transport: "ipc", path });
  try {
    return await placeSocketFile(path, (unborn) => {
      const before = process.umask(0o177);
      try {
        const listener = Bun.listen<Line | undefined>({
          unix: unborn,
          socket: { ...lineEvents, open: (socket) => open(socket, url) },
        });
        chmodSync(unborn, socketMode);
        return { url, close: () => listener.stop() };
      } finally {
        process.umask(before);
      }
    });
  } catch (cause) {
    throw cannotListen(`unix:${path}`, cause);
  }
}
