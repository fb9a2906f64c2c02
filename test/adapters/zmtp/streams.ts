/** Streams of ZMTP frames for property tests, and what they say. */
import fc from "fast-check";
import type { Received } from "../../../src/adapters/zmtp/frame-reader.ts";
import { encodeCommand, encodeMessage } from "../../../src/adapters/zmtp/frames.ts";

/** Short and long frames, and the lengths where the header changes. */
const body = fc
  .oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 20 }) },
    fc.constantFrom(254, 255, 256, 257, 5_000),
  )
  .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));

const message = fc.array(body, { minLength: 1, maxLength: 4 });
const command = fc.uint8Array({ maxLength: 20 }).map((data) => encodeCommand("WORD", data));

/** Messages, with commands between them and between their frames, as libzmq's heartbeats come. */
export const conversation = fc
  .array(fc.record({ frames: message, commands: fc.array(fc.option(command), { maxLength: 4 }) }), {
    maxLength: 8,
  })
  .map((turns) => ({
    messages: turns.map(({ frames }) => frames),
    stream: Buffer.concat(
      turns.flatMap(({ frames, commands }) =>
        frames.flatMap((frame, nth) => {
          const isLast = nth === frames.length - 1;
          const bytes = Buffer.from(encodeMessage([], [frame]));
          bytes[0] = (bytes[0] ?? 0) | (isLast ? 0 : 1);
          return [...(commands[nth] ? [commands[nth]] : []), bytes];
        }),
      ),
    ),
  }));

/** The stream in pieces, cut anywhere. */
export function cut(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = places.map((place) => place % (stream.length + 1)).sort((a, b) => a - b);
  // A copy each, as a socket gives them: what is kept by mistake would show.
  return [0, ...at].map((from, nth) => stream.slice(from, at[nth] ?? stream.length));
}

export const places = fc.array(fc.nat(), { maxLength: 12 });

/** Bytes as they are, for comparison. */
export const plain = (frames: readonly Uint8Array[]) =>
  frames.map((frame) => Buffer.from(frame).toString("hex"));

export function messagesOf(all: readonly Received[]): string[][] {
  return all.flatMap((each) => (each.isCommand ? [] : [plain(each.frames)]));
}
