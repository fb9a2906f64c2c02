/** What programs and browsers send to the door on this machine. */
import { expect } from "bun:test";
import fc from "fast-check";
import { encodeCbor } from "../../src/local/cbor.ts";
import { Refusal, subscriptionIn, subscriptionOf } from "../../src/local/client-frame.ts";
import { AssignmentQuery, Reason } from "../../src/wire/local.ts";
import { type Decoder, decoder, expectBounded, expectPlain } from "./decoder.ts";
import { spoiled, spoiledText, text } from "./hostile.ts";

const subscribe = fc.record({
  level: fc.constantFrom("debug", "warn", "loud"),
  sources: fc.array(fc.constantFrom("agent", "plugin", "odd"), { maxLength: 3 }),
  auditId: text,
  text,
  since: fc.oneof(fc.double(), fc.constantFrom("10m", "1h30m", "-5m", "2026-01-01", "14:03"), text),
});
const frame = fc.record({ subscribe: spoiled(subscribe) });

/** What it makes of it; a client whose frame cannot be read is sent away. */
function understood<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Refusal) return undefined;
    throw cause;
  }
}

const textFrames = decoder("frames of a log stream", 30, spoiledText(spoiled(frame)), (message) => {
  const asked = understood(() => subscriptionIn(message, "json"));
  if (asked === undefined) return;
  expectBounded(asked, message.length);
  expectPlain(asked);
});

/** Lengths that a header may claim, far beyond what follows it. */
const claims = fc.constantFrom(
  [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x5a, 0x7f, 0xff, 0xff, 0xff],
  [0xba, 0x00, 0xff, 0xff, 0xff],
  [0xbf],
  [0xd8, 0x40],
  [0xc2, 0x58, 0xff],
);
const bytes = fc.oneof(
  spoiled(frame).map(encodeCbor),
  fc.uint8Array({ maxLength: 60 }),
  fc.tuple(claims, fc.uint8Array({ maxLength: 20 })).map(([head, rest]) => [...head, ...rest]),
  fc.integer({ min: 1, max: 5_000 }).map((levels) => new Array<number>(levels).fill(0x81)),
);
const binaryFrames = decoder("binary frames of a log stream", 40, bytes, (message) => {
  const asked = understood(() => subscriptionIn(Uint8Array.from(message), "cbor"));
  if (asked !== undefined) expectBounded(asked, message.length);
});

const query = fc.array(fc.tuple(fc.constantFrom("level", "source", "since", "limit", "x"), text));
const queries = decoder("queries of the door", 30, query, (pairs) => {
  const asked = new URLSearchParams(pairs);
  understood(() => subscriptionOf(asked));
  const { data } = AssignmentQuery.safeParse(Object.fromEntries(asked));
  if (data !== undefined) expect(Number.isInteger(data.limit)).toBe(true);
  Reason.safeParse(Object.fromEntries(asked));
});

export const local: readonly Decoder[] = [textFrames, binaryFrames, queries];
