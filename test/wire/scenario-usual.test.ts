// Goal: what is read the short way is what would have been read the long way, or refused with the same
// words. Method: a map may say its size in three bytes, which is never read the short way.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { messageOf } from "../../src/core/errors.ts";
import { type ActionId, encodeRequest, readRequest } from "../../src/wire/scenario.ts";
import { usualRequest } from "../../src/wire/scenario-usual.ts";
import captured from "../fixtures/scenario/captures.json" with { type: "json" };
import { hex } from "../support/raw-zmtp.ts";

const recorded = (name: string) => hex(captured.requests.find((r) => r.name === name)?.hex ?? "");

function outcome(body: Uint8Array): unknown {
  try {
    return readRequest([body]);
  } catch (cause) {
    return messageOf(cause);
  }
}
/** Of an update whose id is written as a longer one, and empty. */
const noId = Buffer.concat([recorded("update").subarray(0, 33), hex("d900")]);
const long = (body: Uint8Array) => Buffer.concat([hex("de0002"), body.subarray(1)]);

test("usualRequest() knows a stock client's update and heartbeat", () => {
  expect(usualRequest(recorded("heartbeat"))).toEqual({ cmd: "heartbeat" });
  expect(usualRequest(recorded("update"))).toMatchObject({ cmd: "update" });
  expect(usualRequest(long(recorded("update")))).toBeUndefined();
  expect(usualRequest(recorded("setup"))).toBeUndefined();
});

test("usualRequest() reads as all else is read, whatever is spoilt", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
    fc.integer({ min: 1, max: 250 }).map((chars) => "x".repeat(chars)),
  );
  const usual = fc.oneof(
    fc.constantFrom(recorded("heartbeat"), recorded("update"), noId),
    text.map((id) => encodeRequest({ cmd: "update", actionId: id.toWellFormed() as ActionId })),
  );
  const change = fc.tuple(fc.integer({ min: 1, max: 80 }), fc.uint8Array({ maxLength: 3 }));
  const spoilt = fc.tuple(usual, fc.option(change), fc.nat(90)).map(([body, changed, cut]) => {
    if (changed === null) return body;
    const [at, bytes] = changed;
    return Buffer.concat([body.subarray(0, at), bytes, body.subarray(at + (cut % 4))]);
  });
  fc.assert(
    fc.property(spoilt, (body) => {
      if (body[0] === 0x82) expect(outcome(body)).toEqual(outcome(long(body)));
    }),
    { numRuns: 5_000 },
  );
});
