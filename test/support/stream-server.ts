/** A log stream on a real socket, without the agent around it. */
import type { AgentEvent } from "../../src/core/events.ts";
import type { LogStore } from "../../src/core/log.ts";
import { Feed } from "../../src/local/feed.ts";
import { Ring, type RingLimits } from "../../src/local/ring.ts";
import { LogStream, type Visitor } from "../../src/local/stream.ts";
import { systemClock } from "../../src/system/clock.ts";

export interface StreamServer extends AsyncDisposable {
  readonly feed: Feed;
  readonly stream: LogStream;
  readonly port: number;
  readonly url: string;
}

export function startStream(
  options: { readonly store?: LogStore; readonly ring?: Partial<RingLimits> } = {},
): StreamServer {
  const { store } = options;
  const feed = new Feed({
    clock: systemClock,
    ring: new Ring(options.ring),
    ...(store === undefined ? {} : { store }),
  });
  const stream = new LogStream({ feed, clock: systemClock, boot: "boot-1" });
  const server = Bun.serve<Visitor>({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => stream.upgrade(request, self),
    websocket: stream.websocket,
  });
  const port = server.port ?? 0;
  return {
    feed,
    stream,
    port,
    url: `ws://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      await stream.close();
      await feed.close();
      await server.stop(true);
    },
  };
}

/** A line of a plugin. */
export function said(
  message: string,
  more: Partial<Omit<Extract<AgentEvent, { type: "plugin.log" }>, "type" | "message">> = {},
): AgentEvent {
  return { type: "plugin.log", level: "info", message, fields: {}, ...more };
}
