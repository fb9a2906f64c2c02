/**
 * Looks into a write-ahead log before SQLite does. SQLite reads it up to the first frame that is
 * not as it was written and takes what follows for a torn end. That is right after a power cut;
 * when later commits stand behind it, they were durable once, and it is damage.
 */
import { readFileSync } from "node:fs";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
/** What SQLite takes for a page. */
const PAGE_BYTES = { min: 512, max: 65_536 };

/** What is wrong with the log at `path`; undefined when nothing is, or there is none. */
export function walDamage(path: string): string | undefined {
  const log = readLog(path);
  if (log === undefined || log.byteLength <= HEADER_BYTES) return undefined;
  const header = new DataView(log.buffer, log.byteOffset, HEADER_BYTES);
  const isLittle = header.getUint32(0) === MAGIC;
  const frameBytes = FRAME_HEADER_BYTES + pageBytesOf(header);
  if (log.byteLength < HEADER_BYTES + frameBytes) return undefined; // it never held a commit
  let sum: Sum = addTo([0, 0], log, 0, 24, isLittle);
  const isHeader = isLittle || header.getUint32(0) === MAGIC + 1;
  if (!isHeader || sum[0] !== header.getUint32(24) || sum[1] !== header.getUint32(28)) {
    return "the head of its write-ahead log is broken";
  }
  const frames = Math.floor((log.byteLength - HEADER_BYTES) / frameBytes);
  for (let index = 0; index < frames; index += 1) {
    const at = HEADER_BYTES + index * frameBytes;
    const frame = new DataView(log.buffer, log.byteOffset + at, FRAME_HEADER_BYTES);
    sum = addTo(sum, log, at, 8, isLittle);
    sum = addTo(sum, log, at + FRAME_HEADER_BYTES, frameBytes - FRAME_HEADER_BYTES, isLittle);
    if (isOfThisLog(frame, header)) {
      if (sum[0] === frame.getUint32(16) && sum[1] === frame.getUint32(20)) continue;
    }
    return hasLaterCommit(log, header, index, frames, frameBytes)
      ? `its write-ahead log is broken at frame ${index + 1} of ${frames}`
      : undefined;
  }
  return undefined;
}

/** A head that is broken may say anything: its log must not seem too short for a commit then. */
function pageBytesOf(header: DataView): number {
  const said = header.getUint32(8);
  return said >= PAGE_BYTES.min && said <= PAGE_BYTES.max ? said : PAGE_BYTES.min;
}

function readLog(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // there is none: the file was closed in peace
  }
}

/** Each beginning of the log has salts of its own: frames of an earlier one may stand behind. */
function isOfThisLog(frame: DataView, header: DataView): boolean {
  return (
    frame.getUint32(8) === header.getUint32(16) && frame.getUint32(12) === header.getUint32(20)
  );
}

/** A commit is on the disk before the next one is begun: one behind the other proves the first. */
function hasLaterCommit(
  log: Uint8Array,
  header: DataView,
  broken: number,
  frames: number,
  frameBytes: number,
): boolean {
  let isCommitted = false;
  for (let index = broken; index < frames; index += 1) {
    const at = log.byteOffset + HEADER_BYTES + index * frameBytes;
    const frame = new DataView(log.buffer, at, FRAME_HEADER_BYTES);
    if (!isOfThisLog(frame, header)) continue;
    if (isCommitted) return true;
    isCommitted = frame.getUint32(4) !== 0;
  }
  return false;
}

type Sum = readonly [number, number];

/** SQLite's own checksum of a log, over pairs of words. */
function addTo(sum: Sum, log: Uint8Array, at: number, bytes: number, isLittle: boolean): Sum {
  const view = new DataView(log.buffer, log.byteOffset + at, bytes);
  let [first, second] = sum;
  for (let word = 0; word < bytes; word += 8) {
    first = (first + view.getUint32(word, isLittle) + second) >>> 0;
    second = (second + view.getUint32(word + 4, isLittle) + first) >>> 0;
  }
  return [first, second];
}
