// Goal: what clients do to the stream costs them, not the agent. Method: real sockets; a client
// that stops reading, one that talks nonsense, and far too many of them.
import { expect, test } from "bun:test";
import { SOCKET_LIMITS } from "../../src/local/limits.ts";
import { READER_BUFFER_BYTES, READERS_MAX } from "../../src/local/stream.ts";
import { AgentFrame, Failure } from "../../src/wire/local.ts";
import { CBOR_PROTOCOL } from "../../src/wire/stream-protocols.ts";
import { RawReader } from "../support/raw-reader.ts";
import { StreamClient } from "../support/stream-client.ts";
import { said, startStream } from "../support/stream-server.ts";

/** Both ends of a loopback connection, at their largest. */
const KERNEL_BUFFERS_BYTES = 16 * 2 ** 20;

test("a reader that stalls costs a bounded buffer, and learns what it missed when it reads on", async () => {
  await using server = startStream();
  const frames: AgentFrame[] = [];
  const slow = await RawReader.open({
    port: server.port,
    path: "/?level=warn",
    onFrame: (payload) => frames.push(AgentFrame.parse(JSON.parse(payload.toString()))),
  });
  using quick = new StreamClient(`${server.url}?level=warn`);
  await quick.hello();
  while (frames.length === 0) await Bun.sleep(1);
  slow.pause();
  const text = "x".repeat(10_000);
  let count = 0;
  while (count < 12_000) {
    for (let index = 0; index < 50; index += 1) {
      server.feed.push(said(text, { level: count % 3 === 0 ? "info" : "error" }));
      count += 1;
    }
    server.feed.flush();
    await Bun.sleep(0);
    await quick.until(({ lines }) => (lines.at(-1)?.seq ?? 0) >= count - 1);
    quick.frames.length = 0;
  }
  slow.resume();
  server.feed.push(said("the end", { level: "error" }));
  const lines = () => frames.flatMap((frame) => ("lines" in frame ? frame.lines : []));
  const gaps = () => frames.flatMap((frame) => ("gap" in frame ? [frame.gap] : []));
  while (gaps().length === 0) await Bun.sleep(1);
  server.feed.push(said("after the gap", { level: "error" }));
  while (lines().at(-1)?.message !== "after the gap") await Bun.sleep(1);
  const dropped = gaps().reduce((sum, gap) => sum + (gap.dropped ?? 0), 0);
  expect(dropped).toBeGreaterThan(1_000);
  expect(lines().length + dropped).toBe(8_000 + 2);
  // Of 80 MB it got what our buffer and the kernel's took.
  expect(lines().length * text.length).toBeLessThan(READER_BUFFER_BYTES + KERNEL_BUFFERS_BYTES);
  expect(server.stream.dropped).toBe(dropped);
  slow.close();
}, 60_000);

test.each([
  { what: "no JSON", raw: "{", code: 1007 },
  { what: "no frame", raw: "[]", code: 1008 },
  { what: "an unknown frame", raw: '{"shout":{}}', code: 1008 },
  { what: "an unknown member", raw: '{"subscribe":{"levels":"warn"}}', code: 1008 },
  { what: "an unknown level", raw: '{"subscribe":{"level":"loud"}}', code: 1008 },
  {
    what: "a text too long",
    raw: JSON.stringify({ subscribe: { text: "x".repeat(257) } }),
    code: 1008,
  },
  {
    what: "too many sources",
    raw: JSON.stringify({ subscribe: { sources: Array(6).fill("agent") } }),
    code: 1008,
  },
  { what: "a seq of the future", raw: '{"subscribe":{"since":4}}', code: 1008 },
  { what: "a time of the future", raw: '{"subscribe":{"since":"2999-01-01"}}', code: 1008 },
  { what: "no time", raw: '{"subscribe":{"since":"then"}}', code: 1008 },
  { what: "a negative seq", raw: '{"subscribe":{"since":-1}}', code: 1008 },
  { what: "bytes", raw: new Uint8Array([1, 2]), code: 1003 },
  { what: "nested deep", raw: "[".repeat(SOCKET_LIMITS.maxPayloadLength), code: 1007 },
  { what: "a frame too long", raw: `"${"x".repeat(SOCKET_LIMITS.maxPayloadLength)}"`, code: 1009 },
  { what: "10 MB", raw: "x".repeat(10_000_000), code: 1009 },
] as const)("a client that sends $what is sent away with $code", async ({ raw, code }) => {
  await using server = startStream();
  for (let index = 0; index < 3; index += 1) server.feed.push(said("x"));
  using good = new StreamClient(server.url);
  using client = new StreamClient(server.url);
  await Promise.all([good.hello(), client.hello()]);
  client.sendRaw(raw);
  const closed = await client.closed;
  expect(closed.code).toBe(code);
  expect(closed.reason).not.toBe("");
  server.feed.push(said("still here"));
  await good.until(({ messages }) => messages.at(-1) === "still here");
});

test.each([
  { what: "no CBOR", raw: new Uint8Array([0xff, 0xff]), code: 1007 },
  {
    what: "an array that claims 4 billion members",
    raw: new Uint8Array([0x9a, 0xff, 0xff, 0xff, 0xff]),
    code: 1007,
  },
  {
    what: "a text that claims 4 GB",
    raw: new Uint8Array([0x7a, 0xff, 0xff, 0xff, 0xff]),
    code: 1007,
  },
  {
    what: "nested deep",
    raw: new Uint8Array(SOCKET_LIMITS.maxPayloadLength).fill(0x81),
    code: 1007,
  },
  { what: "text", raw: '{"subscribe":{}}', code: 1003 },
  { what: "a number", raw: new Uint8Array([0x07]), code: 1008 },
] as const)("a CBOR client that sends $what is sent away with $code", async ({ raw, code }) => {
  await using server = startStream();
  using client = new StreamClient(server.url, CBOR_PROTOCOL);
  await client.hello();
  client.sendRaw(raw);
  expect((await client.closed).code).toBe(code);
});

test("a client that subscribes all the time is sent away", async () => {
  await using server = startStream();
  using client = new StreamClient(server.url);
  await client.hello();
  for (let index = 0; index < 30; index += 1) client.send({ subscribe: { text: `${index}` } });
  expect((await client.closed).code).toBe(1008);
});

test.each([
  "?level=loud",
  "?since=9",
  "?since=then",
  "?source=me",
  "?other=1",
  `?text=${"x".repeat(300)}`,
])("an address that asks for %j is answered with 400", async (query) => {
  await using server = startStream();
  const answer = await fetch(`${server.url.replace("ws:", "http:")}${query}`);
  expect(answer.status).toBe(400);
  expect(Failure.parse(await answer.json()).code).toBe("request.malformed");
});

test("a reader too many is refused, and let in once another one left", async () => {
  await using server = startStream();
  const clients = Array.from({ length: READERS_MAX }, () => new StreamClient(server.url));
  await Promise.all(clients.map((client) => client.hello()));
  const refused = await fetch(server.url.replace("ws:", "http:"));
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(Failure.parse(await refused.json()).code).toBe("local.too-many");
  clients[0]?.[Symbol.dispose]();
  await clients[0]?.closed;
  while (server.stream.readers === READERS_MAX) await Bun.sleep(1);
  using late = new StreamClient(server.url);
  await late.hello();
  for (const client of clients) client[Symbol.dispose]();
});

test("readers are told the last lines and that the agent stops", async () => {
  const server = startStream();
  using client = new StreamClient(server.url);
  await client.hello();
  server.feed.push(said("the last word"));
  await server[Symbol.asyncDispose]();
  expect((await client.closed).code).toBe(1001);
  expect(client.messages).toEqual(["the last word"]);
});

test("a reader that is still sent the past when the agent stops gets the rest of it", async () => {
  const server = startStream();
  const text = "x".repeat(1_000);
  // More than a socket takes at once; few enough for the moment that a stop gives, on a busy machine.
  for (let n = 1; n <= 3_000; n += 1) server.feed.push(said(text));
  server.feed.flush();
  using client = new StreamClient(`${server.url}?since=0`);
  await client.hello();
  const ended = server[Symbol.asyncDispose]();
  server.feed.push(said("the last word"));
  await ended;
  expect((await client.closed).code).toBe(1001);
  expect(client.lines.map(({ seq }) => seq)).toEqual(client.lines.map((_, index) => index + 1));
  expect(client.lines.length).toBe(3_001);
});

test("a reader that does not read holds a stop up for a moment, and is told what it did not get", async () => {
  const server = startStream({ ring: { bytes: 64 * 2 ** 20 } });
  const text = "x".repeat(1_000);
  for (let n = 1; n <= 40_000; n += 1) server.feed.push(said(text));
  server.feed.flush();
  const frames: AgentFrame[] = [];
  const slow = await RawReader.open({
    port: server.port,
    path: "/?since=0",
    onFrame: (payload) => frames.push(AgentFrame.parse(JSON.parse(payload.toString()))),
  });
  while (frames.length === 0) await Bun.sleep(1);
  slow.pause();
  const begunAt = performance.now();
  await server.stream.close();
  expect(performance.now() - begunAt).toBeLessThan(5_000);
  slow.resume();
  const last = () => frames.at(-1);
  while (!("gap" in (last() ?? {}))) await Bun.sleep(5);
  const lines = frames.flatMap((frame) => ("lines" in frame ? frame.lines : []));
  expect(last()).toEqual({ gap: { from: lines.length + 1, to: 40_000 } });
  slow.close();
  await server[Symbol.asyncDispose]();
});
