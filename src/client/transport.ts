/**
 * How a client's requests travel. An execution is answered when it is over, which may be hours: Bun's
 * fetch can wait so long, Node's own gives up after 300 s without headers, so there it is `node:http`.
 * Either probes a silent connection, so that a link that is dead at one end does not hold it for ever.
 */
import type { IncomingMessage } from "node:http";
import type { Fetch } from "../wire/connection.ts";

/** How long a connection is silent before the system probes it, in milliseconds; Bun's are 60 s. */
const PROBE_AFTER_MS = 30_000;
/** Statuses whose answers have no body. */
const BODILESS: readonly number[] = [204, 205, 304];

/** What the runtime offers. */
export const clientFetch: Fetch = (url, init) =>
  process.versions.bun === undefined ? nodeFetch(url, init) : fetch(url, init);

type Protocol = typeof import("node:http") | typeof import("node:https");
/** Connections that are used again, of each protocol. */
const pools = new Map<Protocol, InstanceType<Protocol["Agent"]>>();

/** As much of `fetch` as `Connection` uses, without a limit in time and without redirects. */
export const nodeFetch: Fetch = async (url, init) => {
  const protocol: Protocol = url.startsWith("https:")
    ? await import("node:https")
    : await import("node:http");
  const { Readable } = await import("node:stream");
  const { method = "GET", headers, signal, body } = init;
  // What changes something goes out once, on a connection of its own: on one that was idle, nobody
  // could tell whether the server closed it before or after it read the request.
  const isRead = method === "GET";
  return await new Promise<Response>((resolve, reject) => {
    const outgoing = protocol.request(url, {
      method,
      headers: Object.fromEntries(new Headers(headers)),
      agent: isRead ? poolOf(protocol) : false,
    });
    const abort = () => outgoing.destroy(asError(signal?.reason));
    outgoing.on("socket", (socket) => socket.setKeepAlive(true, PROBE_AFTER_MS));
    outgoing.on("error", (cause: NodeJS.ErrnoException) => {
      const wasIdle = isRead && outgoing.reusedSocket && cause.code === "ECONNRESET";
      if (wasIdle) nodeFetch(url, init).then(resolve, reject);
      else reject(cause);
    });
    outgoing.on("close", () => signal?.removeEventListener("abort", abort));
    outgoing.on("response", (incoming) => {
      try {
        const stream = Readable.toWeb(incoming) as unknown as ReadableStream<Uint8Array>;
        resolve(answerOf(incoming, stream));
      } catch (cause) {
        outgoing.destroy();
        reject(cause); // a status or a header that no answer has
      }
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
    outgoing.end(body as string | undefined);
  });
};

function answerOf(incoming: IncomingMessage, stream: ReadableStream<Uint8Array>): Response {
  const { statusCode: status = 0, rawHeaders } = incoming;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  }
  const isBodiless = BODILESS.includes(status);
  if (isBodiless) void stream.cancel();
  return new Response(isBodiless ? null : stream, { status, headers });
}

function poolOf(protocol: Protocol): InstanceType<Protocol["Agent"]> {
  const pool = pools.get(protocol) ?? new protocol.Agent({ keepAlive: true });
  pools.set(protocol, pool);
  return pool;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
