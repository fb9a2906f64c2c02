/**
 * One file of the log: where in it a line stands, and lines out of it. Lines are found by halving,
 * so that no index has to be kept; a line that is damaged is passed over.
 */
import { closeSync, openSync, readSync, write } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { headOf, LINE_TEXT_MAX_CHARS, type LogChunk } from "../core/log.ts";

/** How much is read at once: to find a line, and to take lines. */
const LOOK_BYTES = 4 * 1024;
const CHUNK_BYTES = 256 * 1024;
/** No line of ours is longer: a character of text is three bytes at most. */
const LINE_MAX_BYTES = LINE_TEXT_MAX_CHARS * 3 + 1;
const NEWLINE = 0x0a;
/** The beginning of a line, enough for its number and time. */
const HEAD_BYTES = 128;

type Head = NonNullable<ReturnType<typeof headOf>>;

const writeAsync = promisify(write);

/** Writes every byte at this place. */
export async function writeAll(fd: number, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = (await writeAsync(
      fd,
      bytes,
      done,
      bytes.length - done,
      at + done,
    )) as unknown as { bytesWritten: number };
    done += bytesWritten;
  }
}

/** The last whole line's number, and where it ends; the number is undefined when there is none. */
export function lastLine(path: string, size: number): { seq: number | undefined; end: number } {
  const fd = openSync(path, "r");
  try {
    let end = size;
    for (let tail = 2 * LINE_MAX_BYTES; end > 0; tail *= 2) {
      const from = Math.max(size - tail, 0);
      const bytes = Buffer.alloc(end - from);
      const length = readSync(fd, bytes, 0, bytes.length, from);
      let stop = bytes.subarray(0, length).lastIndexOf(NEWLINE) + 1;
      while (stop > 0) {
        const start = stop < 2 ? 0 : bytes.lastIndexOf(NEWLINE, stop - 2) + 1;
        const head = headOf(bytes.toString("utf8", start, Math.min(start + HEAD_BYTES, stop)));
        if (head !== undefined && (start > 0 || from === 0)) {
          return { seq: head.seq, end: from + stop };
        }
        stop = start;
      }
      if (from === 0) end = 0;
    }
    return { seq: undefined, end: 0 };
  } finally {
    closeSync(fd);
  }
}

/** Where the first line begins that is not before what is sought; `size` when all are. */
export async function firstOffset(
  path: string,
  size: number,
  isBefore: (head: Head) => boolean,
): Promise<number> {
  await using file = await open(path);
  let low = 0;
  let high = size;
  let best = size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const start = await lineFrom(file, middle, high);
    if (start === undefined) {
      high = middle;
      continue;
    }
    const head = await headIn(file, start, size);
    if (head === undefined || isBefore(head)) low = start + 1;
    else {
      best = start;
      high = middle;
    }
  }
  return best;
}

/** The head of the line that begins here. */
export async function headAt(
  path: string,
  offset: number,
  size: number,
): Promise<Head | undefined> {
  await using file = await open(path);
  return await headIn(file, offset, size);
}

/** The lines from here on that follow one another without a hole, as many as come at once. */
export async function chunkAt(
  path: string,
  offset: number,
  size: number,
): Promise<LogChunk | undefined> {
  await using file = await open(path);
  for (const length of [CHUNK_BYTES, 2 * LINE_MAX_BYTES]) {
    const chunk = contiguous(await bytesAt(file, offset, Math.min(length, size - offset)));
    if (chunk !== undefined) return chunk;
  }
  return undefined;
}

function contiguous(bytes: Buffer): LogChunk | undefined {
  let first: number | undefined;
  let next = 0;
  let begin = 0;
  let end = 0;
  for (let start = 0; start < bytes.length; ) {
    const stop = bytes.indexOf(NEWLINE, start) + 1;
    if (stop === 0) break;
    const head = headOf(bytes.toString("latin1", start, Math.min(start + HEAD_BYTES, stop)));
    if (first !== undefined && head?.seq !== next) break;
    if (head !== undefined) {
      if (first === undefined) begin = start;
      first ??= head.seq;
      next = head.seq + 1;
      end = stop;
    }
    start = stop;
  }
  return first === undefined
    ? undefined
    : { first, last: next - 1, bytes: bytes.subarray(begin, end) };
}

/** Where the first line begins that begins at `from` or later, but before `to`. */
async function lineFrom(file: FileHandle, from: number, to: number): Promise<number | undefined> {
  if (from === 0) return 0;
  for (let at = from - 1; at < to; at += LOOK_BYTES) {
    const bytes = await bytesAt(file, at, Math.min(LOOK_BYTES, to - at));
    const newline = bytes.indexOf(NEWLINE);
    if (newline >= 0) return at + newline + 1 < to ? at + newline + 1 : undefined;
  }
  return undefined;
}

async function headIn(file: FileHandle, at: number, size: number): Promise<Head | undefined> {
  const bytes = await bytesAt(file, at, Math.min(HEAD_BYTES, size - at));
  return headOf(bytes.toString("latin1"));
}

async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  return bytes.subarray(0, bytesRead);
}
