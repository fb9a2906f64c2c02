/**
 * PUDA's payload encryption. With a lab key every payload travels in a frame, and one that does not
 * is refused; without a key it is the frames that are refused. A frame belongs to the place it is for
 * (its subject, or the key of its bucket): taken elsewhere it does not open.
 *
 * Frame: `E2 01`, the key's id (4 bytes), a nonce (12), then AES-256-GCM's text with its tag (16).
 * No JSON begins so: `E2 01` is no UTF-8.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import * as z from "zod/mini";
import { ServantError } from "../core/errors.ts";

const MARK = [0xe2, 0x01] as const;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = MARK.length + KEY_ID_BYTES + NONCE_BYTES;
/** A sealed payload is longer by so much. */
export const SEAL_BYTES = HEAD_BYTES + TAG_BYTES;
const CIPHER = "aes-256-gcm";

/** Puts payloads under seal and takes it off; the one without a key lets them pass as they are. */
export interface Seal {
  /** How much longer a payload becomes. */
  readonly bytes: number;
  /** Key ids, as a ping answer names them; undefined without a key. */
  readonly keyIds: { readonly encrypt: string; readonly decrypt: readonly string[] } | undefined;
  /** @param place the subject it is published on, or `bucketPlace(...)` */
  close(place: string, payload: string): Uint8Array | string;
  /** @throws {ServantError} `payload.refused` */
  open(place: string, payload: Uint8Array): Uint8Array;
}

/** The place of a bucket's value. */
export const bucketPlace = (bucket: string, key: string) => `kv:${bucket}:${key}`;

/** Of a lab without a key. */
export const noSeal: Seal = {
  bytes: 0,
  keyIds: undefined,
  close: (_place, payload) => payload,
  open(_place, payload) {
    if (!isFramed(payload)) return payload;
    throw refused(`it is encrypted with the key ${idIn(payload)}, and no key is known here`);
  },
};

/** What the bucket `E2E_KEYRING` tells of a change of keys. */
export const Keyring = z.looseObject({
  new_key: z.string(),
  old_key: z.nullish(z.string()),
  encrypt_kid: z.nullish(z.string()),
});

/**
 * The seal of a key file: lines `encrypt=BASE64` and `previous=BASE64`, the second if there is one.
 *
 * @throws {ServantError} `key.invalid`
 */
export function sealOf(keyFile: string): Seal {
  const lines = keyFile.split("\n").map((line) => line.trim());
  const said = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const keys = new Map(
    said.map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()] as const;
    }),
  );
  const [encrypt, previous] = [keys.get("encrypt"), keys.get("previous")];
  const known = ["encrypt", "previous"];
  if (encrypt === undefined || said.length !== keys.size || [...keys.keys()].some(isOther)) {
    throw badKey("it has other lines than encrypt=KEY and previous=KEY");
  }
  return sealWith(keyOf(encrypt), previous ? [keyOf(previous)] : []);

  function isOther(name: string): boolean {
    return !known.includes(name);
  }
}

/** 32 bytes, as base64. @throws {ServantError} `key.invalid` */
export function keyOf(base64: string): Uint8Array {
  const isBase64 = /^[A-Za-z0-9+/]{43}=?$/.test(base64);
  const key = isBase64 ? Buffer.from(base64, "base64") : undefined;
  if (key?.length === KEY_BYTES) return key;
  throw badKey(`a key is ${KEY_BYTES} bytes as base64`); // the text may be a secret: it is not told
}

/** Closes with the first key; opens with any. */
export function sealWith(key: Uint8Array, older: readonly Uint8Array[] = []): Seal {
  const id = keyIdOf(key);
  const keys = new Map([...older, key].map((each) => [keyIdOf(each), each]));
  return {
    bytes: SEAL_BYTES,
    keyIds: { encrypt: id, decrypt: [id, ...older.map(keyIdOf).filter((each) => each !== id)] },
    close: (place, payload) => framed(key, id, place, payload, randomBytes(NONCE_BYTES)),
    open(place, payload) {
      if (!isFramed(payload)) throw refused("it is not encrypted");
      const used = keys.get(idIn(payload));
      if (used === undefined) throw refused(`its key ${idIn(payload)} is not known here`);
      return opened(used, place, payload);
    },
  };
}

/** The first bytes of the key's hash, in hex. */
export function keyIdOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest().subarray(0, KEY_ID_BYTES).toString("hex");
}

/** For tests too: a nonce must never be used twice with one key. */
export function framed(
  key: Uint8Array,
  keyId: string,
  place: string,
  payload: string,
  nonce: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.from(place));
  const text = [cipher.update(payload, "utf8"), cipher.final()];
  const head = [Uint8Array.from(MARK), Buffer.from(keyId, "hex"), nonce];
  return Buffer.concat([...head, ...text, cipher.getAuthTag()]);
}

function opened(key: Uint8Array, place: string, payload: Uint8Array): Uint8Array {
  const nonce = payload.subarray(HEAD_BYTES - NONCE_BYTES, HEAD_BYTES);
  const tagAt = payload.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(place));
  decipher.setAuthTag(payload.subarray(tagAt));
  try {
    const text = decipher.update(payload.subarray(HEAD_BYTES, tagAt));
    return Buffer.concat([text, decipher.final()]);
  } catch (cause) {
    throw refused("it was changed, or is from another place", cause);
  }
}

function isFramed(payload: Uint8Array): boolean {
  return payload.length >= SEAL_BYTES && payload[0] === MARK[0] && payload[1] === MARK[1];
}

function idIn(payload: Uint8Array): string {
  return Buffer.from(payload.subarray(MARK.length, MARK.length + KEY_ID_BYTES)).toString("hex");
}

function refused(reason: string, cause?: unknown): ServantError {
  return new ServantError("payload.refused", `Cannot read a payload: ${reason}`, { cause });
}

function badKey(reason: string): ServantError {
  return new ServantError("key.invalid", `Cannot use the key file: ${reason}`);
}
