/**
 * The journal on disk: SQLite in WAL mode with `synchronous=FULL`, so a resolved append survives
 * a power cut. One file serves every backend the agent ever talked to; an opened journal shows
 * one origin (URL and session) and keeps the others' entries untouched.
 */
import { Database, type SQLQueryBindings } from "bun:sqlite";
import { closeSync, existsSync, openSync, renameSync, statSync } from "node:fs";
import type { EntryKey, Fact } from "../core/entry.ts";
import { type ErrorCode, messageOf, ServantError } from "../core/errors.ts";
import { isMachineFact } from "../core/machine.ts";
import type { Journal, Urgency } from "../core/ports.ts";

/** How long facts wait for another commit to ride along with, in milliseconds. */
export const COMMIT_WITHIN_MS = { soon: 2, lazy: 100 } as const;
/** How long to wait for another process's lock on the file, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
const SCHEMA_VERSION = 1;
/** The machine's own facts concern every backend. */
const NO_ORIGIN = "";

export interface JournalOptions {
  readonly origin: string;
  /** The file's size limit in bytes; at the limit appends fail with `journal.full`. */
  readonly quotaBytes?: number;
  /** Told when a damaged file was set aside and a new one begun. */
  readonly onDamaged?: (setAside: string, reason: string) => void;
}

interface Waiting {
  readonly fact: Fact;
  /** Nobody waits for it, and a failed commit keeps it. */
  readonly isLazy: boolean;
}

/**
 * Opens or creates the journal (0600).
 *
 * @throws {ServantError} `state.unwritable`, also when a damaged file cannot be set aside;
 * `journal.other-version`; `journal.full`
 */
export function openJournal(path: string, options: JournalOptions): SqliteJournal {
  try {
    try {
      return new SqliteJournal(openDatabase(path, options), options.origin);
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      const setAside = setFileAside(path);
      options.onDamaged?.(setAside, messageOf(cause));
      return new SqliteJournal(openDatabase(path, options), options.origin);
    }
  } catch (cause) {
    throw asServantError(cause, `open journal "${path}"`, "state.unwritable");
  }
}

export class SqliteJournal implements Journal {
  readonly #db: Database;
  readonly #origin: string;
  readonly #insert;
  readonly #story;
  readonly #begin;
  readonly #end;
  /** What the next commit takes, in the order it was appended. */
  #waiting: Waiting[] = [];
  /** Settles with the next commit, for those who wait for it together. */
  #committed: PromiseWithResolvers<void> | undefined;
  #timers: { soon?: Timer; lazy?: Timer } = {};
  #turn: NodeJS.Immediate | undefined;

  constructor(db: Database, origin: string) {
    this.#db = db;
    this.#origin = origin;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#end = db.prepare("COMMIT");
    this.#insert = db.prepare<null, SQLQueryBindings[]>(
      "INSERT INTO facts (origin, key, type, body) VALUES (?, ?, ?, ?)",
    );
    this.#story = db.prepare<{ body: string }, SQLQueryBindings[]>(
      "SELECT body FROM facts WHERE key = ? AND origin = ? ORDER BY seq",
    );
  }

  append(facts: readonly Fact[], urgency: Urgency = "now"): Promise<void> {
    const isLazy = urgency === "lazy";
    for (const fact of facts) this.#waiting.push({ fact, isLazy });
    if (isLazy) {
      this.#timers.lazy ??= setTimeout(() => this.#commit(), COMMIT_WITHIN_MS.lazy);
      return Promise.resolve();
    }
    this.#committed ??= Promise.withResolvers<void>();
    const { promise } = this.#committed;
    // Whoever appends in this turn of the event loop shares the commit; what the turn still has
    // to send goes out first, and is on its way while the disk is waited for.
    if (urgency === "now") this.#turn ??= setImmediate(() => this.#commit());
    else this.#timers.soon ??= setTimeout(() => this.#commit(), COMMIT_WITHIN_MS.soon);
    return promise;
  }

  async *replay(): AsyncIterable<Fact> {
    using open = this.#db.prepare<{ body: string }, SQLQueryBindings[]>(
      `SELECT body FROM facts WHERE origin = '${NO_ORIGIN}' OR (origin = ?1 AND key IN (
         SELECT key FROM facts WHERE origin = ?1 GROUP BY key HAVING ${IS_OPEN})) ORDER BY seq`,
    );
    for (const { body } of open.iterate(this.#origin)) yield JSON.parse(body) as Fact;
  }

  /** Also what is not durable yet: an assignment is known from the moment it is appended. */
  async story(key: EntryKey): Promise<readonly Fact[]> {
    const stored = this.#story.all(key, this.#origin).map(({ body }) => JSON.parse(body) as Fact);
    const waiting = this.#waiting.filter(({ fact }) => fact.key === key);
    return [...stored, ...waiting.map(({ fact }) => fact)];
  }

  /** Backends with entries that are still open, other than this one. */
  elsewhere(): { origin: string; open: number }[] {
    return this.#db
      .query<{ origin: string; open: number }, SQLQueryBindings[]>(
        `SELECT origin, count(*) AS open FROM (
           SELECT origin FROM facts WHERE origin NOT IN (?1, '${NO_ORIGIN}') GROUP BY origin, key HAVING ${IS_OPEN})
         GROUP BY origin ORDER BY origin`,
      )
      .all(this.#origin);
  }

  async close(): Promise<void> {
    this.#commit();
    // A statement that is left keeps the file open, and its WAL beside it.
    for (const each of [this.#begin, this.#end, this.#insert, this.#story]) each.finalize();
    this.#db.close();
  }

  /** Everything that waits, in one transaction; tells those who wait for it. */
  #commit(): void {
    clearTimeout(this.#timers.soon);
    clearTimeout(this.#timers.lazy);
    this.#timers = {};
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
    const waiting = this.#waiting;
    const committed = this.#committed;
    this.#waiting = [];
    this.#committed = undefined;
    try {
      if (waiting.length > 0) this.#write(waiting);
      committed?.resolve();
    } catch (cause) {
      // Lazy facts only say that a result was delivered: they ride along with a later commit.
      this.#waiting = waiting.filter(({ isLazy }) => isLazy);
      // A disk that cannot be written now (full, read-only, busy) may be written again later.
      committed?.reject(asServantError(cause, "write the journal", "journal.full"));
    }
  }

  #write(waiting: readonly Waiting[]): void {
    try {
      this.#begin.run();
      for (const { fact } of waiting) {
        const origin = isMachineFact(fact) ? NO_ORIGIN : this.#origin;
        this.#insert.run(origin, fact.key, fact.type, JSON.stringify(fact));
      }
      this.#end.run();
    } catch (cause) {
      if (this.#db.inTransaction) this.#db.run("ROLLBACK");
      throw cause;
    }
  }
}

// Of a key's facts: it is open unless its last closing fact is younger than its last opening one.
const IS_OPEN = `
  max(CASE WHEN type IN ('delivered', 'refused') THEN seq ELSE 0 END)
  < max(CASE WHEN type IN ('accepted', 'repeated') THEN seq ELSE 0 END)`;

/** On any failure the file is closed: SQLite would remove the next one's WAL when it lets go. */
function openDatabase(path: string, options: JournalOptions): Database {
  refuseOrphanedWal(path);
  closeSync(openSync(path, "a", 0o600)); // SQLite gives the WAL the mode of the file beside it
  const db = new Database(path, { strict: true, readwrite: true });
  try {
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA synchronous = FULL");
    createOrCheck(db, path);
    if (options.quotaBytes !== undefined) limitSize(db, options.quotaBytes);
    checkReadable(db);
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
}

/** Without its file a WAL tells nothing to SQLite, which would begin anew and delete it. */
function refuseOrphanedWal(path: string): void {
  const sizeOf = (name: string) => statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  if (sizeOf(path) > 0 || sizeOf(`${path}-wal`) === 0) return;
  const error = new Error("its file is missing or empty, only the write-ahead log is left");
  throw Object.assign(error, { code: "SQLITE_CORRUPT" });
}

function createOrCheck(db: Database, path: string): void {
  const version = db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version;
  if (version === SCHEMA_VERSION) return;
  if (version !== 0) {
    throw new ServantError(
      "journal.other-version",
      `Cannot read journal "${path}": it was written by another version of the agent`,
    );
  }
  db.run(`BEGIN;
    CREATE TABLE IF NOT EXISTS facts (
      seq INTEGER PRIMARY KEY, origin TEXT NOT NULL, key TEXT NOT NULL,
      type TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS facts_by_key ON facts (key, origin);
    PRAGMA user_version = ${SCHEMA_VERSION};
    COMMIT;`);
}

/**
 * Reads what `replay` is going to read: damage shows before anything relies on the file.
 *
 * @throws SQLITE_CORRUPT, SQLite's own or ours for a fact that is no JSON
 */
function checkReadable(db: Database): void {
  const bad = db
    .query<{ bad: number }, []>("SELECT count(*) AS bad FROM facts WHERE NOT json_valid(body)")
    .get()?.bad;
  if (bad) throw Object.assign(new Error(`${bad} facts are no JSON`), { code: "SQLITE_CORRUPT" });
}

function limitSize(db: Database, quotaBytes: number): void {
  const size = db.query<{ page_size: number }, []>("PRAGMA page_size").get()?.page_size ?? 4096;
  db.run(`PRAGMA max_page_count = ${Math.max(Math.floor(quotaBytes / size), 16)}`);
}

/** Moves a damaged database and its WAL out of the way; its bytes are kept. */
function setFileAside(path: string): string {
  let aside = `${path}.damaged`;
  for (let copy = 2; existsSync(aside); copy += 1) aside = `${path}.damaged-${copy}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
  return aside;
}

function sqliteCode(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

function isDamage(cause: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode(cause));
}

function asServantError(cause: unknown, what: string, otherwise: ErrorCode): ServantError {
  if (cause instanceof ServantError) return cause;
  const message = `Cannot ${what}: ${messageOf(cause)}`;
  if (isDamage(cause)) return new ServantError("journal.damaged", message, { cause });
  const isFull = /^(?:SQLITE_(?:FULL|IOERR)|ENOSPC|EDQUOT)/.test(sqliteCode(cause));
  return new ServantError(isFull ? "journal.full" : otherwise, message, { cause });
}
