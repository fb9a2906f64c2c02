/**
 * Bodies of scenario-execution: one msgpack map each, of what JSON can hold. The library takes more
 * by default (integers as keys, texts that are no UTF-8, extensions, integers that it rounds); here
 * each is refused, since nobody could tell from the value what had been sent.
 */
import { Decoder, Encoder, type ExtensionCodecType } from "@msgpack/msgpack";
import { messageOf, ServantError } from "../core/errors.ts";
import {
  canonicalJson,
  isJsonObject,
  JSON_DEPTH_MAX,
  type Json,
  type JsonObject,
} from "../core/json.ts";
import { type Bounds, checkBounds } from "./msgpack-bounds.ts";

/** A byte order mark at its start is part of a text: Python keeps it, too. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A Python client makes an opaque object of an extension: none is written, either. */
const noExtensions: ExtensionCodecType<undefined> = {
  tryToEncode: () => null,
  decode(_data, type) {
    throw new Error(`it holds an extension, type ${type}`);
  },
};

const decoder = new Decoder({
  extensionCodec: noExtensions,
  keyDecoder: {
    canBeCached: () => true,
    decode: (bytes, at, length) => textOf(bytes.subarray(at, at + length)),
  },
  mapKeyConverter(key) {
    if (typeof key === "string") return key;
    throw new Error("a key of a map is no text");
  },
  // The library reads invalid UTF-8 as other texts, and integers past 2^53 as other integers:
  // `plain` looks at each itself.
  rawStrings: true,
  useBigInt64: true,
});

// A value within so many collections is one level deeper than the last of them.
const encoder = new Encoder({ extensionCodec: noExtensions, maxDepth: JSON_DEPTH_MAX + 1 });

/**
 * The map that a body is.
 *
 * @throws {ServantError} `scenario.malformed`, for anything else and for what is beyond `bounds`
 */
export function decodeMap(body: Uint8Array, bounds?: Bounds): JsonObject {
  let value: Json;
  try {
    checkBounds(body, bounds);
    value = plain(decoder.decode(body));
  } catch (cause) {
    throw malformed(messageOf(cause), cause);
  }
  if (!isJsonObject(value)) throw malformed("it is no map");
  return value;
}

/**
 * The map as a stock client writes and reads it: the smallest form of each number, texts as str.
 *
 * @throws {ServantError} `scenario.malformed` for what could not be read again: a lone surrogate, a
 * number that is not finite, what is beyond the bounds
 */
export function encodeMap(map: JsonObject): Uint8Array<ArrayBuffer> {
  try {
    const body = encoder.encode(map);
    // The library writes a lone surrogate as one thing or another, by the length of its text.
    if (canonicalJson(decodeMap(body)) === canonicalJson(map)) return body;
  } catch (cause) {
    throw malformed(messageOf(cause), cause);
  }
  throw malformed("it would be read as another");
}

/** What is wrong with a body, as its sender is told. */
export function malformed(reason: string, cause?: unknown): ServantError {
  return new ServantError("scenario.malformed", `Cannot read a request: ${reason}`, { cause });
}

/** What the decoder made, with its texts and its integers; collections are changed in place. */
function plain(value: unknown): Json {
  if (value instanceof Uint8Array) return textOf(value);
  if (typeof value === "bigint") return numberOf(value);
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new Error("a number is not finite");
  }
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) value[at] = plain(value[at]);
  } else if (typeof value === "object" && value !== null) {
    const members = value as Record<string, unknown>;
    for (const name in members) members[name] = plain(members[name]);
  }
  return value as Json;
}

/** Throws an Error when the bytes are no UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Error("a text is no UTF-8", { cause });
  }
}

function numberOf(integer: bigint): number {
  const number = Number(integer);
  if (Number.isSafeInteger(number)) return number;
  throw new Error(`the integer ${integer} would be rounded: it is beyond 2^53`);
}
