// Goal: what is sent arrives whole and in order, however little the socket takes at a time.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Outbox } from "../../../src/adapters/zmtp/outbox.ts";

test("an outbox keeps the order and the bytes, whatever the socket takes and when", () => {
  const step = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.constant("flush"));
  fc.assert(
    fc.property(fc.array(step), fc.array(fc.nat(30), { minLength: 1 }), (steps, appetites) => {
      const sent: number[] = [];
      const written: number[] = [];
      let calls = 0;
      const outbox = new Outbox((bytes) => {
        const appetite = appetites[calls % appetites.length] ?? 0;
        calls += 1;
        written.push(...bytes.subarray(0, appetite));
        return Math.min(appetite, bytes.length);
      });
      for (const each of steps) {
        if (typeof each === "string") outbox.flush();
        else {
          sent.push(...each);
          outbox.send(each);
        }
        expect(written).toEqual(sent.slice(0, written.length));
        expect(outbox.bytes).toBe(sent.length - written.length);
      }
    }),
  );
});

test("an outbox on a closed socket says so", () => {
  const outbox = new Outbox(() => -1);
  outbox.send(Uint8Array.of(1));
  expect(outbox.isClosed).toBe(true);
});
