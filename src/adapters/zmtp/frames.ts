/** Frames of ZMTP 3 as they are written: a byte of flags, the length in one byte or in eight, the body. */

export const MORE = 0x01;
export const LONG = 0x02;
export const COMMAND = 0x04;
/** The longest body whose length is written in one byte. */
const SHORT_MAX_BYTES = 255;

export const SHORT_HEADER_BYTES = 2;
export const LONG_HEADER_BYTES = 9;

/** One message in one piece, `envelope` before `frames`: at least one frame in all. */
export function encodeMessage(
  envelope: readonly Uint8Array[],
  frames: readonly Uint8Array[],
): Uint8Array {
  let size = 0;
  for (const frame of envelope) size += sizeOf(frame);
  for (const frame of frames) size += sizeOf(frame);
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  for (const frame of envelope) at = put(out, at, frame, MORE);
  const last = frames.length - 1;
  for (const [nth, frame] of frames.entries()) at = put(out, at, frame, nth === last ? 0 : MORE);
  return out;
}

/** A command with its name and what follows it. */
export function encodeCommand(name: string, data: Uint8Array): Uint8Array {
  const body = Buffer.allocUnsafe(1 + name.length + data.byteLength);
  body[0] = name.length;
  body.write(name, 1, "latin1");
  body.set(data, 1 + name.length);
  const out = Buffer.allocUnsafe(sizeOf(body));
  put(out, 0, body, COMMAND);
  return out;
}

function sizeOf({ byteLength }: Uint8Array): number {
  return byteLength + (byteLength > SHORT_MAX_BYTES ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES);
}

function put(out: Buffer, from: number, body: Uint8Array, flags: number): number {
  const { byteLength } = body;
  let at = from;
  if (byteLength > SHORT_MAX_BYTES) {
    out[at] = flags | LONG;
    out.writeUInt32BE(0, at + 1); // nothing here is longer than 4 GiB
    out.writeUInt32BE(byteLength, at + 5);
    at += LONG_HEADER_BYTES;
  } else {
    out[at] = flags;
    out[at + 1] = byteLength;
    at += SHORT_HEADER_BYTES;
  }
  out.set(body, at);
  return at + byteLength;
}
