// Goal: frames are those of the Python machines, open at their own place alone, and neither side
// takes what the other's setting would not have sent.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ServantError } from "../../src/core/errors.ts";
import {
  bucketPlace,
  framed,
  keyIdOf,
  keyOf,
  noSeal,
  SEAL_BYTES,
  sealOf,
  sealWith,
} from "../../src/wire/puda-seal.ts";

const KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER = Buffer.alloc(32, 7).toString("base64");
const SUBJECT = "puda.rig1.cmd.queue";
/** From the real code, version 0.0.21. */
const FRAME = "e201630dcd29000102030405060708090a0b3c20b739ffd4bf554a1c8d37ba4d1cbc9ad9034093cd6c";
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (payload: Uint8Array) => new TextDecoder().decode(payload);
const codeOf = (act: () => unknown) => {
  try {
    act();
    return "none";
  } catch (cause) {
    return cause instanceof ServantError ? cause.code : String(cause);
  }
};

test("a frame is the real machine's, byte for byte, and is opened", () => {
  const nonce = Uint8Array.from({ length: 12 }, (_, at) => at);
  const frame = framed(keyOf(KEY), "630dcd29", SUBJECT, '{"a":1}', nonce);
  expect(Buffer.from(frame).toString("hex")).toBe(FRAME);
  expect(keyIdOf(keyOf(KEY))).toBe("630dcd29");
  expect(text(sealOf(`encrypt=${KEY}`).open(SUBJECT, Buffer.from(FRAME, "hex")))).toBe('{"a":1}');
});

test("whatever is closed opens again at its place, with a new nonce each time, and nowhere else", () => {
  const seal = sealOf(`encrypt=${KEY}\n`);
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.string(),
      fc.string(),
      (plain, place, other) => {
        const frame = seal.close(place, plain) as Uint8Array;
        expect(frame.length).toBe(bytes(plain).length + SEAL_BYTES);
        expect(text(seal.open(place, frame))).toBe(plain);
        expect(seal.close(place, plain)).not.toEqual(frame);
        if (other !== place) expect(codeOf(() => seal.open(other, frame))).toBe("payload.refused");
      },
    ),
  );
});

test("a frame with any byte changed, or cut, is refused", () => {
  const seal = sealOf(`encrypt=${KEY}`);
  const frame = Buffer.from(FRAME, "hex");
  for (let at = 0; at < frame.length; at++) {
    const changed = Uint8Array.from(frame);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(codeOf(() => seal.open(SUBJECT, changed))).toBe("payload.refused");
    expect(codeOf(() => seal.open(SUBJECT, frame.subarray(0, at)))).toBe("payload.refused");
  }
});

test("plaintext is refused with a key, and a frame without one", () => {
  expect(codeOf(() => sealOf(`encrypt=${KEY}`).open(SUBJECT, bytes("{}")))).toBe("payload.refused");
  expect(codeOf(() => noSeal.open(SUBJECT, Buffer.from(FRAME, "hex")))).toBe("payload.refused");
  expect(text(noSeal.open(SUBJECT, bytes("{}")))).toBe("{}");
  expect(noSeal.close(SUBJECT, "{}")).toBe("{}");
});

test("the previous key still opens, the present one closes", () => {
  const before = sealOf(`encrypt=${KEY}`);
  const after = sealOf(`# rotated\nencrypt=${OTHER}\n\n previous = ${KEY}\n`);
  const place = bucketPlace("MACHINE_STATE", "rig1");
  expect(place).toBe("kv:MACHINE_STATE:rig1");
  expect(text(after.open(place, before.close(place, "old") as Uint8Array))).toBe("old");
  const frame = after.close(place, "new") as Uint8Array;
  expect(codeOf(() => before.open(place, frame))).toBe("payload.refused");
  expect(after.keyIds).toEqual({
    encrypt: keyIdOf(keyOf(OTHER)),
    decrypt: [keyIdOf(keyOf(OTHER)), "630dcd29"],
  });
  expect(sealWith(keyOf(KEY), [keyOf(KEY)]).keyIds?.decrypt).toEqual(["630dcd29"]);
});

test("a key file that is none is refused without telling what it holds", () => {
  const files = [
    "",
    KEY,
    `previous=${KEY}`,
    `encrypt=${KEY}\nencrypt=${OTHER}`,
    `encrypt=${KEY}\nsecret=${OTHER}`,
    "encrypt=",
    `encrypt=${KEY.slice(0, 40)}`,
    `encrypt=${KEY}${KEY}`,
    `encrypt=${KEY}\nprevious=short`,
  ];
  for (const file of files)
    expect([file, codeOf(() => sealOf(file))]).toEqual([file, "key.invalid"]);
  expect(() => keyOf("hunter2hunter2")).not.toThrow(/hunter2/);
  expect(() => keyOf("hunter2hunter2")).toThrow(/32 bytes as base64/);
});
