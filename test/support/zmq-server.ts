/** A REP of ours beside a test, with what it was told; it ends with its scope. */
import { parseEndpoint } from "../../src/adapters/zmtp/endpoint.ts";
import {
  type Peer,
  type RepOptions,
  type RepServer,
  type Request,
  serveRep,
} from "../../src/adapters/zmtp/rep.ts";
import { messageOf } from "../../src/core/errors.ts";
import { systemClock } from "../../src/system/clock.ts";
import { PATIENCE_MS } from "./running.ts";

export interface ServedRep extends Disposable {
  readonly server: RepServer;
  readonly url: string;
  /** Every request so far, answered or not. */
  readonly requests: Request[];
  /** Peers that went, and why this side sent them away: "" when it did not. */
  readonly gone: { readonly peer: Peer; readonly why: string }[];
  /** Why connections were closed before the end of their handshake. */
  readonly refused: string[];
}

/** Answers with what it was asked, unless told otherwise. */
export async function servedRep({
  urls = ["tcp://127.0.0.1:0"],
  ...options
}: Partial<RepOptions> & { readonly urls?: readonly string[] } = {}): Promise<ServedRep> {
  const requests: Request[] = [];
  const gone: ServedRep["gone"] = [];
  const refused: string[] = [];
  const server = await serveRep({
    endpoints: urls.map(parseEndpoint),
    clock: systemClock,
    onGone: (peer, reason) => gone.push({ peer, why: reason ? messageOf(reason) : "" }),
    onRefused: (_, reason) => refused.push(messageOf(reason)),
    ...options,
    onRequest(request) {
      requests.push(request);
      if (options.onRequest) options.onRequest(request);
      else request.answer(request.frames);
    },
  });
  const [url = ""] = server.urls;
  return { server, url, requests, gone, refused, [Symbol.dispose]: () => server.close() };
}

/** Waits for what the event loop will bring. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > untilMs) throw new Error(`Not in time: ${what}`);
    await Bun.sleep(2);
  }
}
