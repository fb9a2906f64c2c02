/**
 * The 64 bytes that each side of ZMTP 3 begins with: signature, version, mechanism. Ours are sent
 * whole and at once; a peer's are judged as they come, so that HTTP is turned away at its first byte.
 */
import { printable } from "../../core/printable.ts";

export const GREETING_BYTES = 64;

const SIGNATURE_END = 9;
const MAJOR_AT = 10;
const MINOR_AT = 11;
const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;
const MECHANISM = "NULL";

/** Version 3.1, no security; what libzmq sends, byte for byte. */
export const GREETING: Uint8Array = greeting();

function greeting(): Uint8Array {
  const bytes = new Uint8Array(GREETING_BYTES);
  bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]);
  bytes.set(new TextEncoder().encode(MECHANISM), MECHANISM_AT);
  return bytes;
}

/**
 * Why these first bytes, whole or not yet, begin nothing that can be spoken here.
 *
 * ZMTP 1 and 2 (libzmq before 4.0, of 2013) are refused: such a peer reads on after the version as if
 * we had one of those, so we would have to wait for its version before we send the rest of ours.
 */
export function refusalOf(begun: Uint8Array): string | undefined {
  const [first = 0xff] = begun;
  if (first !== 0xff) return "it does not speak ZMTP";
  if (begun.byteLength > SIGNATURE_END && begun[SIGNATURE_END] !== 0x7f) {
    return "it does not speak ZMTP 3";
  }
  const major = begun[MAJOR_AT];
  if (major !== undefined && major < 3) return `it speaks ZMTP ${major === 0 ? 1 : 2}, not 3`;
  const end = MECHANISM_AT + MECHANISM_BYTES;
  if (begun.byteLength < end) return undefined;
  const mechanism = new TextDecoder().decode(begun.subarray(MECHANISM_AT, end));
  const name = mechanism.replace(/\0+$/, "");
  return name === MECHANISM ? undefined : `its security is "${printable(name)}", not NULL`;
}

/** True for 3.1 and whatever comes after: only they know PING. */
export function knowsPing(whole: Uint8Array): boolean {
  return (whole[MAJOR_AT] ?? 0) > 3 || (whole[MINOR_AT] ?? 0) > 0;
}
