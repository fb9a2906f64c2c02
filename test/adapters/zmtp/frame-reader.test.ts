// Goal: the same messages come out of a stream however the network cuts it, and a peer that lies about
// lengths costs no more than the bytes that it sent.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { FrameReader, type Received } from "../../../src/adapters/zmtp/frame-reader.ts";
import { encodeCommand, encodeMessage } from "../../../src/adapters/zmtp/frames.ts";
import { DEFAULT_LIMITS, type ZmtpLimits } from "../../../src/adapters/zmtp/limits.ts";
import { isServantError } from "../../../src/core/errors.ts";
import { hex } from "../../support/raw-zmtp.ts";
import { conversation, cut, messagesOf, places, plain } from "./streams.ts";

function reader(limits: Partial<ZmtpLimits> = {}): FrameReader {
  const made = new FrameReader({ ...DEFAULT_LIMITS, ...limits });
  made.takesMessages = true;
  return made;
}

/** Everything that is whole after these pieces, read after each of them or all at the end. */
function readAll(pieces: readonly Uint8Array[], limits?: Partial<ZmtpLimits>, isLazy = false) {
  const made = reader(limits);
  const all: Received[] = [];
  const read = () => {
    for (let next = made.next(); next !== undefined; next = made.next()) all.push(next);
  };
  for (const piece of pieces) {
    made.push(piece);
    if (!isLazy) read();
  }
  read();
  return { all, made };
}

/** The code of what it throws. */
function refusal(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (cause) {
    if (isServantError(cause)) return cause.code;
    throw cause;
  }
}

test("any cut of a stream gives the same messages, read at once or late", () => {
  fc.assert(
    fc.property(conversation, places, fc.boolean(), ({ messages, stream }, at, isLazy) => {
      const { all, made } = readAll(cut(stream, at), {}, isLazy);
      expect(messagesOf(all)).toEqual(messages.map(plain));
      expect(made.isAmid).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

test("a stream that comes byte by byte gives the same messages", () => {
  fc.assert(
    fc.property(conversation, ({ messages, stream }) => {
      const { all } = readAll([...stream].map((byte) => Uint8Array.of(byte)));
      expect(messagesOf(all)).toEqual(messages.map(plain));
    }),
    { numRuns: 30 },
  );
});

test("a stream of anything gives messages within the limits, or zmtp.malformed", () => {
  const limits = { messageBytes: 300, frames: 3, commandBytes: 30 };
  const header = fc.constantFrom(
    ...["00", "01", "02", "03", "04", "06", "05", "08", "0005", "0105", "0405", "ff"].map(hex),
    ...["020000000000000100", "03000000000000012d", "02ffffffffffffffff"].map(hex),
  );
  const junk = fc.array(fc.oneof(header, fc.uint8Array({ maxLength: 300 })), { maxLength: 12 });
  fc.assert(
    fc.property(junk, places, (pieces, at) => {
      const all: Received[] = [];
      const code = refusal(() => all.push(...readAll(cut(Buffer.concat(pieces), at), limits).all));
      if (code !== undefined) expect(code).toBe("zmtp.malformed");
      for (const each of all) {
        const parts = each.isCommand ? [each.body] : each.frames;
        const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
        expect(parts.length).toBeLessThanOrEqual(limits.frames);
        expect(bytes).toBeLessThanOrEqual(each.isCommand ? limits.commandBytes : 300);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a message of just as many bytes, or frames, as allowed passes; one more is refused", () => {
  const limits = { messageBytes: 1_000, frames: 4 };
  const sized = (...sizes: number[]) => [
    encodeMessage(
      [],
      sizes.map((size) => new Uint8Array(size)),
    ),
  ];
  expect(readAll(sized(400, 600), limits).all).toHaveLength(1);
  expect(refusal(() => readAll(sized(400, 601), limits))).toBe("zmtp.malformed");
  expect(readAll(sized(0, 0, 0, 1), limits).all).toHaveLength(1);
  expect(refusal(() => readAll(sized(0, 0, 0, 0, 1), limits))).toBe("zmtp.malformed");
  // Each message begins to count anew.
  expect(readAll([...sized(1_000), ...sized(1_000)], limits).all).toHaveLength(2);
});

test("too much is refused at its header, before any of it has come", () => {
  const oneMore = "0200000000010000 01"; // 16 MiB and a byte
  for (const text of [oneMore, "02ffffffffffffffff", "0200000001 00000000"]) {
    expect(refusal(() => readAll([hex(text)]))).toBe("zmtp.malformed");
  }
  expect(readAll([hex("0200000000010000 00")]).made.isAmid).toBe(true);
  expect(refusal(() => readAll([hex("0600000000 00001001")]))).toBe("zmtp.malformed");
});

test("flags that nobody knows, and a command that goes on, are refused at their first byte", () => {
  for (const flags of ["05", "07", "08", "10", "47", "80"]) {
    expect(refusal(() => readAll([hex(flags)]))).toBe("zmtp.malformed");
  }
});

test("before the handshake a message is refused at its first byte, a command is not", () => {
  const made = new FrameReader(DEFAULT_LIMITS);
  made.push(encodeCommand("READY", new Uint8Array()));
  expect(made.next()?.isCommand).toBe(true);
  made.push(hex("01"));
  expect(refusal(() => made.next())).toBe("zmtp.malformed");
});

test("announced lengths reserve nothing: 1,000 peers that promise 16 MiB each cost little", () => {
  Bun.gc(true);
  const before = memoryMib();
  const held = Array.from({ length: 1_000 }, () => {
    const { made } = readAll([hex("0200000000010000 00"), hex("aa")]);
    return made;
  });
  const after = memoryMib();
  expect(held.every(({ isAmid }) => isAmid)).toBe(true);
  expect(after.reserved - before.reserved).toBeLessThan(1_000);
  expect(after.resident - before.resident).toBeLessThan(64);
});

function memoryMib() {
  const status = readFileSync("/proc/self/status", "utf8");
  const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { reserved: of("VmSize"), resident: of("VmRSS") };
}

test("a frame of 1 MiB that comes byte by byte is put together in linear time", () => {
  const body = new Uint8Array(1024 * 1024).map((_, nth) => nth * 7);
  const stream = encodeMessage([], [body]);
  const made = reader();
  for (let at = 0; at < stream.length; at += 1) {
    if (made.next() !== undefined) throw new Error(`whole at ${at}`);
    made.push(stream.subarray(at, at + 1));
  }
  const received = made.next();
  expect(received?.isCommand === false && Buffer.compare(received.frames[0] ?? body, body)).toBe(0);
}, 30_000);
