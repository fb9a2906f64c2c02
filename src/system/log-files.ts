/**
 * The log on disk: lines as they come, in files that are named for their first line and replaced
 * by size and age, within a quota. It is written in batches, beside the agent's work, and never
 * synced: what a power cut takes from it is told by nobody, but the journal does not depend on it.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { messageOf } from "../core/errors.ts";
import type { LogChunk, LogStore } from "../core/log.ts";
import type { Clock } from "../core/ports.ts";
import { chunkAt, firstOffset, headAt, lastLine, writeAll } from "./log-file.ts";
import { LogMark, nextAfterMark } from "./log-mark.ts";

export const LOG_FILE_BYTES = 8 * 2 ** 20;
export const LOG_QUOTA_BYTES = 64 * 2 ** 20;
export const LOG_FILE_AGE_MS = 24 * 3_600_000;
/** Two months of a quiet agent. */
export const LOG_FILES_MAX = 64;
/** A batch is written when it is so large or its first line has waited so long. */
const BATCH_BYTES = 64 * 1024;
const BATCH_WAIT_MS = 100;
/** Lines wait in pieces of memory of this size, each of which is written at once. */
const SLAB_BYTES = 256 * 1024;
/** What waits for a slow disk, in bytes; further lines are dropped. */
const WAITING_MAX_BYTES = 8 * 2 ** 20;
/** How long a disk that took no line is left alone. */
const RETRY_MS = 1_000;
/** Stands beside the files while an agent writes them: see `LogMark`. */
const OPEN_MARK = "open";
const NAME = /^(\d{16})\.ndjson$/;

export interface LogFilesOptions {
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly fileBytes?: number;
  readonly quotaBytes?: number;
  readonly fileAgeMs?: number;
  readonly filesMax?: number;
  /** It is only read, perhaps beside an agent that writes it. */
  readonly isReadOnly?: boolean;
  /** Lines are dropped from now on. */
  readonly onTrouble?: (reason: string) => void;
  /** Lines are kept again; so many were dropped. */
  readonly onRecovered?: (dropped: number) => void;
}

/** Lines that wait, one after the other without a hole. */
interface Slab {
  readonly bytes: Uint8Array;
  length: number;
  readonly first: number;
  last: number;
}

interface File {
  readonly path: string;
  readonly first: number;
  /** Up to here it holds whole lines. */
  bytes: number;
}

/** Opens the log in this folder; the first line it takes has the number `nextSeq`. Never throws. */
export function openLogFiles(folder: string, options: LogFilesOptions): LogFiles {
  return new LogFiles(folder, options);
}

export class LogFiles implements LogStore {
  readonly nextSeq: number;
  readonly #folder: string;
  readonly #options: Required<Omit<LogFilesOptions, "onTrouble" | "onRecovered">> & LogFilesOptions;
  /** Oldest first; the last one is written to. */
  readonly #files: File[] = [];
  #mark: LogMark | undefined;
  #fd: number | undefined;
  #bornAtMs = 0;
  /** What is not yet written; the oldest may just be written. */
  readonly #waiting: Slab[] = [];
  #spare: Uint8Array | undefined;
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #isClosed = false;
  #dropped = 0;
  /** While lines are dropped: how many were, and until when the disk is left alone. */
  #trouble: { dropped: number; untilMs: number } | undefined;

  constructor(folder: string, options: LogFilesOptions) {
    this.#folder = folder;
    this.#options = {
      fileBytes: LOG_FILE_BYTES,
      quotaBytes: LOG_QUOTA_BYTES,
      fileAgeMs: LOG_FILE_AGE_MS,
      filesMax: LOG_FILES_MAX,
      isReadOnly: false,
      ...options,
    };
    this.nextSeq = 1;
    try {
      if (!options.isReadOnly) mkdirSync(folder, { recursive: true, mode: 0o700 });
      const names = readdirSync(folder).sort();
      for (const name of names) this.#find(name);
      this.nextSeq = this.#lastSeq() + 1;
      const mark = join(folder, OPEN_MARK);
      if (names.includes(OPEN_MARK)) this.nextSeq = nextAfterMark(mark, this.nextSeq - 1);
      if (!options.isReadOnly) this.#mark = LogMark.open(mark, this.nextSeq - 1);
    } catch (cause) {
      this.#fail(cause, 0);
    }
  }

  /** Lines that were never written: the disk was full, or too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  append(chunk: LogChunk): void {
    if (this.#isClosed) return;
    this.#mark?.note(chunk.last);
    if (this.#waitingBytes + chunk.bytes.length > WAITING_MAX_BYTES) {
      this.#fail(new Error("the disk is too slow"), chunk.last - chunk.first + 1);
      return;
    }
    const slab = this.#slabFor(chunk);
    slab.bytes.set(chunk.bytes, slab.length);
    slab.length += chunk.bytes.length;
    slab.last = chunk.last;
    this.#waitingBytes += chunk.bytes.length;
    if (this.#writing !== undefined) return;
    if (this.#waitingBytes >= BATCH_BYTES) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), BATCH_WAIT_MS);
  }

  #slabFor({ first, bytes }: LogChunk): Slab {
    const latest = this.#waiting.at(-1);
    const isOpen = this.#writing === undefined || this.#waiting.length > 1;
    if (latest !== undefined && isOpen && latest.last === first - 1) {
      if (latest.length + bytes.length <= latest.bytes.length) return latest;
    }
    const size = Math.min(SLAB_BYTES, this.#options.fileBytes); // one is written into one file
    const fresh = bytes.length > size ? undefined : this.#spare;
    if (fresh !== undefined) this.#spare = undefined;
    const memory = fresh ?? new Uint8Array(Math.max(size, bytes.length));
    const slab = { bytes: memory, length: 0, first, last: first - 1 };
    this.#waiting.push(slab);
    return slab;
  }

  async read(fromSeq: number): Promise<LogChunk | undefined> {
    for (;;) {
      const waiting = this.#waiting.find(({ last }) => last >= fromSeq);
      const isWaiting = waiting !== undefined && waiting.first <= fromSeq;
      const at = isWaiting ? -1 : this.#files.findLastIndex(({ first }) => first <= fromSeq);
      for (const file of isWaiting ? [] : this.#files.slice(Math.max(at, 0))) {
        const { bytes } = file;
        const chunk = await readable(async () => {
          const offset = await firstOffset(file.path, bytes, ({ seq }) => seq < fromSeq);
          return await chunkAt(file.path, offset, bytes);
        });
        if (chunk !== undefined) return chunk;
      }
      // What waited when this began may be written by now, and then it stands in a file.
      if (waiting === undefined) return undefined;
      if (!this.#waiting.includes(waiting)) continue;
      return { ...waiting, bytes: waiting.bytes.slice(0, waiting.length) };
    }
  }

  async seqAt(timeMs: number): Promise<number | undefined> {
    const files = [...this.#files];
    const heads = await Promise.all(
      files.map((file) => readable(() => headAt(file.path, 0, file.bytes))),
    );
    const from = heads.findLastIndex((head) => head !== undefined && head.timeMs < timeMs);
    for (const file of files.slice(Math.max(from, 0))) {
      const { bytes } = file;
      const head = await readable(async () => {
        const offset = await firstOffset(file.path, bytes, (line) => line.timeMs < timeMs);
        return await headAt(file.path, offset, bytes);
      });
      if (head !== undefined) return head.seq;
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#writing !== undefined || this.#waiting.length > 0) {
      this.#write();
      await this.#writing;
    }
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    if (this.#options.isReadOnly) return;
    try {
      this.#mark?.remove();
    } catch {
      // the next one leaves out some numbers, for nothing
    }
  }

  #find(name: string): void {
    const first = NAME.exec(name)?.[1];
    if (first === undefined) return;
    const path = join(this.#folder, name);
    this.#files.push({ path, first: Number(first), bytes: statSync(path).size });
  }

  /** The last line that is whole; what a killed agent left of a further one is cut off later. */
  #lastSeq(): number {
    const file = this.#files.at(-1);
    if (file === undefined) return 0;
    const { seq, end } = lastLine(file.path, file.bytes);
    file.bytes = end;
    return seq ?? file.first - 1;
  }

  /** Writes what waits, and what comes meanwhile. */
  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing !== undefined || this.#waiting.length === 0) return;
    this.#writing = this.#writeSlab().finally(() => {
      this.#writing = undefined;
      if (this.#waitingBytes >= BATCH_BYTES) this.#write();
      else if (this.#waiting.length > 0) {
        this.#timer = setTimeout(() => this.#write(), BATCH_WAIT_MS);
      }
    });
  }

  /** Writes what has waited longest: no more than a file takes. */
  async #writeSlab(): Promise<void> {
    const [slab] = this.#waiting as [Slab];
    const lines = slab.last - slab.first + 1;
    try {
      if (this.#isLeftAlone) this.#drop(lines);
      else {
        const { fd, file } = this.#fileFor(slab.first, slab.length);
        await writeAll(fd, slab.bytes.subarray(0, slab.length), file.bytes);
        file.bytes += slab.length;
        this.#recover();
      }
    } catch (cause) {
      this.#fail(cause, lines);
    }
    this.#waiting.shift();
    this.#waitingBytes -= slab.length;
    if (slab.bytes.length === Math.min(SLAB_BYTES, this.#options.fileBytes))
      this.#spare = slab.bytes;
  }

  /** The file that takes the next bytes, and room for it. */
  #fileFor(first: number, size: number): { readonly fd: number; readonly file: File } {
    const now = this.#options.clock.now();
    this.#forgetTakenAway();
    let file = this.#files.at(-1);
    if (this.#fd === undefined && file !== undefined) {
      this.#fd = openSync(file.path, "r+");
      ftruncateSync(this.#fd, file.bytes); // a torn line
      this.#bornAtMs = statSync(file.path).birthtimeMs;
    }
    const isOld = now - this.#bornAtMs > this.#options.fileAgeMs || now < this.#bornAtMs;
    const isOver = (file?.bytes ?? 0) + size > this.#options.fileBytes || isOld;
    if (file === undefined || this.#fd === undefined || (file.bytes > 0 && isOver)) {
      if (this.#fd !== undefined) closeSync(this.#fd);
      this.#fd = undefined;
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const path = join(this.#folder, `${String(first).padStart(16, "0")}.ndjson`);
      this.#fd = openSync(path, "w", 0o600);
      this.#bornAtMs = now;
      file = { path, first, bytes: 0 };
      this.#files.push(file);
      this.#makeRoom();
    }
    return { fd: this.#fd, file };
  }

  /**
   * People make room, and programs move logs away: what is written on into a file without a name
   * is found by nobody, and without the mark a later agent gives the same numbers again.
   */
  #forgetTakenAway(): void {
    const file = this.#files.at(-1);
    if (file === undefined || isStillThere(file, this.#fd)) return;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#files.pop();
    const left = this.#files.filter(({ path }) => existsSync(path));
    this.#files.splice(0, this.#files.length, ...left);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#mark = this.#mark?.renewed();
  }

  #makeRoom(): void {
    const { fileBytes, quotaBytes, filesMax } = this.#options;
    const sizes = () => this.#files.reduce((sum, { bytes }) => sum + bytes, 0);
    while (
      this.#files.length > 1 &&
      (this.#files.length > filesMax || sizes() + fileBytes > quotaBytes)
    ) {
      const oldest = this.#files.shift();
      if (oldest !== undefined) rmSync(oldest.path, { force: true });
    }
  }

  get #isLeftAlone(): boolean {
    return this.#trouble !== undefined && this.#options.clock.monotonic() < this.#trouble.untilMs;
  }

  #drop(lines: number): void {
    this.#dropped += lines;
    if (this.#trouble !== undefined) this.#trouble.dropped += lines;
  }

  #fail(cause: unknown, lines: number): void {
    const isNew = this.#trouble === undefined;
    this.#trouble ??= { dropped: 0, untilMs: 0 };
    this.#trouble.untilMs = this.#options.clock.monotonic() + RETRY_MS;
    this.#drop(lines);
    this.#cutOff();
    if (isNew) this.#options.onTrouble?.(messageOf(cause));
  }

  #recover(): void {
    if (this.#trouble === undefined || this.#isLeftAlone) return;
    const { dropped } = this.#trouble;
    this.#trouble = undefined;
    this.#options.onRecovered?.(dropped);
  }

  /** Takes away what a failed write left behind the last whole line. */
  #cutOff(): void {
    const file = this.#files.at(-1);
    if (this.#fd === undefined || file === undefined || this.#writing === undefined) return;
    try {
      ftruncateSync(this.#fd, file.bytes);
    } catch {
      // the next write stands over it
    }
  }
}

/** Whether the path leads to the file that is written, with all that was written to it. */
function isStillThere({ path, bytes }: File, fd: number | undefined): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.size < bytes) return false;
  return fd === undefined || fstatSync(fd).ino === found.ino;
}

/** What reading a file gives; undefined when the quota took it away meanwhile or nobody can. */
async function readable<T>(read: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined; // either way its lines are lost, and a reader is told of a gap
  }
}
