/** Reads a damaged database as far as it goes, without changing a byte of it. */
import { Database } from "bun:sqlite";
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from "node:fs";
import { damage } from "./journal-file.ts";

/** A head that is damaged may say anything. */
const COPIED_BYTES = 2 ** 32;
/** How many rows are read at once while all goes well. */
const CHUNK_ROWS = 256;

/** To read what is left. @throws SQLITE_CORRUPT, SQLite's own or ours */
export function openDamaged(path: string): Database {
  // SQLite would delete the log beside an empty file.
  if (!existsSync(path) || statSync(path).size === 0) throw damage("there is no file");
  return new Database(madeLong(path), { strict: true, readonly: true });
}

/** SQLite reads nothing of a file that is shorter than its head says: reads a copy of full length. */
function madeLong(path: string): string {
  const head = readStart(path, 100);
  const said = head.readUInt16BE(16);
  const wholeBytes = (said === 1 ? 65_536 : said) * head.readUInt32BE(28);
  const isShort = statSync(path).size < wholeBytes && wholeBytes <= COPIED_BYTES;
  if (!isShort) return path;
  for (const suffix of ["", "-wal"]) {
    if (existsSync(path + suffix)) copyFileSync(path + suffix, lengthened(path) + suffix);
  }
  truncateSync(lengthened(path), wholeBytes);
  return lengthened(path);
}

function readStart(path: string, bytes: number): Buffer {
  const start = Buffer.alloc(bytes);
  const file = openSync(path, "r");
  try {
    readSync(file, start, 0, bytes, 0);
  } finally {
    closeSync(file);
  }
  return start;
}

/** Where a copy of full length lies, if one is made. */
export function lengthened(path: string): string {
  return `${path}.copied`;
}

/**
 * Rows in the order of their number, past what cannot be read: each such stretch is told of once.
 */
export function* readPast<Row extends { id: number }>(
  read: (first: number, limit: number) => Row[],
  lastId: number,
  onUnreadable: () => void,
): IterableIterator<Row> {
  const attempt = (first: number, limit: number): Row[] | undefined => {
    try {
      return read(first, limit);
    } catch {
      return undefined; // told of where it is passed over
    }
  };
  for (let first = 0; ; ) {
    const rows = attempt(first, CHUNK_ROWS) ?? attempt(first, 1);
    if (rows !== undefined) {
      yield* rows;
      const last = rows.at(-1);
      // Damage may give a row any number: the search goes on only upwards, and ends.
      if (last === undefined || last.id >= Number.MAX_SAFE_INTEGER) return;
      first = Math.max(last.id, first) + 1;
      continue;
    }
    onUnreadable();
    const next = firstReadable(first, lastId, (at) => attempt(at, 1) !== undefined);
    if (next === undefined) return;
    first = next;
  }
}

/** Beyond what cannot be read from `first` on, found by ever longer steps and then by halving. */
function firstReadable(
  first: number,
  lastId: number,
  isReadable: (at: number) => boolean,
): number | undefined {
  let step = 1;
  while (first + step <= lastId && !isReadable(first + step)) step *= 2;
  if (first + step > lastId) return undefined;
  let broken = first + Math.floor(step / 2);
  let sound = first + step;
  while (sound - broken > 1) {
    const middle = Math.floor((broken + sound) / 2);
    if (isReadable(middle)) sound = middle;
    else broken = middle;
  }
  return sound;
}
