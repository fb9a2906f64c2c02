/**
 * Bytes among JSON: a typed array that a plugin logs or returns becomes `{"$base64": "..."}`, with
 * its `type` unless that is plain bytes. Where the wire can carry bytes they become bytes again.
 */
import { isJsonObject, type Json } from "./json.ts";

export const BYTES_MEMBER = "$base64";
/** Text of JSON without this has no bytes in it. */
export const BYTES_MARK = `"${BYTES_MEMBER}"`;

const TYPES = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

export function isBytes(value: unknown): boolean {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

/** A replacer for `JSON.stringify`: bytes and typed arrays by their mark, all else as it is. */
export function bytesAsText(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key]; // a Buffer has a `toJSON` of its own
  if (original instanceof ArrayBuffer)
    return { [BYTES_MEMBER]: new Uint8Array(original).toBase64() };
  if (!ArrayBuffer.isView(original)) return value;
  const { buffer, byteOffset, byteLength } = original;
  const text = new Uint8Array(buffer, byteOffset, byteLength).toBase64();
  const type = Object.entries(TYPES).find(([, array]) => original instanceof array)?.[0];
  return { [BYTES_MEMBER]: text, ...(type === undefined ? {} : { type }) };
}

/** The value with bytes and typed arrays in place of their marks; what only looks like one stays. */
export function revived(value: Json): unknown {
  if (Array.isArray(value)) return value.map(revived);
  if (!isJsonObject(value)) return value;
  const bytes =
    typeof value[BYTES_MEMBER] === "string" ? bytesOf(value[BYTES_MEMBER], value.type) : undefined;
  if (bytes !== undefined) return bytes;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revived(each)]));
}

function bytesOf(text: string, type: Json | undefined): ArrayBufferView | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text);
    if (type === undefined) return bytes;
    const array = Object.entries(TYPES).find(([name]) => name === type)?.[1];
    return array && new array(bytes.buffer);
  } catch {
    return undefined; // a plugin's own word under that name
  }
}
