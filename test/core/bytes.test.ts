import { expect, test } from "bun:test";
import fc from "fast-check";
import { BYTES_MARK, bytesAsText, revived } from "../../src/core/bytes.ts";

test("typed arrays come back from JSON as they went in", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.int8Array(),
        fc.int16Array(),
        fc.uint16Array(),
        fc.int32Array(),
        fc.uint32Array(),
        fc.float32Array({ noNaN: true }), // one NaN may come back as another
        fc.float64Array({ noNaN: true }),
      ),
      fc.jsonValue(),
      (bytes, beside) => {
        const text = JSON.stringify({ in: [{ bytes }], beside }, bytesAsText);
        expect(text).toContain(BYTES_MARK);
        expect(revived(JSON.parse(text))).toEqual({
          in: [{ bytes }],
          beside: revivedPlain(beside),
        });
      },
    ),
  );
});

test("any bytes count: a Buffer, a part of one, an ArrayBuffer, a DataView", () => {
  const part = Buffer.from([9, 1, 2, 9]).subarray(1, 3);
  const view = new DataView(new Uint8Array([9, 1, 2, 9]).buffer, 1, 2);
  for (const bytes of [part, view, new Uint8Array([1, 2]).buffer]) {
    expect(JSON.stringify({ bytes }, bytesAsText)).toBe('{"bytes":{"$base64":"AQI="}}');
  }
});

test.each([
  { $base64: "*" },
  { $base64: 7 },
  { $base64: "AQI=", type: "float32" },
  { $base64: "AQI=", type: "x" },
])("what only looks like bytes stays as it is: %j", (value) => {
  expect(revived(value)).toEqual(value);
});

/** What JSON makes of it: it knows no -0. */
function revivedPlain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
