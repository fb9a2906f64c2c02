// Goal: every request that its peer still waits for is answered, in order, with its envelope; and what one
// peer does, says or leaves undone is no other's trouble. Method: raw peers on real sockets.
import { expect, test } from "bun:test";
import { encodeMessage } from "../../../src/adapters/zmtp/frames.ts";
import { TURN_MESSAGES } from "../../../src/adapters/zmtp/limits.ts";
import type { Request } from "../../../src/adapters/zmtp/rep.ts";
import { isServantError } from "../../../src/core/errors.ts";
import { GREETING, hex, RawZmtp, READY_DEALER } from "../../support/raw-zmtp.ts";
import { eventually, servedRep } from "../../support/zmq-server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (frames: readonly Uint8Array[]) =>
  frames.map((each) => Buffer.from(each).toString());
const DELIMITER = new Uint8Array();
const request = (...frames: string[]) => encodeMessage([DELIMITER], frames.map(bytes));

/** Asks and takes the answer, which echoes. */
async function roundTrip(raw: RawZmtp, text: string): Promise<void> {
  const asked = request(text);
  raw.send(asked);
  expect(Buffer.compare(await raw.take(asked.byteLength), asked)).toBe(0);
}

test("the captured heartbeat is answered byte for byte", async () => {
  const ok = hex("81a6737461747573a26f6b");
  using served = await servedRep({ onRequest: ({ answer }) => void answer([ok]) });
  using raw = await RawZmtp.ready(served.url);
  raw.send(hex("0100 0018 82a3636d64a9686561727462656174a77061796c6f616480"));
  expect((await raw.take(15)).toString("hex")).toBe("0100000b81a6737461747573a26f6b");
});

test("the envelope comes back as it was, whatever is in it", async () => {
  using served = await servedRep({
    onRequest: ({ answer }) => void answer([bytes("a"), bytes("b")]),
  });
  using raw = await RawZmtp.ready(served.url);
  const envelope = [hex("00000007"), bytes("x".repeat(300)), DELIMITER];
  raw.send(encodeMessage(envelope, [bytes("one"), DELIMITER, bytes("two")]));
  const expected = encodeMessage(envelope, [bytes("a"), bytes("b")]);
  expect(Buffer.compare(await raw.take(expected.byteLength), expected)).toBe(0);
  expect(textOf(served.requests[0]?.frames ?? [])).toEqual(["one", "", "two"]);
});

test("a message without a delimiter or without a body ends its peer and no other", async () => {
  using served = await servedRep();
  using other = await RawZmtp.ready(served.url);
  for (const frames of [[bytes("bare")], [bytes("a"), bytes("b")], [DELIMITER]]) {
    using raw = await RawZmtp.ready(served.url);
    raw.send(encodeMessage([], frames));
    await raw.closed();
  }
  await roundTrip(other, "still here");
  expect(served.gone.map(({ why }) => why)).toEqual(
    Array(3).fill("Cannot understand the peer: a request without an empty frame before its body"),
  );
});

test("what follows a fault is not heard, what came before it is", async () => {
  using served = await servedRep();
  using raw = await RawZmtp.ready(served.url);
  raw.send(request("first"), hex("ff"), request("second"));
  await raw.closed();
  expect(served.requests.map(({ frames }) => textOf(frames))).toEqual([["first"]]);
});

test("a DEALER's requests are handed out one by one and answered in order", async () => {
  const open: Request[] = [];
  using served = await servedRep({ onRequest: (each) => void open.push(each) });
  using raw = await RawZmtp.ready(served.url, READY_DEALER);
  raw.send(request("a"), request("b"), request("c"));
  for (const name of ["a", "b", "c"]) {
    await eventually(() => open.length === 1, `request ${name}`);
    const [{ frames, answer } = expect.unreachable()] = open.splice(0);
    expect(textOf(frames)).toEqual([name]);
    expect(raw.waiting).toBe(0);
    expect(answer(frames)).toBe(true);
    expect((await raw.take(5)).toString("hex")).toBe(Buffer.from(request(name)).toString("hex"));
  }
});

test("a REQ that asks again is answered to that alone: a late answer goes nowhere", async () => {
  const open: Request[] = [];
  using served = await servedRep({ onRequest: (each) => void open.push(each) });
  using raw = await RawZmtp.ready(served.url);
  raw.send(request("slow"));
  await eventually(() => open.length === 1, "the first");
  raw.send(request("next"));
  await eventually(() => open.length === 2, "the second, though the first waits");
  expect(open[0]?.answer([bytes("late")])).toBe(false);
  expect(open[1]?.answer([bytes("good")])).toBe(true);
  expect((await raw.take(8)).toString("latin1").slice(4)).toBe("good");
  raw.send(request("third"));
  await eventually(() => open.length === 3, "the third");
  expect(raw.waiting).toBe(0);
});

// A server that stood still finds a request and the one that took its place side by side.
test("a REQ's two requests in one piece are both handed out, the last one is answered", async () => {
  const given: boolean[] = [];
  using served = await servedRep({
    onRequest: ({ frames, answer }) => void given.push(answer(frames)),
  });
  using raw = await RawZmtp.ready(served.url);
  raw.send(Buffer.concat([request("heartbeat"), request("update")]));
  expect((await raw.take(10)).toString("latin1").slice(4)).toBe("update");
  expect(given).toEqual([false, true]);
  await roundTrip(raw, "third");
});

test("a request is answered once, and with a frame", async () => {
  using served = await servedRep({ onRequest() {} });
  using raw = await RawZmtp.ready(served.url);
  raw.send(request("a"));
  await eventually(() => served.requests.length === 1, "the request");
  const { answer } = served.requests[0] as Request;
  const code = (act: () => unknown) => {
    try {
      return act();
    } catch (cause) {
      return isServantError(cause) && cause.code;
    }
  };
  expect(code(() => answer([]))).toBe("agent.internal");
  expect(code(() => answer([bytes("b")]))).toBe(true);
  expect(code(() => answer([bytes("b")]))).toBe("agent.internal");
  await raw.take(5);
});

test("an answer to a peer that is gone goes nowhere", async () => {
  using served = await servedRep({ onRequest() {} });
  const raw = await RawZmtp.ready(served.url);
  raw.send(request("a"));
  await eventually(() => served.requests.length === 1, "the request");
  const { answer, peer } = served.requests[0] as Request;
  expect(peer.isOpen).toBe(true);
  raw[Symbol.dispose]();
  await eventually(() => served.gone.length === 1, "that it is gone");
  expect(served.gone[0]?.peer).toBe(peer);
  expect(served.gone[0]?.why).toBe("");
  expect(peer.isOpen).toBe(false);
  expect(answer([bytes("b")])).toBe(false);
  expect(served.server.peers).toBe(0);
});

test("a peer can be sent away, and each connection is a peer of its own", async () => {
  using served = await servedRep();
  using one = await RawZmtp.ready(served.url);
  using two = await RawZmtp.ready(served.url);
  await roundTrip(one, "1");
  await roundTrip(two, "2");
  const [first, second] = served.requests.map(({ peer }) => peer);
  expect(first?.id).not.toBe(second?.id);
  expect(first?.address).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
  first?.close();
  await one.closed();
  await roundTrip(two, "still here");
});

test("a handler that throws ends that connection and nothing else", async () => {
  using served = await servedRep({
    onRequest({ frames, answer }) {
      if (textOf(frames)[0] === "bad") throw new Error("on purpose");
      answer(frames);
    },
  });
  using other = await RawZmtp.ready(served.url);
  using raw = await RawZmtp.ready(served.url);
  raw.send(request("bad"));
  await raw.closed();
  expect(served.gone.map(({ why }) => why)).toEqual(["on purpose"]);
  await roundTrip(other, "still here");
});

test("frames stay as they were read, however much is read after them", async () => {
  using served = await servedRep();
  using raw = await RawZmtp.ready(served.url);
  const texts = Array.from({ length: 40 }, (_, nth) => String(nth).repeat(1 + nth * 40));
  for (const text of texts) await roundTrip(raw, text);
  expect(served.requests.map(({ frames }) => textOf(frames)[0])).toEqual(texts);
});

test("thousands of requests in one piece are answered, and others have their turns", async () => {
  let inTurn = 0;
  let most = 0;
  using served = await servedRep({
    onRequest({ frames, answer }) {
      if (inTurn === 0) {
        setImmediate(() => {
          inTurn = 0;
        });
      }
      inTurn += 1;
      most = Math.max(most, inTurn);
      answer(frames);
    },
  });
  using flood = await RawZmtp.ready(served.url, READY_DEALER);
  using other = await RawZmtp.ready(served.url);
  const asked = Buffer.concat(Array(50_000).fill(request("x")));
  flood.send(asked);
  await roundTrip(other, "me too");
  expect(Buffer.compare(await flood.take(asked.length), asked)).toBe(0);
  // Its socket may be heard from more than once in a turn of the loop.
  expect(most).toBeLessThanOrEqual(4 * TURN_MESSAGES);
});

test("a request of 16 MiB is answered; one byte more ends its peer at its header", async () => {
  using served = await servedRep();
  using raw = await RawZmtp.ready(served.url);
  const most = encodeMessage([DELIMITER], [new Uint8Array(16 * 1024 * 1024).fill(7)]);
  raw.send(most);
  expect(Buffer.compare(await raw.take(most.byteLength), most)).toBe(0);
  raw.send(hex("0100 02 0000000001000001"));
  await raw.closed();
  expect(served.gone[0]?.why).toContain("more than 16777216 bytes");
});

test("a listener takes so many peers and no more", async () => {
  using served = await servedRep({ limits: { peers: 2 } });
  using one = await RawZmtp.ready(served.url);
  using _two = await RawZmtp.ready(served.url);
  using three = await RawZmtp.connect(served.url);
  await three.closed();
  expect(served.refused[0]).toContain("2 are connected");
  one[Symbol.dispose]();
  await eventually(() => served.server.peers === 1, "room for one");
  using four = await RawZmtp.ready(served.url);
  await roundTrip(four, "in");
});

test("several listeners are one server, and a peer knows where it came in", async () => {
  using served = await servedRep({ urls: ["tcp://127.0.0.1:*", "tcp://[::1]:0"] });
  expect(served.server.urls[1]).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
  for (const url of served.server.urls) {
    using raw = await RawZmtp.ready(url);
    await roundTrip(raw, url);
  }
  expect(served.requests[1]?.peer.address).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
});

test("a greeting in pieces and a request in the same piece as READY are understood", async () => {
  using served = await servedRep();
  using raw = await RawZmtp.connect(served.url);
  for (const [from, to] of [
    [0, 10],
    [10, 11],
    [11, 64],
  ]) {
    raw.send(GREETING.subarray(from, to));
    await raw.take(from === 0 ? 64 : 0);
  }
  raw.send(Buffer.concat([READY_DEALER, request("now")]));
  await raw.take(27);
  expect((await raw.take(7)).toString("latin1").slice(4)).toBe("now");
});
