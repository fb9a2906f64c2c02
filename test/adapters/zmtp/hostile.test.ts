// Goal: peers that are silent, stuck, greedy or of another trade are closed in their time; they hold no
// more than their share of memory, and an honest peer beside them never notices.
import { expect, test } from "bun:test";
import { encodeMessage } from "../../../src/adapters/zmtp/frames.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { GREETING, hex, RawZmtp, READY_DEALER, READY_REQ } from "../../support/raw-zmtp.ts";
import { eventually, servedRep } from "../../support/zmq-server.ts";

const MIB = 1024 * 1024;
const text = (words: string) => new TextEncoder().encode(words);
const PONG = hex("0405 04504f4e47");
const PING_BYTES = 9;

/** A request with so many bytes, of a peer that asks again and again. */
const request = (size: number) => encodeMessage([new Uint8Array()], [new Uint8Array(size)]);

async function isServed(raw: RawZmtp): Promise<void> {
  const asked = request(3);
  raw.send(asked);
  expect(Buffer.compare(await raw.take(asked.byteLength), asked)).toBe(0);
}

test("HTTP, TLS and noise are closed at once, without any time going by", async () => {
  using served = await servedRep({ clock: new FakeClock() });
  using honest = await RawZmtp.ready(served.url);
  const strangers = [text("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), hex("1603010200010001"), hex("00")];
  for (const first of strangers) {
    using raw = await RawZmtp.connect(served.url);
    raw.send(first);
    await raw.closed();
  }
  expect(served.refused).toHaveLength(3);
  expect(served.gone).toEqual([]);
  await isServed(honest);
});

test("who says nothing, or only a part of the handshake, is closed after its time", async () => {
  const clock = new FakeClock();
  using served = await servedRep({ clock });
  using honest = await RawZmtp.ready(served.url);
  using silent = await RawZmtp.connect(served.url);
  using halfway = await RawZmtp.connect(served.url);
  halfway.send(GREETING, READY_REQ.subarray(0, 20));
  await halfway.take(91);
  await isServed(honest);
  await clock.advance(9_000);
  await isServed(honest);
  expect([silent.isClosed, halfway.isClosed]).toEqual([false, false]);
  await clock.advance(1_000);
  await silent.closed();
  await halfway.closed();
  expect(served.refused[0]).toContain("never finished its handshake");
  await isServed(honest);
});

test("an idle peer is asked whether it is there: it stays when it answers, else it goes", async () => {
  const clock = new FakeClock();
  using served = await servedRep({ clock });
  using alive = await RawZmtp.ready(served.url);
  using dead = await RawZmtp.ready(served.url);
  for (let round = 0; round < 3; round += 1) {
    await isServed(alive);
    await clock.advance(10_000);
    expect((await alive.take(PING_BYTES)).toString("hex")).toBe("04070450494e470000");
    alive.send(PONG);
    await isServed(alive);
    if (round === 0) await dead.take(PING_BYTES);
  }
  await dead.closed();
  expect(served.gone.map(({ why }) => why)).toEqual([
    "Cannot understand the peer: it does not answer",
  ]);
});

test("a peer of ZMTP 3.0 is not asked, and stays", async () => {
  const clock = new FakeClock();
  using served = await servedRep({ clock });
  using raw = await RawZmtp.connect(served.url);
  const older = GREETING.slice();
  older[11] = 0;
  raw.send(older, READY_REQ);
  await raw.take(91);
  await clock.advance(600_000);
  await isServed(raw);
  expect(raw.waiting).toBe(0);
});

test("who stops in the middle of a message is closed, whatever its version", async () => {
  const clock = new FakeClock();
  using served = await servedRep({ clock, limits: { heartbeatMs: 1_000_000 } });
  using raw = await RawZmtp.ready(served.url);
  raw.send(request(100).subarray(0, 50));
  using honest = await RawZmtp.ready(served.url);
  await isServed(honest);
  await clock.advance(29_000);
  await isServed(honest);
  expect(raw.isClosed).toBe(false);
  await clock.advance(2_000);
  await raw.closed();
  expect(served.gone[0]?.why).toContain("in the middle of a message");
  await isServed(honest);
});

test("who never reads its answers stops being read, and is closed; memory stays bounded", async () => {
  const clock = new FakeClock();
  let answered = 0;
  const big = new Uint8Array(MIB);
  using served = await servedRep({
    clock,
    limits: { heartbeatMs: 1_000_000 },
    onRequest: ({ answer, frames }) => {
      answered += 1;
      answer(frames[0]?.byteLength === 3 ? frames : [big]);
    },
  });
  using honest = await RawZmtp.ready(served.url);
  using deaf = await RawZmtp.ready(served.url, READY_DEALER);
  deaf.pause();
  for (let asked = 0; asked < 2_000; asked += 1) deaf.send(request(1_000));
  await eventually(() => answered > 0, "its first answers");
  await isServed(honest);
  await isServed(honest);
  // What the kernel takes, about 4 MiB, and 1 MiB more; not the 2 GiB that were asked for.
  expect(answered).toBeLessThan(40);
  await clock.advance(31_000);
  await isServed(honest);
  await eventually(() => served.gone.length === 1, "that it is closed");
  expect(served.gone[0]?.why).toContain("it does not read");
});

test("a slow reader gets every answer", async () => {
  const big = new Uint8Array(MIB).fill(9);
  using served = await servedRep({ onRequest: ({ answer }) => void answer([big]) });
  using slow = await RawZmtp.ready(served.url, READY_DEALER);
  slow.pause();
  for (let asked = 0; asked < 40; asked += 1) slow.send(request(1));
  await eventually(() => served.requests.length > 3, "its first answers");
  slow.resume();
  const expected = Buffer.concat(Array(40).fill(encodeMessage([new Uint8Array()], [big])));
  expect(Buffer.compare(await slow.take(expected.length), expected)).toBe(0);
});

test("an answer beyond what may wait for a peer closes it", async () => {
  const limits = { unsentBytes: MIB };
  using served = await servedRep({ limits, onRequest() {} });
  using deaf = await RawZmtp.ready(served.url);
  deaf.pause();
  deaf.send(request(1));
  await eventually(() => served.requests.length === 1, "the request");
  expect(served.requests[0]?.answer([new Uint8Array(16 * MIB)])).toBe(false);
  expect(served.gone[0]?.why).toContain("does not read");
});

test("a flood of PINGs that are never read is bounded, too", async () => {
  using served = await servedRep({ limits: { unsentBytes: MIB } });
  using deaf = await RawZmtp.ready(served.url);
  using honest = await RawZmtp.ready(served.url);
  deaf.pause();
  const pings = Buffer.concat(Array(20_000).fill(hex(`0417 0450494e47 0000 ${"cc".repeat(16)}`)));
  for (let sent = 0; sent < 40; sent += 1) deaf.send(pings);
  await eventually(() => served.gone.length === 1, "that it is closed");
  await isServed(honest);
});

test("a REQ that gives up on everything it asks is not read beyond so many", async () => {
  using served = await servedRep({ onRequest() {}, limits: { unanswered: 8 } });
  using raw = await RawZmtp.ready(served.url);
  raw.send(Buffer.concat(Array(1_000).fill(request(1))));
  await eventually(() => served.requests.length === 8, "eight requests");
  using honest = await RawZmtp.ready(served.url);
  honest.send(request(3));
  await eventually(() => served.requests.length === 9, "the other's request");
  // Each that is answered makes room for one more, though nobody waits for the answer.
  expect(served.requests[0]?.answer([text("late")])).toBe(false);
  expect(served.requests.length).toBe(10);
});

test("who asks on and on before it is answered is not read beyond the next request", async () => {
  using served = await servedRep({ onRequest() {} });
  using eager = await RawZmtp.ready(served.url, READY_DEALER);
  using honest = await RawZmtp.ready(served.url, READY_DEALER);
  for (let asked = 0; asked < 64; asked += 1) eager.send(request(MIB));
  await eventually(() => served.requests.length === 1, "its first request");
  for (let turn = 0; turn < 20; turn += 1) {
    honest.send(request(3));
    await eventually(() => served.requests.length === turn + 2, "an honest request");
    served.requests.at(-1)?.answer([text("x")]);
    await honest.take(5);
  }
  // The kernel's buffers hold some; the rest is still with the peer.
  expect(eager.unsentBytes).toBeGreaterThan(40 * MIB);
});

test("who is held up by a slow answer is not taken for silent", async () => {
  const clock = new FakeClock();
  using served = await servedRep({ clock, onRequest() {} });
  using held = await RawZmtp.ready(served.url, READY_DEALER);
  held.send(request(1), request(1));
  await eventually(() => served.requests.length === 1, "its first request");
  await clock.advance(600_000);
  expect(served.requests[0]?.answer([text("x")])).toBe(true);
  await held.take(5);
  await eventually(() => served.requests.length === 2, "its second request");
});
