/**
 * Frames as CBOR (RFC 8949), where what a plugin logged as bytes travels as bytes. Only the parts
 * of the library that are pure JavaScript are imported: its native addon is never looked for.
 */
import { Decoder, setSizeLimits } from "cbor-x/decode";
import { Encoder } from "cbor-x/encode";
import { BYTES_MARK, revived } from "../core/bytes.ts";
import type { NumberedLine } from "../core/log.ts";

/** A client's frame is small: nothing in it has more members, whatever its header claims. */
const MEMBERS_MAX = 64;
setSizeLimits({
  maxArraySize: MEMBERS_MAX,
  maxMapSize: MEMBERS_MAX,
  maxObjectSize: MEMBERS_MAX,
});

const encoder = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false });
const decoder = new Decoder({ useRecords: false, mapsAsObjects: true });

export function encodeCbor(value: unknown): Uint8Array {
  return encoder.encode(value);
}

/** @throws for what is no CBOR */
export function decodeCbor(bytes: Uint8Array): unknown {
  return decoder.decode(bytes);
}

export function encodeLines(frame: {
  readonly lines: readonly NumberedLine[];
  readonly texts: readonly string[];
}): Uint8Array {
  const lines = frame.lines.map((line, index) =>
    frame.texts[index]?.includes(BYTES_MARK) ? { ...line, fields: revived(line.fields) } : line,
  );
  return encodeCbor({ lines });
}
