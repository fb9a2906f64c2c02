/** What a ZeroMQ peer sends: whole conversations with bytes spoilt, left out or put in, in any pieces. */
import { expect } from "bun:test";
import fc from "fast-check";
import { encodeCommand, encodeMessage } from "../../src/adapters/zmtp/frames.ts";
import { DEFAULT_LIMITS } from "../../src/adapters/zmtp/limits.ts";
import { REP, Session } from "../../src/adapters/zmtp/session.ts";
import { GREETING, hex, READY_DEALER, READY_REQ } from "../support/raw-zmtp.ts";
import { type Decoder, decoded, decoder } from "./decoder.ts";

const limits = { ...DEFAULT_LIMITS, messageBytes: 1_000, frames: 4, commandBytes: 100 };

const part = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ minLength: 300, maxLength: 900 }),
);
const item = fc.oneof(
  fc.array(part, { minLength: 1, maxLength: 5 }).map((frames) => encodeMessage([], frames)),
  fc
    .tuple(fc.constantFrom("READY", "PING", "PONG", "ERROR", "", "X".repeat(200)), part)
    .map(([name, data]) => encodeCommand(name, data)),
  fc.constantFrom("02ffffffffffffffff", "0600000000000001", "03", "0105").map(hex),
  part,
);
const hello = fc.constantFrom(
  Buffer.concat([GREETING, READY_REQ]),
  Buffer.concat([GREETING, READY_DEALER]),
  GREETING,
  new Uint8Array(),
);
const spoilt = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 });
const cuts = fc.array(fc.nat(2_000), { maxLength: 6 });

const conversations = decoder(
  "ZMTP conversations",
  150,
  fc.tuple(hello, fc.array(item, { maxLength: 6 }), spoilt, cuts),
  ([begun, items, changes, places]) => {
    const stream = Buffer.concat([begun, ...items]);
    for (const [at, byte] of changes) if (stream.length > 0) stream[at % stream.length] = byte;
    let sentBytes = 0;
    const session = new Session(REP, limits, (bytes) => {
      sentBytes += bytes.byteLength;
    });
    decoded(() => {
      const ends = [...places, stream.length].sort((a, b) => a - b);
      for (const [nth, end] of ends.entries()) {
        session.push(stream.subarray(ends[nth - 1] ?? 0, end));
        for (let next = session.next(); next !== undefined; next = session.next()) {
          expect(session.peer).toBeDefined();
          expect(next.length).toBeLessThanOrEqual(limits.frames);
          const bytes = next.reduce((sum, { byteLength }) => sum + byteLength, 0);
          expect(bytes).toBeLessThanOrEqual(limits.messageBytes);
        }
      }
    });
    // A READY, and a PONG for each PING, which is no longer than that.
    expect(sentBytes).toBeLessThanOrEqual(stream.length + 100);
  },
);

export const zmtp: readonly Decoder[] = [conversations];
