/**
 * The compiled gateway under bytes that no honest client sends: requests hidden in others, half
 * requests that never end, paths and ids that are not the sender's. Each is judged by what it could
 * have done: a canary in the world that a hidden request would kill, another's world that would show.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { RunningGateway } from "../support/gateway.ts";
import { RawHttp } from "../support/raw-http.ts";

let gateway: RunningGateway;
let port: number;
let bob: { readonly token: string; readonly id: string };
let carol: { readonly token: string; readonly id: string };
const CANARY = "canary";
const CAROLS = "carols_own";

beforeAll(async () => {
  gateway = await RunningGateway.start({ isPlain: true });
  port = Number(new URL(gateway.url).port);
  bob = await enter("bob", CANARY);
  carol = await enter("carol", CAROLS);
});
afterAll(async () => await gateway[Symbol.asyncDispose]());

async function enter(name: "bob" | "carol", object: string) {
  const token = await gateway.logIn(name);
  const { session_id: id } = await gateway.createSession(token);
  const made = { type: "room", name: object, capacity: 1 };
  await gateway.ask(`/s/${id}/objects`, { token, json: made });
  return { token, id };
}

async function objects({ token, id }: typeof bob): Promise<string> {
  const reply = await gateway.ask(`/s/${id}/objects`, { token });
  expect(reply.status).toBe(200);
  return await reply.text();
}

/** How long nothing more may come until an answer counts as over, in milliseconds. */
const QUIET_MS = 100;
/** How long nothing at all may come, in milliseconds. */
const SILENT_MS = 400;

/** Sends bytes and hears what comes until the gateway closes, or says no more for a while. */
async function said(bytes: string): Promise<string> {
  const raw = await RawHttp.open({ port });
  raw.send(bytes);
  for (let length = 0, quietMs = 0; !raw.isClosed; quietMs += 20) {
    if (quietMs >= (length === 0 ? SILENT_MS : QUIET_MS)) break;
    if (raw.heard.length !== length) quietMs = 0;
    length = raw.heard.length;
    await Bun.sleep(20);
  }
  raw.close();
  return raw.heard;
}

const statuses = (heard: string) =>
  [...heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, each]) => each);
const auth = () => `Authorization: Bearer ${bob.token}\r\n`;
/** Kills the canary, if anybody takes it for a request. */
const hidden = () =>
  `DELETE /s/${bob.id}/objects/${CANARY} HTTP/1.1\r\nHost: h\r\n${auth()}Content-Length: 0\r\n\r\n`;
const post = (headers: string, body: string) =>
  `POST /s/${bob.id}/goal HTTP/1.1\r\nHost: h\r\n${auth()}${headers}\r\n${body}`;

/** A body that ends by one reading of the headers, and goes on with a request by another. */
const smuggling: Record<string, () => string> = {
  "two lengths": () =>
    post(`Content-Length: 0\r\nContent-Length: ${hidden().length}\r\n`, hidden()),
  "two lengths, the other way round": () =>
    post(`Content-Length: ${hidden().length}\r\nContent-Length: 0\r\n`, hidden()),
  "one length twice": () => post("Content-Length: 2\r\nContent-Length: 2\r\n", `{}${hidden()}`),
  "a list of lengths": () => post("Content-Length: 2, 2\r\n", `{}${hidden()}`),
  "a length with a sign": () => post("Content-Length: +0\r\n", hidden()),
  "a length in hexadecimal": () => post("Content-Length: 0x0\r\n", hidden()),
  "a length below zero": () => post("Content-Length: -1\r\n", hidden()),
  "a length and chunks": () =>
    post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${hidden()}`),
  "chunks and a length": () =>
    post(
      `Transfer-Encoding: chunked\r\nContent-Length: ${5 + hidden().length}\r\n`,
      `0\r\n\r\n${hidden()}`,
    ),
  "two encodings": () =>
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", `0\r\n\r\n${hidden()}`),
  "an encoding that looks like one": () =>
    post("Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${hidden()}`),
  "an encoding in a list": () =>
    post("Transfer-Encoding: identity, chunked\r\n", `0\r\n\r\n${hidden()}`),
  "an encoding after a tab": () =>
    post("Transfer-Encoding:\tchunked, \x0bchunked\r\n", `0\r\n\r\n${hidden()}`),
  "a space before the colon": () =>
    post("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${hidden()}`),
  "a folded header": () =>
    post("X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${hidden()}`),
  "a folded encoding": () => post("Transfer-Encoding:\r\n chunked\r\n", `0\r\n\r\n${hidden()}`),
  "bare line feeds": () => post("X: a\nContent-Length: 0\r\n", hidden()),
  "a bare carriage return": () => post("X: a\rContent-Length: 0\r\n", hidden()),
  "a NUL in a header": () => post("X: a\0b\r\nContent-Length: 0\r\n", hidden()),
  "a request inside a header": () => post(`X: a\r\n\r\n${hidden()}`, ""),
  "a chunk whose size is no number": () =>
    post("Transfer-Encoding: chunked\r\n", `0x0\r\n\r\n${hidden()}`),
  "a chunk whose size has a sign": () =>
    post("Transfer-Encoding: chunked\r\n", `+0\r\n\r\n${hidden()}`),
  "a chunk larger than any number": () =>
    post("Transfer-Encoding: chunked\r\n", `${"f".repeat(17)}\r\n{}\r\n0\r\n\r\n${hidden()}`),
  "a chunk that wraps round": () =>
    post("Transfer-Encoding: chunked\r\n", `10000000000000000\r\n\r\n0\r\n\r\n${hidden()}`),
  "a chunk longer than its size": () =>
    post("Transfer-Encoding: chunked\r\n", `1\r\n{}\r\n0\r\n\r\n${hidden()}`),
  "chunks that end in line feeds": () =>
    post("Transfer-Encoding: chunked\r\n", `2\n{}\n0\n\n${hidden()}`),
  "a request in a chunk's extension": () =>
    post("Transfer-Encoding: chunked\r\n", `2;a="\n\n${hidden()}"\r\n{}\r\n0\r\n\r\n`),
  "a request in the trailers": () =>
    post("Transfer-Encoding: chunked\r\n", `0\r\nX: a\r\n${hidden()}\r\n`),
  "a request as a body": () => post(`Content-Length: ${hidden().length}\r\n`, hidden()),
  "a request as the body of a GET": () =>
    `GET /s/${bob.id}/health HTTP/1.1\r\nHost: h\r\n${auth()}Content-Length: ${hidden().length}\r\n\r\n${hidden()}`,
  "a body after an upgrade": () =>
    `GET /s/${bob.id}/health HTTP/1.1\r\nHost: h\r\n${auth()}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n` +
    `HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: ${hidden().length}\r\n\r\n${hidden()}`,
  "a body after a websocket's handshake": () =>
    `GET /s/${bob.id}/runs/none/events HTTP/1.1\r\nHost: h\r\n${auth()}Upgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 99\r\nContent-Length: ${hidden().length}\r\n\r\n${hidden()}`,
  "HTTP/1.0 with chunks": () =>
    `POST /s/${bob.id}/goal HTTP/1.0\r\nHost: h\r\n${auth()}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden()}`,
  "a Host that holds a path": () =>
    `GET /health HTTP/1.1\r\nHost: h/s/${bob.id}/objects?\r\n${auth()}Content-Length: 0\r\n\r\n`,
  "two Hosts": () => post("Host: other\r\nContent-Length: 0\r\n", ""),
  "two tokens": () => post(`Authorization: Bearer ${carol.token}\r\nContent-Length: 0\r\n`, ""),
};

for (const [what, bytes] of Object.entries(smuggling)) {
  test(`no request is hidden in ${what}`, async () => {
    const made = { type: "room", name: CANARY, capacity: 1 };
    await gateway.ask(`/s/${bob.id}/objects`, { token: bob.token, json: made });
    const heard = await said(bytes());
    // At most the one answer, and one that tells of a broken rest.
    for (const status of statuses(heard).slice(1))
      expect(["400", "413"], heard).toContain(status ?? "");
    expect(heard).not.toContain(CAROLS);
    expect(await objects(bob)).toContain(CANARY);
  }, 15_000);
}

test("heads that are too long are refused, and others are served on", async () => {
  const get = (headers: string) =>
    `GET /s/${bob.id}/health HTTP/1.1\r\nHost: h\r\n${auth()}${headers}\r\n`;
  const long = {
    "a header of 70 kB": get(`X: ${"x".repeat(70_000)}\r\n`),
    "a thousand headers": get(
      Array.from({ length: 1_000 }, (_, at) => `X-${at}: ${"x".repeat(70)}\r\n`).join(""),
    ),
    "an address of 70 kB": `GET /s/${bob.id}/${"x".repeat(70_000)} HTTP/1.1\r\nHost: h\r\n\r\n`,
    "a method of 70 kB": `${"X".repeat(70_000)} / HTTP/1.1\r\nHost: h\r\n\r\n`,
    "no HTTP at all": `\x16\x03\x01\x02\x00\x01${"\0".repeat(70_000)}`,
    "another version's preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  for (const [what, bytes] of Object.entries(long)) {
    const heard = await said(bytes);
    for (const status of statuses(heard)) expect(Number(status), what).toBeGreaterThanOrEqual(400);
    expect(await objects(bob)).toContain(CANARY);
  }
});

// Goal: whatever bob writes, he is never in carol's world, and cannot tell that it is there.
test("no path leads from one session into another's", async () => {
  const tricks = [
    `/s/${bob.id}/../${carol.id}/objects`,
    `/s/${bob.id}/%2e%2e/${carol.id}/objects`,
    `/s/${bob.id}/.%2E/${carol.id}/objects`,
    `/s/${bob.id}/..%2f${carol.id}/objects`,
    `/s/${bob.id}/..%5c${carol.id}/objects`,
    `/s/${bob.id}\\..\\${carol.id}\\objects`,
    `/s/${bob.id}/%252e%252e/${carol.id}/objects`,
    `/s/${bob.id}/..;/${carol.id}/objects`,
    `/s/${bob.id};/../${carol.id}/objects`,
    `/s/${bob.id}%2f..%2f${carol.id}/objects`,
    `/s/${bob.id}%00/${carol.id}/objects`,
    `/s//${carol.id}/objects`,
    `//s/${carol.id}/objects`,
    `/s/./${carol.id}/objects`,
    `/s/${carol.id}/objects`,
    `/s/${carol.id.toUpperCase()}/objects`,
    `/s/${carol.id}%20/objects`,
    `/s/%${carol.id.charCodeAt(0).toString(16)}${carol.id.slice(1)}/objects`,
    `http://127.0.0.1:${port}/s/${carol.id}/objects`,
    `/s/${bob.id}/../../s/${carol.id}/objects`,
    `/health/../s/${carol.id}/objects`,
    `/s/${bob.id}/objects?x=/../${carol.id}/objects`,
    `/s/${bob.id}@127.0.0.1/objects`,
    `/sessions/${bob.id}/../${carol.id}`,
    `/sessions/${bob.id}%2f..%2f${carol.id}`,
    `/sessions/${carol.id}`,
  ];
  for (const host of ["h", "h:99999", "h%2f", `h/s/${bob.id}`, ""]) {
    for (const path of tricks) {
      const heard = await said(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${auth()}Connection: close\r\n\r\n`,
      );
      expect(heard, `${path} at "${host}"`).not.toContain(CAROLS);
      expect(heard).not.toContain('"carol"');
      if (statuses(heard)[0] === "200")
        expect(heard).toMatch(new RegExp(`${CANARY}|"status":"ok"`));
    }
  }
}, 120_000);

test("another's session looks like none at all", async () => {
  const ids = [carol.id, randomUUID(), "", "x", carol.id.slice(0, -1), "0".repeat(36)];
  const paths = ["/health", "/objects", "/", "/runs/x/events"];
  const seen = new Set<string>();
  for (const id of ids) {
    for (const path of paths) {
      const { status, headers } = await gateway.ask(`/s/${id}${path}`, { token: bob.token });
      seen.add(
        JSON.stringify([status, [...headers.keys()].filter((name) => name !== "date").sort()]),
      );
    }
  }
  expect(seen.size, [...seen].join()).toBe(1);
  expect([...seen][0]).toStartWith("[404,");
  for (const id of [carol.id, randomUUID()]) {
    for (const token of ["x".repeat(43), bob.token.slice(1), ""]) {
      expect((await gateway.ask(`/s/${id}/health`, { token })).status).toBe(401);
    }
    expect((await gateway.ask(`/s/${id}/health`)).status).toBe(401);
  }
});

test("a forged secret changes nothing, and no answer shows the real one", async () => {
  const headers = { "Servant-Gateway-Secret": "forged", "X-Forwarded-For": "127.0.0.1" };
  const own = await gateway.ask(`/s/${bob.id}/health`, { token: bob.token, headers });
  expect(own.status).toBe(200);
  expect([...own.headers.keys()].join()).not.toContain("secret");
  expect((await gateway.ask(`/s/${carol.id}/health`, { token: bob.token, headers })).status).toBe(
    404,
  );
  expect((await gateway.ask(`/s/${carol.id}/health`, { headers })).status).toBe(401);
});

const HALF_OPEN = 1_000;
/** How long a head or a body may stand still, with the grain of the server's timers. In milliseconds. */
const CUT_MS = 20_000;

test("a thousand half-sent requests hold nobody up, and are cut", async () => {
  await using tls = await RunningGateway.start();
  const token = await tls.logIn("bob");
  const { session_id: id } = await tls.createSession(token);
  const place = { port: Number(new URL(tls.url).port), ca: tls.ca };
  const halves = [
    `GET /s/${id}/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never: `,
    `POST /s/${id}/goal HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Length: 100\r\n\r\n{`,
    `POST /s/${id}/goal HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{`,
    "POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n{",
    "POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    "DELETE /sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n{",
    "",
  ];
  const begunAtMs = performance.now();
  const open = await Promise.all(
    Array.from({ length: HALF_OPEN }, async (_, at) =>
      (await RawHttp.open(place)).send(halves[at % halves.length] ?? ""),
    ),
  );
  const tookMs: number[] = [];
  while (open.some(({ isClosed }) => !isClosed)) {
    const at = performance.now();
    expect((await tls.ask(`/s/${id}/health`, { token })).status).toBe(200);
    tookMs.push(performance.now() - at);
    if (at - begunAtMs > CUT_MS) break;
    await Bun.sleep(20);
  }
  const stuck = open.filter(({ isClosed }) => !isClosed);
  for (const raw of open) raw.close();
  expect(stuck.length).toBe(0);
  const [median = 0] = tookMs.sort((a, b) => a - b).slice(tookMs.length >> 1);
  expect(tookMs.length).toBeGreaterThan(20);
  expect(median).toBeLessThan(500);
}, 60_000);
