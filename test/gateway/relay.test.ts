/** Websockets through the gateway: what either end says and how it leaves. */
import { expect, test } from "bun:test";
import { GATEWAY_SECRET_HEADER } from "../../src/core/gateway.ts";
import { openTunnel } from "../../src/gateway/relay.ts";
import { type Proxied, proxied, SECRET, until } from "../support/proxied.ts";
import { RawHttp, rawServer } from "../support/raw-http.ts";
import { RawReader } from "../support/raw-reader.ts";

const KEY = "AAAAAAAAAAAAAAAAAAAAAA==";

interface Heard {
  readonly said: (string | Uint8Array)[];
  closed?: readonly [code: number, reason: string];
}

/** A session that does what each message says. */
function session({ onOpen = (_: Bun.ServerWebSocket<undefined>) => {} } = {}) {
  const heard: Heard = { said: [] };
  let last: Bun.ServerWebSocket<undefined> | undefined;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch(request, self) {
      const { pathname } = new URL(request.url);
      if (pathname !== "/runs/1/events") return Response.json({ detail: "no" }, { status: 404 });
      if (request.headers.get(GATEWAY_SECRET_HEADER) !== SECRET)
        return new Response("", { status: 403 });
      const wanted = request.headers.get("sec-websocket-protocol");
      const headers = wanted === null ? {} : { "Sec-WebSocket-Protocol": "second" };
      const isFull = request.url.endsWith("?full");
      return !isFull && self.upgrade(request, { headers })
        ? undefined
        : new Response("a run's events");
    },
    websocket: {
      open(socket) {
        last = socket;
        onOpen(socket);
      },
      message(socket, said) {
        heard.said.push(said);
        if (typeof said === "string" && said.startsWith("close ")) {
          socket.close(Number(said.slice(6)), "as asked");
        } else socket.send(said);
      },
      close(_, code, reason) {
        heard.closed = [code, reason];
      },
    },
  });
  return {
    port: server.port ?? 0,
    heard,
    kill: () => last?.terminate(),
    [Symbol.asyncDispose]: async () => await server.stop(true),
  };
}

interface Client {
  readonly socket: WebSocket;
  readonly said: unknown[];
  readonly closed: Promise<readonly [code: number, reason: string]>;
}

async function client(
  { url }: Proxied,
  path = "/runs/1/events",
  protocols: string[] = [],
): Promise<Client> {
  const socket = new WebSocket(url.replace("http", "ws") + path, protocols);
  socket.binaryType = "arraybuffer";
  const said: unknown[] = [];
  socket.onmessage = ({ data }) => said.push(data);
  const closed = new Promise<readonly [number, string]>((resolve) => {
    socket.onclose = ({ code, reason }) => resolve([code, reason]);
  });
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return { socket, said, closed };
}

test("what either end says reaches the other, text and bytes, from the first word on", async () => {
  await using inside = session({ onOpen: (socket) => void socket.send("first") });
  await using gateway = proxied(inside.port);
  const { socket, said } = await client(gateway);
  socket.send("ä word");
  socket.send(new Uint8Array([0, 255]));
  await until(() => said.length === 3);
  expect(said.slice(0, 2)).toEqual(["first", "ä word"]);
  expect(new Uint8Array(said[2] as ArrayBuffer)).toEqual(new Uint8Array([0, 255]));
  expect(gateway.inFlight).toBe(1);
  socket.close(4_001, "enough");
  await until(() => gateway.inFlight === 0);
  expect(inside.heard.closed).toEqual([4_001, "enough"]);
});

test("what the session says before the client's end is open is told then", async () => {
  await using inside = session({
    onOpen(socket) {
      socket.send("first");
      socket.close(4_002, "and last");
    },
  });
  let hasLeft = false;
  const way = {
    url: `http://127.0.0.1:${inside.port}`,
    secret: SECRET,
    isThere: () => true,
    expiresInS: 1,
    ended: new AbortController().signal,
    leave() {
      hasLeft = true;
    },
  };
  const to = { id: "x", rest: "/runs/1/events" };
  const tunnel = await openTunnel(new Request("http://h/"), way, to);
  await until(() => hasLeft);
  const told: unknown[] = [];
  tunnel?.join({
    send: (data) => told.push(data) > 0,
    close: (...how) => told.push(how),
  });
  expect(told).toEqual(["first", [4_002, "and last"]]);
});

test("a session's close reaches the client as it was said", async () => {
  await using inside = session();
  await using gateway = proxied(inside.port);
  for (const code of [1000, 1008, 1011, 4_123]) {
    const { socket, closed } = await client(gateway);
    socket.send(`close ${code}`);
    expect(await closed).toEqual([code, "as asked"]);
  }
  const { closed } = await client(gateway);
  inside.kill();
  expect(await closed).toEqual([1014, "the session ended"]);
  await until(() => gateway.inFlight === 0);
});

test("a client that vanishes is gone for the session, too", async () => {
  await using inside = session();
  await using gateway = proxied(inside.port);
  const { socket } = await client(gateway);
  socket.terminate();
  await until(() => gateway.inFlight === 0 && inside.heard.closed !== undefined);
});

test("a session that opens no websocket says why", async () => {
  await using inside = session();
  await using gateway = proxied(inside.port);
  const headers = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
  };
  const answer = await fetch(`${gateway.url}/runs/2/events`, { headers });
  expect([answer.status, await answer.json()]).toEqual([404, { detail: "no" }]);
  const full = await fetch(`${gateway.url}/runs/1/events?full`, { headers });
  expect([full.status, await full.json()]).toMatchObject([503, { code: "local.too-many" }]);
  expect(gateway.inFlight).toBe(0);
});

test("a client that goes while its session says nothing takes the handshake along", async () => {
  await using silent = await rawServer(() => {});
  await using gateway = proxied(silent.port);
  const raw = await RawHttp.open(gateway);
  const head = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
  const path = new URL(`${gateway.url}/runs/1/events`).pathname;
  raw.send(
    `GET ${path} HTTP/1.1\r\nHost: h\r\n${head.join("\r\n")}\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
  );
  await until(() => silent.heard.join("").includes("/runs/1/events"));
  raw.close();
  await until(() => silent.open.size === 0 && gateway.inFlight === 0);
});

test("subprotocols are the session's to choose", async () => {
  await using inside = session();
  await using gateway = proxied(inside.port);
  const { socket } = await client(gateway, "/runs/1/events", ["first", "second"]);
  expect(socket.protocol).toBe("second");
  socket.close();
});

test("a logout closes what the token had opened", async () => {
  await using inside = session();
  await using gateway = proxied(inside.port);
  const { closed } = await client(gateway);
  gateway.logOut();
  expect(await closed).toEqual([1008, "logged out"]);
  await until(() => gateway.inFlight === 0 && inside.heard.closed !== undefined);
});

test("a client that does not read is sent away, and the session with it", async () => {
  const line = "x".repeat(1_000);
  let isOpen = true;
  await using inside = session({
    onOpen(socket) {
      const tell = () => {
        for (let at = 0; at < 1_000 && isOpen; at += 1) socket.send(line);
        if (isOpen) setTimeout(tell, 1);
      };
      tell();
    },
  });
  await using gateway = proxied(inside.port);
  const path = new URL(`${gateway.url}/runs/1/events`).pathname;
  const reader = await RawReader.open({ port: gateway.port, path, onFrame() {} });
  reader.pause();
  await until(() => inside.heard.closed !== undefined);
  isOpen = false;
  await until(() => gateway.inFlight === 0);
  reader.close();
});

test("what a session answers to no websocket is not done by asking for one", async () => {
  let done = 0;
  await using inside = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ headers }) {
      if (headers.has("upgrade")) return Response.json({ detail: "no websocket" }, { status: 404 });
      done += 1;
      return new Response("done");
    },
  });
  await using gateway = proxied(inside.port ?? 0);
  const head = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13";
  for (const method of ["GET", "POST"]) {
    const raw = await RawHttp.open(gateway);
    const path = new URL(`${gateway.url}/trigger`).pathname;
    const rest = `Sec-WebSocket-Key: ${KEY}\r\nContent-Length: 0\r\n\r\n`;
    raw.send(`${method} ${path} HTTP/1.1\r\nHost: h\r\n${head}\r\n${rest}`);
    expect(await raw.hear("no websocket")).toContain("HTTP/1.1 404 ");
    raw.close();
  }
  expect(done).toBe(0);
});

test("subprotocols that no websocket may have are refused in words", async () => {
  await using inside = session();
  await using gateway = proxied(inside.port);
  for (const names of ["a, a", "a@b", "("]) {
    const headers = {
      ...{ Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13" },
      ...{ "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Protocol": names },
    };
    const answer = await fetch(`${gateway.url}/runs/1/events`, { headers });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { code: "request.ambiguous" },
    ]);
  }
  expect(gateway.inFlight).toBe(0);
});
