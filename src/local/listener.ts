/**
 * Where the door listens: a port of this machine or a socket file. It is opened while the plugin
 * loads, and what answers is loaded with the first request.
 */
import { chmodSync, lstatSync, readFileSync, realpathSync, unlinkSync } from "node:fs";
import { isIP } from "node:net";
import { basename, dirname, join } from "node:path";
import { ServantError } from "../core/errors.ts";
import { cannotListen, isTaken } from "../wire/cannot-listen.ts";
import { isLoopback } from "../wire/connection.ts";
import { DEFAULT_LOCAL_PORT } from "../wire/local-files.ts";
import type { Address } from "./guard.ts";

/** How long a client may stay silent, or take over its headers or its body, in seconds. */
const IDLE_S = 5;
/** How long answers may take once the door closes, in milliseconds; a log may go on for ever. */
const LAST_ANSWERS_MS = 200;

export interface Place {
  /** Somebody asked for just this: if it cannot be had, the agent must not start. */
  readonly isWished: boolean;
  /** Absent: the default, or a free port when that is taken. 0: any free one. */
  readonly port?: number | undefined;
  readonly bind: string;
  /** PEM files. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** A socket file instead of a port. */
  readonly socket?: string | undefined;
}

export interface ListenerOptions<Data> {
  readonly bodyMaxBytes: number;
  readonly fetch: (request: Request, server: Bun.Server<Data>) => Promise<Response | undefined>;
  readonly websocket: Bun.WebSocketHandler<Data>;
}

export interface Listening<Data> {
  readonly server: Bun.Server<Data>;
  readonly address: Address;
  /** `http://127.0.0.1:8422`, or `unix:/run/agent.sock`. */
  readonly url: string;
  /** The default port is taken: it listens on another one. */
  readonly isElsewhere: boolean;
  /** Ends what is open, too. */
  stop(): Promise<void>;
}

/**
 * Begins to listen.
 *
 * @throws {ServantError} `local.needs-tls`, `local.bad-tls`, `local.port-in-use`, `local.bad-address`
 */
export function listenAt<Data>(place: Place, options: ListenerOptions<Data>): Listening<Data> {
  return place.socket === undefined
    ? listenOnPort(place, options)
    : listenOnSocket(place.socket, options);
}

function listenOnPort<Data>(place: Place, options: ListenerOptions<Data>): Listening<Data> {
  const hostname = place.bind.replace(/^\[|\]$/g, "");
  const tls = readTls(place);
  if (tls === undefined && !isLoopback(hostname)) {
    const reason = "whoever listens there would read the token";
    throw new ServantError(
      "local.needs-tls",
      `Cannot listen on ${hostname} without TLS: ${reason}`,
    );
  }
  const base = { ...common(options), hostname, ...(tls === undefined ? {} : { tls }) };
  const { server, isElsewhere } = bindPort(base, place);
  const port = server.port ?? 0;
  const scheme = tls === undefined ? "http" : "https";
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  const isCertified = certified(tls?.cert);
  return {
    server,
    address: { scheme, port, isCertified },
    url: `${scheme}://${name}:${port}`,
    isElsewhere,
    stop: () => stopListening(server),
  };
}

type Base<Data> = Omit<Bun.Serve.HostnamePortServeOptions<Data>, "port" | "routes">;

function bindPort<Data>(base: Base<Data>, { port }: Place) {
  const bind = (wanted: number) => Bun.serve<Data>({ ...base, port: wanted } as never);
  const where = (wanted: number) => `${base.hostname}:${wanted}`;
  try {
    return { server: bind(port ?? DEFAULT_LOCAL_PORT), isElsewhere: false };
  } catch (cause) {
    if (port !== undefined || !isTaken(cause)) throw cannotListen(where(port ?? 0), cause);
  }
  try {
    return { server: bind(0), isElsewhere: true };
  } catch (cause) {
    throw cannotListen(where(0), cause);
  }
}

/** The file is its owner's alone from the moment it is there. */
function listenOnSocket<Data>(wanted: string, options: ListenerOptions<Data>): Listening<Data> {
  const path = realPath(wanted);
  removeStale(path);
  const before = process.umask(0o177);
  let server: Bun.Server<Data>;
  try {
    server = Bun.serve<Data>({ ...common(options), unix: path } as never);
  } catch (cause) {
    throw cannotListen(`unix:${path}`, cause);
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return {
    server,
    address: { scheme: "unix", port: 0, isCertified: () => false },
    url: `unix:${path}`,
    isElsewhere: false,
    stop: () => stopListening(server),
  };
}

/** The kernel knows a socket by one name: a live one must not look dead by way of a link. */
function realPath(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch (cause) {
    throw cannotListen(`unix:${path}`, cause);
  }
}

/** What is being answered (that it will drain, perhaps) gets out first. */
async function stopListening<Data>(server: Bun.Server<Data>): Promise<void> {
  void server.stop();
  const until = performance.now() + LAST_ANSWERS_MS;
  while (server.pendingRequests > 0 && performance.now() < until) await Bun.sleep(1);
  await server.stop(true);
}

/** What an agent that was killed left behind. A live one's is kept: binding it fails. */
function removeStale(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new ServantError("local.bad-address", `Cannot listen on unix:${path}: a file is there`);
  }
  if (!isListening(path)) unlinkSync(path);
}

/** The kernel's own list: asking the socket itself would have to be waited for. */
function isListening(path: string): boolean {
  try {
    const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
    return lines.some((line) => line.endsWith(` ${path}`));
  } catch {
    return true; // not Linux: it is left to whoever left it
  }
}

function common<Data>({ bodyMaxBytes, fetch, websocket }: ListenerOptions<Data>) {
  return {
    idleTimeout: IDLE_S,
    maxRequestBodySize: bodyMaxBytes,
    development: false,
    // Said aloud: out of development Bun would let a second process have the same port.
    reusePort: false,
    fetch,
    websocket,
    error: () => new Response(undefined, { status: 500 }),
  };
}

/** @throws {ServantError} `local.bad-tls` */
export function readTls({
  tlsCert,
  tlsKey,
}: Pick<Place, "tlsCert" | "tlsKey">): { cert: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new ServantError(
      "local.bad-tls",
      "Cannot use TLS: one of certificate and key is missing",
    );
  }
  try {
    const pair = { cert: readFileSync(tlsCert, "utf8"), key: readFileSync(tlsKey, "utf8") };
    certified(pair.cert);
    return pair;
  } catch (cause) {
    const files = `"${tlsCert}" and "${tlsKey}"`;
    throw new ServantError("local.bad-tls", `Cannot use TLS with ${files}: ${cause}`, { cause });
  }
}

function certified(pem: string | undefined): (name: string) => boolean {
  if (pem === undefined) return () => false;
  // Here alone: loading it would slow the start of every agent.
  const { X509Certificate } = require("node:crypto") as typeof import("node:crypto");
  const certificate = new X509Certificate(pem);
  return (name) => {
    const bare = name.replace(/^\[|\]$/g, "");
    const isFor = isIP(bare) === 0 ? certificate.checkHost(bare) : certificate.checkIP(bare);
    return isFor !== undefined;
  };
}
