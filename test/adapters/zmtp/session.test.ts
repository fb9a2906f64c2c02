// Goal: what is said on the wire is what libzmq says, byte for byte where it was captured, and what
// cannot be talked with is refused at the first byte that shows it.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { encodeCommand, encodeMessage } from "../../../src/adapters/zmtp/frames.ts";
import { DEFAULT_LIMITS } from "../../../src/adapters/zmtp/limits.ts";
import { REP, REQ, type Role, Session } from "../../../src/adapters/zmtp/session.ts";
import { isServantError, messageOf } from "../../../src/core/errors.ts";
import { GREETING, hex, READY_DEALER, READY_REQ } from "../../support/raw-zmtp.ts";
import { conversation, cut, places, plain } from "./streams.ts";

/** The server's READY as it was captured. */
const READY_REP = hex("04190552454144590b536f636b65742d5479706500000003524550");
/** The stock client's heartbeat and its answer. */
const HEARTBEAT = hex("0100 0018 82a3636d64a9686561727462656174a77061796c6f616480");
const OK = hex("0100 000b 81a6737461747573a26f6b");

function talk(role: Role = REP) {
  const sent: Uint8Array[] = [];
  const session = new Session(role, DEFAULT_LIMITS, (bytes) => sent.push(bytes));
  session.start();
  return { session, sent: () => Buffer.concat(sent.splice(0)).toString("hex") };
}

/** After the handshake, with what was sent for it out of the way. */
function ready(hello: Uint8Array = Buffer.concat([GREETING, READY_REQ])) {
  const made = talk();
  made.session.push(hello);
  expect(made.session.next()).toBeUndefined();
  made.sent();
  return made;
}

/** Why it ends the conversation; "" when it does not. */
function refusal({ session }: ReturnType<typeof talk>, ...pieces: Uint8Array[]): string {
  try {
    for (const piece of pieces) session.push(piece);
    while (session.next() !== undefined);
    return "";
  } catch (cause) {
    expect(isServantError(cause) && cause.code).toBe("zmtp.malformed");
    return messageOf(cause);
  }
}

const text = (words: string) => new TextEncoder().encode(words);
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const ready31 = (property: string, value: string) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Uint8Array.of(property.length), text(property), length, text(value)]);
};

test("a REP says what libzmq's says: greeting at once, READY after the peer's greeting", () => {
  const { session, sent } = talk();
  expect(sent()).toBe(hexOf(GREETING));
  session.push(GREETING.subarray(0, 10));
  session.push(GREETING.subarray(10, 11));
  expect(sent()).toBe("");
  session.push(GREETING.subarray(11));
  expect(sent()).toBe(hexOf(READY_REP));
});

test("a stock client's first 157 bytes in one piece are a handshake and a request", () => {
  const { session } = talk();
  session.push(Buffer.concat([GREETING, READY_REQ, HEARTBEAT]));
  expect(session.next()?.map((frame) => frame.byteLength)).toEqual([0, 0x18]);
  expect(session.peer).toEqual({ socketType: "REQ", routingId: new Uint8Array() });
});

test("a message goes out as it was captured: short header, and long above 255 bytes", () => {
  const delimiter = new Uint8Array();
  expect(hexOf(encodeMessage([delimiter], [OK.subarray(4)]))).toBe(hexOf(OK));
  const long = encodeMessage([delimiter], [new Uint8Array(332)]);
  expect(hexOf(long.subarray(0, 11))).toBe("010002000000000000014c");
  expect(encodeMessage([], [new Uint8Array(255)]).byteLength).toBe(257);
  expect(encodeMessage([], [new Uint8Array(256)]).byteLength).toBe(265);
});

test("the two ends of this code understand each other, however the stream is cut", () => {
  fc.assert(
    fc.property(conversation, places, ({ messages, stream }, at) => {
      const req = talk(REQ);
      const rep = talk(REP);
      rep.session.push(hex(req.sent()));
      req.session.push(hex(rep.sent()));
      expect(req.session.next()).toBeUndefined();
      rep.session.push(hex(req.sent()));
      const got: string[][] = [];
      for (const piece of cut(stream, at)) {
        rep.session.push(piece);
        for (let next = rep.session.next(); next; next = rep.session.next()) got.push(plain(next));
      }
      expect(got).toEqual(messages.map(plain));
      expect([req.session.peer?.socketType, rep.session.peer?.socketType]).toEqual(["REP", "REQ"]);
    }),
    { numRuns: 200 },
  );
});

test("whatever a peer sends, before or after its handshake, is heard or refused", () => {
  const hello = fc.constantFrom(GREETING, Buffer.concat([GREETING, READY_REQ]), new Uint8Array());
  fc.assert(
    fc.property(hello, fc.uint8Array({ maxLength: 200 }), places, (begun, junk, at) => {
      refusal(talk(), ...cut(Buffer.concat([begun, junk]), at));
    }),
    { numRuns: 2_000 },
  );
});

test("what does not begin like ZMTP 3 with NULL is refused as soon as it shows", () => {
  const greeting = (at: number, ...bytes: number[]) => {
    const spoilt = GREETING.slice();
    spoilt.set(bytes, at);
    return spoilt;
  };
  expect(refusal(talk(), text("G"))).toContain("does not speak ZMTP");
  expect(refusal(talk(), hex("0100"))).toContain("does not speak ZMTP"); // ZMTP 1 begins so
  expect(refusal(talk(), greeting(9, 0).subarray(0, 10))).toContain("does not speak ZMTP 3");
  expect(refusal(talk(), greeting(10, 0).subarray(0, 11))).toContain("speaks ZMTP 1");
  expect(refusal(talk(), greeting(10, 1).subarray(0, 11))).toContain("speaks ZMTP 2");
  expect(refusal(talk(), greeting(12, ...text("PLAIN")).subarray(0, 32))).toContain('"PLAIN"');
  expect(refusal(talk(), greeting(12, ...text("CURVE")))).toContain('"CURVE"');
  expect(refusal(talk(), greeting(12, ...text("NULLA")))).toContain('"NULLA"');
});

test("3.0, later versions, a server's flag and other bytes of no meaning are taken", () => {
  for (const [at, byte] of [
    [11, 0],
    [11, 7],
    [10, 4],
    [8, 0],
    [32, 1],
    [63, 9],
  ] as const) {
    const other = GREETING.slice();
    other[at] = byte;
    expect(refusal(talk(), other, READY_REQ, HEARTBEAT)).toBe("");
  }
});

test("only a REQ and a DEALER are served, and nothing before their READY", () => {
  expect(refusal(talk(), GREETING, READY_DEALER)).toBe("");
  for (const type of ["PUB", "REP", "ROUTER", "", "req"]) {
    const other = encodeCommand("READY", ready31("Socket-Type", type));
    expect(refusal(talk(), GREETING, other)).toContain(`"${type}"`);
  }
  expect(refusal(talk(), GREETING, encodeCommand("READY", new Uint8Array()))).toContain('""');
  expect(refusal(talk(), GREETING, HEARTBEAT)).toContain("before the handshake");
  expect(refusal(talk(), GREETING, hex("04070450494e470000"))).toContain('"PING"');
});

test("a READY may spell its properties as it likes and bring others; it may not break off", () => {
  const said = [
    ready31("X-Name", "arm"),
    ready31("SOCKET-type", "REQ"),
    ready31("identity", "seven"),
  ];
  const { session } = ready(Buffer.concat([GREETING, encodeCommand("READY", Buffer.concat(said))]));
  expect(session.peer).toEqual({ socketType: "REQ", routingId: text("seven") });
  for (const broken of ["0b", "0b536f636b65742d54797065", "0158ffffffff", "015800000002aa"]) {
    const command = encodeCommand("READY", hex(broken));
    expect(refusal(talk(), GREETING, command)).toContain("breaks off");
  }
  expect(refusal(talk(), GREETING, hex("0400"))).toContain("without a name");
  expect(refusal(talk(), GREETING, hex("040209aa"))).toContain("without a name");
});

test("a PING is answered with a PONG of the same context, of 16 bytes at most", () => {
  const { session, sent } = ready();
  session.push(hex("0409 0450494e47 0000 abcd"));
  expect(session.next()).toBeUndefined();
  expect(sent()).toBe("0407 04504f4e47 abcd".replaceAll(" ", ""));
  expect(session.ttlMs).toBe(0);
  session.push(encodeCommand("PING", hex(`001e${"ee".repeat(20)}`)));
  expect(session.next()).toBeUndefined();
  expect(sent()).toBe(`041504504f4e47${"ee".repeat(16)}`);
  expect(session.ttlMs).toBe(3_000);
  expect(refusal({ session, sent }, hex("0406 0450494e47 00"))).toContain("breaks off");
});

test("other commands are ignored, an ERROR ends it", () => {
  const { session, sent } = ready();
  const words = ["PONG", "SUBSCRIBE", "WHATEVER"].map((name) => encodeCommand(name, hex("aabb")));
  expect(refusal({ session, sent }, ...words)).toBe("");
  expect(sent()).toBe("");
  const error = encodeCommand("ERROR", Uint8Array.of(3, ...text("bad")));
  expect(refusal({ session, sent }, error)).toContain('"bad"');
});
