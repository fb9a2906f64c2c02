/**
 * The journal's file: its schema, how an older one becomes a newer one, and what is done before
 * SQLite may touch it.
 */
import { Database } from "bun:sqlite";
import { closeSync, existsSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type ErrorCode, messageOf, ServantError } from "../core/errors.ts";

/** How long to wait for another process's lock on the file, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
/** A log that a reader or a large commit made longer is cut to this size when it begins anew. */
const LOG_BYTES = 8 * 1024 * 1024;
export const SCHEMA_VERSION = 2;

/**
 * Facts stand beside those of their entry, in the order of their acceptance: a backlog is read
 * and drained page by page. An entry's row changes in place and never grows. Both indexes hold
 * only what is not yet done with: opening a journal reads nothing of what is.
 */
export const SCHEMA = `
  CREATE TABLE origins (id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, sum INTEGER NOT NULL);
  CREATE TABLE entries (id INTEGER PRIMARY KEY, origin INTEGER NOT NULL, key TEXT NOT NULL,
    state INTEGER NOT NULL, at INTEGER NOT NULL, sum INTEGER NOT NULL);
  CREATE UNIQUE INDEX entries_by_key ON entries (key, origin);
  CREATE INDEX entries_open ON entries (origin, state) WHERE state < 30;
  CREATE INDEX entries_closed ON entries (state) WHERE state > 29 AND state < 40;
  CREATE TABLE facts (entry INTEGER NOT NULL, n INTEGER NOT NULL, type INTEGER NOT NULL,
    at INTEGER NOT NULL, body TEXT, sum INTEGER NOT NULL,
    PRIMARY KEY (entry, n)) WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
  PRAGMA application_id = ${applicationId(SCHEMA_VERSION)};`;

/** On any failure the file is closed: SQLite would remove the next one's WAL when it lets go. */
export function openFile(path: string, prepare: (db: Database) => void): Database {
  closeSync(openSync(path, "a", 0o600)); // SQLite gives the WAL the mode of the file beside it
  const db = new Database(path, { strict: true, readwrite: true });
  try {
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA synchronous = FULL");
    db.run(`PRAGMA journal_size_limit = ${LOG_BYTES}`);
    prepare(db);
    return db;
  } catch (cause) {
    if (db.inTransaction) db.run("ROLLBACK");
    db.close();
    throw cause;
  }
}

/**
 * 0 for a new file. The version is written twice: a flipped bit must not pass for another version.
 *
 * @throws SQLITE_CORRUPT when only one of the two is the present one
 */
export function versionOf(db: Database): number {
  const version = numberOf(db, "PRAGMA user_version");
  const id = numberOf(db, "PRAGMA application_id");
  const isOurs = version === SCHEMA_VERSION || id === applicationId(SCHEMA_VERSION);
  const isAgreed = isOurs ? id === applicationId(version) : version > 1 || id === 0;
  if (isAgreed) return version;
  throw damage(`it says version ${version}, its application id is ${id}`);
}

/** "Jou" and the version. */
function applicationId(version: number): number {
  return 0x4a6f_7500 + version;
}

/** The one number that a query gives. */
export function numberOf(db: Database, sql: string): number {
  using query = db.prepare<Record<string, number>, []>(sql);
  return Object.values(query.get() ?? {})[0] ?? 0;
}

/** Moves a damaged database and its WAL out of the way; its bytes are kept. */
export function setFileAside(path: string): string {
  let aside = `${path}.damaged`;
  for (let copy = 2; existsSync(aside); copy += 1) aside = `${path}.damaged-${copy}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
  return aside;
}

/** Leaves word that the file is to be read whole at its next opening. */
export function suspect(path: string): void {
  if (isSuspect(path)) return;
  try {
    writeFileSync(`${path}.suspect`, "", { mode: 0o600 });
  } catch {
    // a full disk: the damage shows again where it showed now
  }
}

export function isSuspect(path: string): boolean {
  return existsSync(`${path}.suspect`);
}

export function clearSuspicion(path: string): void {
  rmSync(`${path}.suspect`, { force: true });
}

/** What SQLite throws of a damaged file, for damage that we find ourselves. */
export function damage(reason: string): Error {
  return Object.assign(new Error(reason), { code: "SQLITE_CORRUPT" });
}

export function isDamage(cause: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode(cause));
}

export function asServantError(cause: unknown, what: string, otherwise: ErrorCode): ServantError {
  if (cause instanceof ServantError) return cause;
  const message = `Cannot ${what}: ${messageOf(cause)}`;
  if (isDamage(cause)) return new ServantError("journal.damaged", message, { cause });
  const isFull = /^(?:SQLITE_(?:FULL|IOERR)|ENOSPC|EDQUOT)/.test(sqliteCode(cause));
  return new ServantError(isFull ? "journal.full" : otherwise, message, { cause });
}

function sqliteCode(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}
