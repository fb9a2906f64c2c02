import { expect, test } from "bun:test";
import { CBOR_PROTOCOL, JSON_PROTOCOL } from "../../src/wire/stream-protocols.ts";
import { StreamClient } from "../support/stream-client.ts";
import { said, startStream } from "../support/stream-server.ts";

test("a reader hears every line from its hello on, numbered without a hole", async () => {
  await using server = startStream();
  for (const message of ["before", "it came"]) server.feed.push(said(message));
  using client = new StreamClient(server.url);
  expect(await client.hello()).toEqual({ boot: "boot-1", seq: 2 });
  server.feed.push({ type: "child.started", pid: 7 });
  for (let index = 0; index < 1_000; index += 1) server.feed.push(said(`line ${index}`));
  await client.until(({ lines }) => lines.length === 1_001);
  expect(client.lines.map(({ seq }) => seq)).toEqual(
    Array.from({ length: 1_001 }, (_, i) => i + 3),
  );
  expect(client.lines[0]).toMatchObject({
    level: "debug",
    source: "runner",
    message: "plugin process 7 started",
    fields: { event: "child.started", pid: 7 },
  });
  expect(client.messages.at(-1)).toBe("line 999");
  expect(Date.parse(client.lines[0]?.time ?? "")).toBeGreaterThan(Date.now() - 60_000);
});

test("a reader hears what passes its filter, and another one once it says so", async () => {
  await using server = startStream();
  using client = new StreamClient(server.url);
  await client.subscribe({ level: "warn", sources: ["plugin"] });
  server.feed.push(said("quiet"));
  server.feed.push(said("loud", { level: "warn" }));
  server.feed.push({
    type: "link.lost",
    code: "backend.unreachable",
    reason: "x",
    retryInMs: 1,
    failures: 1,
  });
  server.feed.push(said("louder", { level: "error" }));
  await client.until(({ lines }) => lines.length === 2);
  await client.subscribe({ auditId: "a-1", text: "GRIP" });
  server.feed.push(said("gripping", { auditId: "a-2" as never }));
  server.feed.push(said("The gripper closed", { auditId: "a-1" as never }));
  server.feed.push(said("moving", { auditId: "a-1" as never }));
  server.feed.push(said("grip lost", { auditId: "a-1" as never }));
  await client.until(({ messages }) => messages.includes("grip lost"));
  expect(client.messages).toEqual(["loud", "louder", "The gripper closed", "grip lost"]);
});

test("the address may say the first subscription", async () => {
  await using server = startStream();
  for (let index = 1; index <= 5; index += 1) server.feed.push(said(`old ${index}`));
  using client = new StreamClient(`${server.url}?level=info&source=plugin&source=agent&since=3`);
  await client.until(({ lines }) => lines.length === 2);
  server.feed.push({ type: "child.started", pid: 1 });
  server.feed.push(said("new"));
  await client.until(({ lines }) => lines.length === 3);
  expect(client.messages).toEqual(["old 4", "old 5", "new"]);
});

test("readers share a topic when their filters are the same, and only then", async () => {
  await using server = startStream();
  const filters = [
    { sources: ["plugin", "agent"] as const, text: "A" },
    { sources: ["agent", "plugin", "agent"] as const, text: "a" },
    { level: "debug" as const },
    {},
  ];
  const clients = filters.map(() => new StreamClient(server.url));
  for (const [index, client] of clients.entries()) {
    await client.subscribe({
      ...filters[index],
      sources: filters[index]?.sources && [...filters[index].sources],
    });
  }
  expect(server.stream.topics).toBe(2);
  for (const client of clients) client[Symbol.dispose]();
  await Promise.all(clients.map(({ closed }) => closed));
  while (server.stream.readers > 0) await Bun.sleep(1);
  expect(server.stream.topics).toBe(0);
});

test.each([
  { asked: undefined, spoken: "" },
  { asked: JSON_PROTOCOL, spoken: JSON_PROTOCOL },
  { asked: CBOR_PROTOCOL, spoken: CBOR_PROTOCOL },
])("a client that asks for $asked is answered in it", async ({ asked, spoken }) => {
  await using server = startStream();
  using client = new StreamClient(server.url, asked);
  await client.subscribe({ level: "info" });
  expect(client.protocol).toBe(spoken);
  server.feed.push(said("ä→😀", { fields: { a: [1, null, { b: "c" }] } }));
  await client.until(({ lines }) => lines.length === 1);
  expect(client.lines[0]).toMatchObject({
    seq: 1,
    message: "ä→😀",
    fields: { a: [1, null, { b: "c" }] },
  });
});

test("a subprotocol that it does not speak is refused, not promised", async () => {
  await using server = startStream();
  const refused = await fetch(server.url.replace("ws:", "http:"), {
    headers: {
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
      "Sec-WebSocket-Protocol": "graphql-ws",
    },
  });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ code: "request.malformed" });
});

test("bytes and arrays of numbers travel as such in CBOR, as text in JSON", async () => {
  await using server = startStream();
  using cbor = new StreamClient(server.url, CBOR_PROTOCOL);
  using json = new StreamClient(server.url);
  await Promise.all([cbor.hello(), json.hello()]);
  const fields = {
    image: { $base64: "iVBORw==" },
    depth: { $base64: "AACAPwAAAEA=", type: "float32" },
    own: { $base64: "not base64!" },
  };
  server.feed.push(said("seen", { fields }));
  await Promise.all([cbor, json].map((client) => client.until(({ lines }) => lines.length === 1)));
  expect(json.lines[0]?.fields).toEqual(fields);
  const told: Record<string, unknown> = cbor.lines[0]?.fields ?? {};
  expect(Uint8Array.from(told.image as Uint8Array)).toEqual(new Uint8Array([137, 80, 78, 71]));
  expect(told.depth).toEqual(new Float32Array([1, 2]));
  expect(told.own).toEqual({ $base64: "not base64!" });
});
