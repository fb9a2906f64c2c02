/** The proxy between real sockets: a server that stands for a session, and clients of all manners. */
import { expect, test } from "bun:test";
import { GATEWAY_SECRET_HEADER } from "../../src/core/gateway.ts";
import { proxy } from "../../src/gateway/proxy.ts";
import { dial } from "../../src/system/dial.ts";
import { ID, proxied, SECRET, until } from "../support/proxied.ts";
import { RawHttp, rawServer } from "../support/raw-http.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const MIB = 2 ** 20;

function session(fetch: (request: Request) => Response | Promise<Response>) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    maxRequestBodySize: 2 ** 30,
    fetch,
  });
  const stop = async () => await server.stop(true);
  return { port: server.port ?? 0, [Symbol.asyncDispose]: stop };
}

test("a request goes to its session as it came, and the answer back", async () => {
  await using inside = session(async (request) => {
    const { pathname, search } = new URL(request.url);
    const { method } = request;
    const secret = request.headers.get(GATEWAY_SECRET_HEADER);
    return Response.json(
      { method, asked: pathname + search, secret, body: await request.text() },
      { status: 201, headers: { "X-Own": "1" } },
    );
  });
  await using gateway = proxied(inside.port);
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const answer = await fetch(`${gateway.url}/a%2Fb?c=d`, { method, body: "ä body" });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("x-own")).toBe("1");
    expect(answer.headers.get("x-session-expires-in")).toBe("4711");
    const asked = "/a%2Fb?c=d";
    expect(await answer.json()).toEqual({ method, asked, secret: SECRET, body: "ä body" });
  }
  const empty = await fetch(`${gateway.url}/x`, { method: "POST" });
  expect(await empty.json()).toMatchObject({ method: "POST", body: "" });
  expect(gateway.inFlight).toBe(0);
});

test("what is packed stays packed, and a client that waits to be asked for its body is", async () => {
  const packed = Bun.gzipSync("a".repeat(100));
  await using inside = session(async (request) => {
    const headers = { "Content-Encoding": "gzip", "X-Got": await request.text() };
    return new Response(packed, { headers });
  });
  await using gateway = proxied(inside.port);
  const raw = await RawHttp.open(gateway);
  const head = `POST /s/${ID}/x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`;
  await raw.send(head).hear("100 Continue\r\n\r\n");
  const heard = await raw.send("body").hear(Buffer.from(packed).toString("latin1"));
  expect(heard.toLowerCase()).toContain("content-encoding: gzip\r\n");
  expect(heard.toLowerCase()).toContain("x-got: body\r\n");
  raw.close();
});

test("answers without a body stay so, and HEAD tells the length of what GET would bring", async () => {
  await using inside = session((request) => {
    const status = Number(new URL(request.url).pathname.slice(1));
    if (status === 200) return new Response("12345");
    return new Response(null, { status, headers: { ETag: '"e"', Location: "/elsewhere" } });
  });
  await using gateway = proxied(inside.port);
  const head = await fetch(`${gateway.url}/200`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([
    200,
    "5",
    "",
  ]);
  for (const status of [204, 304]) {
    const raw = await RawHttp.open(gateway);
    const ask = (path: string) => `GET /s/${ID}${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
    const head = await raw.send(ask(`/${status}`)).hear("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    // The next answer follows at once: nothing stood between.
    const both = await raw.send(ask("/200")).hear("12345");
    expect(both.slice(head.length)).toMatch(/^HTTP\/1.1 200 /);
    raw.close();
  }
  // Where it leads to is the client's affair.
  const moved = await fetch(`${gateway.url}/307`, { redirect: "manual" });
  expect([moved.status, moved.headers.get("location")]).toEqual([307, "/elsewhere"]);
});

test("no request is sent twice, nor told as done, when the session dies over it", async () => {
  await using inside = await rawServer((socket, piece) => {
    if (piece.includes("/die")) socket.destroy();
    else socket.write(OK);
  });
  await using gateway = proxied(inside.port);
  for (const method of ["GET", "PUT", "POST", "DELETE"]) {
    await (await fetch(`${gateway.url}/first`)).text(); // a line that waits is used next
    const answer = await fetch(`${gateway.url}/die`, { method });
    expect([method, answer.status]).toEqual([method, 502]);
    expect(answer.headers.get("x-session-expires-in")).toBe("4711");
    expect(await answer.json()).toMatchObject({ code: "session.dead", hint: expect.any(String) });
  }
  expect(inside.heard.join("").match(/\/die /g)).toHaveLength(4);
  expect(gateway.inFlight).toBe(0);
});

test("a session that dies in the middle of an answer cuts it off for the client", async () => {
  const starts = [
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
  ];
  for (const start of starts) {
    await using inside = await rawServer((socket) => socket.write(start));
    await using gateway = proxied(inside.port);
    const raw = await RawHttp.open(gateway);
    raw.send(`GET /s/${ID}/x HTTP/1.1\r\nHost: h\r\n\r\n`);
    await raw.hear("part");
    for (const socket of inside.open) socket.destroy();
    // No last chunk: nobody takes it for the whole.
    expect(await raw.toTheEnd()).not.toEndWith("0\r\n\r\n");
    await until(() => gateway.inFlight === 0);
  }
});

test("what nobody listens to, and what answers nonsense, is told as such", async () => {
  await using nonsense = await rawServer((socket) => socket.write("SSH-2.0-OpenSSH\r\n\r\n"));
  const { port: closed, ...rest } = await rawServer(() => {});
  await rest[Symbol.asyncDispose]();
  for (const [port, code] of [
    [closed, "session.dead"],
    [nonsense.port, "session.malformed-answer"],
  ] as const) {
    await using gateway = proxied(port);
    const answer = await fetch(`${gateway.url}/health`);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([502, code]);
    expect(gateway.inFlight).toBe(0);
  }
});

test("a client that goes takes its request along, before and within the answer", async () => {
  for (const said of ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"]) {
    await using inside = await rawServer((socket) => socket.write(said));
    await using gateway = proxied(inside.port);
    const raw = await RawHttp.open(gateway);
    raw.send(`GET /s/${ID}/poll HTTP/1.1\r\nHost: h\r\n\r\n`);
    await until(() => inside.heard.join("").includes("/poll"));
    if (said !== "") await raw.hear("part");
    raw.close();
    await until(() => inside.open.size === 0 && gateway.inFlight === 0);
    await until(() => gateway.answered[0] !== undefined);
    expect(gateway.answered).toEqual([said === "" ? 499 : 200]);
  }
});

test("a client that goes within its body takes its request along", async () => {
  const bodies = [
    "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
    "Content-Length: 100000\r\n\r\npart",
    "Content-Length: 100\r\n\r\npart", // so small that it is waited for
  ];
  for (const body of bodies) {
    await using inside = await rawServer(() => {});
    await using gateway = proxied(inside.port);
    const raw = await RawHttp.open(gateway);
    raw.send(`POST /s/${ID}/x HTTP/1.1\r\nHost: h\r\n${body}`);
    if (body.includes(": 100\r")) await until(() => gateway.inFlight === 1);
    else await until(() => inside.heard.join("").includes("part"));
    raw.close();
    await until(() => inside.open.size === 0 && gateway.inFlight === 0);
    await until(() => gateway.answered[0] !== undefined);
    expect(gateway.answered).toEqual([499]);
  }
});

test("a logout ends what the token had opened", async () => {
  await using inside = await rawServer(() => {});
  await using gateway = proxied(inside.port);
  const answer = fetch(`${gateway.url}/poll`);
  await until(() => inside.heard.length === 1);
  gateway.logOut();
  expect((await answer).status).toBe(401);
  expect((await fetch(`${gateway.url}/poll`)).status).toBe(401);
  await until(() => inside.open.size === 0 && gateway.inFlight === 0);
});

test("a body over the limit is refused, declared or not, and the connection stays in step", async () => {
  let received = 0;
  const asked: (string | null)[] = [];
  await using inside = session(async (request) => {
    asked.push(request.headers.get("content-length"));
    for await (const part of request.body ?? []) received += part.byteLength;
    return new Response("taken");
  });
  await using gateway = proxied(inside.port, { maxBodyBytes: MIB });
  const second = `GET /s/other HTTP/1.1\r\nHost: h\r\n\r\n`;
  const head = `POST /s/${ID}/x HTTP/1.1\r\nHost: h\r\n`;
  const body = "x".repeat(2 * MIB);
  const chunk = `${(2 * MIB).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  for (const request of [
    `${head}Content-Length: ${2 * MIB}\r\n\r\n${body}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`,
  ]) {
    const raw = await RawHttp.open(gateway);
    raw.send(request + second);
    const heard = await raw.hear("no such session");
    expect(heard).toMatch(/^HTTP\/1.1 413 /);
    expect(heard).toContain('"code":"request.too-large"');
    expect(heard.match(/HTTP\/1.1 \d\d\d/g)).toEqual(["HTTP/1.1 413", "HTTP/1.1 404"]);
    raw.close();
  }
  expect(received).toBeLessThanOrEqual(MIB);
  expect(asked).toEqual([null]); // what is declared as too long never gets there
  expect((await fetch(`${gateway.url}/x`, { method: "POST", body: "x".repeat(MIB) })).status).toBe(
    200,
  );
  await until(() => gateway.inFlight === 0);
});

test("a body that stops coming is given up", async () => {
  await using inside = session(async (request) => new Response(await request.text()));
  await using gateway = proxied(inside.port, { patienceMs: 100 });
  const head = `POST /s/${ID}/x HTTP/1.1\r\nHost: h\r\n`;
  for (const request of [
    `${head}Content-Length: 10\r\n\r\nhalf`,
    `${head}Content-Length: 100000\r\n\r\nhalf`,
    `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`,
  ]) {
    const raw = await RawHttp.open(gateway);
    raw.send(request);
    expect(await raw.hear("request.slow")).toMatch(/^HTTP\/1.1 408 /);
    raw.close();
  }
  await until(() => gateway.inFlight === 0);
});

test("a connection is kept for a while only, but one whose answer pauses as long as it does", async () => {
  await using inside = await rawServer((socket, piece) => {
    if (piece.includes("/whole")) socket.write(OK);
    else socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  });
  await using gateway = proxied(inside.port, { keepS: 1 });
  const ask = async (path: string) =>
    (await RawHttp.open(gateway)).send(`GET /s/${ID}${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
  const [kept, pausing] = [await ask("/whole"), await ask("/pausing")];
  await pausing.hear("first");
  expect(await kept.toTheEnd()).toEndWith("ok");
  expect(pausing.isClosed).toBe(false);
  for (const socket of inside.open) socket.write("4\r\nlast\r\n0\r\n\r\n");
  await pausing.hear("last");
  pausing.close();
}, 20_000);

test("lines are used again, and only after an answer that is whole", async () => {
  await using inside = await rawServer((socket, piece) => {
    if (piece.includes("/last")) socket.end("HTTP/1.1 200 OK\r\n\r\nto the end");
    else if (piece.includes("/late")) {
      socket.write(OK);
      setTimeout(() => socket.write(OK), 20);
    } else if (piece.includes("/more")) socket.write(`${OK}HTTP/1.1 200 OK\r\n\r\n`);
    else socket.write(OK);
  });
  await using gateway = proxied(inside.port);
  const ask = async (path: string) => await (await fetch(gateway.url + path)).text();
  for (let at = 0; at < 5; at += 1) expect(await ask("/x")).toBe("ok");
  expect(inside.heard).toHaveLength(1);
  expect(await ask("/last")).toBe("to the end");
  expect(await ask("/x")).toBe("ok");
  expect(inside.heard).toHaveLength(2);
  // What speaks unasked is not trusted with another request.
  expect((await fetch(`${gateway.url}/more`)).status).toBe(502);
  expect(await ask("/late")).toBe("ok");
  await until(() => inside.open.size === 0);
  expect(await ask("/x")).toBe("ok");
  expect(inside.heard).toHaveLength(4);
});

// Goal: neither side's slowness fills the gateway's memory.
test("bodies wait in the sockets while the other side is slow, both ways", async () => {
  const total = 256 * MIB;
  let produced = 0;
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const part = new Uint8Array(MIB);
  await using inside = session(async (request) => {
    if (request.method === "POST") {
      await gate;
      let taken = 0;
      for await (const each of request.body ?? []) taken += each.byteLength;
      return new Response(String(taken));
    }
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      if (produced >= total) return controller.close();
      produced += part.byteLength;
      controller.enqueue(part);
    };
    return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }));
  });
  await using gateway = proxied(inside.port, { maxBodyBytes: total });
  const down = await RawHttp.open(gateway);
  down.socket.pause();
  down.send(`GET /s/${ID}/x HTTP/1.1\r\nHost: h\r\n\r\n`);
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (sent >= total) return controller.close();
      sent += part.byteLength;
      controller.enqueue(part);
    },
  });
  const up = fetch(`${gateway.url}/x`, { method: "POST", body });
  // Both come to a standstill well before the end.
  for (let before = -1; before !== produced + sent || produced + sent === 0; ) {
    before = produced + sent;
    await Bun.sleep(300);
  }
  expect(produced).toBeLessThan(64 * MIB);
  expect(sent).toBeLessThan(64 * MIB);
  go();
  expect(await (await up).text()).toBe(String(total));
  down.close();
  await until(() => gateway.inFlight === 0);
}, 60_000);

test("a client that goes is no fault of the gateway's", async () => {
  await using silent = await rawServer(() => {});
  const gone = new AbortController();
  const place = { url: `http://127.0.0.1:${silent.port}`, secret: SECRET, expiresInS: 1 };
  const way = { ...place, ended: new AbortController().signal, isThere: () => true, leave() {} };
  const to = { id: ID, rest: "/poll" };
  const through = proxy({ dial, maxBodyBytes: 1 });
  const answer = through.fetch(new Request("http://h/", { signal: gone.signal }), way, to, "::1");
  await until(() => silent.heard.length > 0);
  gone.abort();
  expect((await answer).status).toBe(499);
  through.close();
});

test("whoever has got hold of a session's port is shown nothing", async () => {
  await using thief = await rawServer(() => {});
  const place = { url: `http://127.0.0.1:${thief.port}`, secret: SECRET, expiresInS: 1 };
  const way = { ...place, ended: new AbortController().signal, isThere: () => false, leave() {} };
  const to = { id: ID, rest: "/poll" };
  const through = proxy({ dial, maxBodyBytes: 1 });
  const [asked, upgraded] = await Promise.all([
    through.fetch(new Request("http://h/"), way, to, "::1"),
    through.connect(new Request("http://h/"), way, to, "::1"),
  ]);
  expect(asked.status).toBe(502);
  expect(upgraded).toMatchObject({ status: 502 });
  await until(() => thief.open.size === 0);
  expect(thief.heard.join("")).toBe("");
  through.close();
});
