/**
 * The journal on disk: SQLite in WAL mode with `synchronous=FULL`, so a resolved append survives
 * a power cut. One file serves every backend the agent ever talked to; an opened journal shows
 * one origin (URL and session) and keeps the others' entries untouched.
 */
import { Database, type SQLQueryBindings } from "bun:sqlite";
import { existsSync, renameSync } from "node:fs";
import { messageOf, ServantError } from "../core/errors.ts";
import type { EntryKey, Fact } from "../core/ledger.ts";
import type { Journal, Urgency } from "../core/ports.ts";

/** How long facts wait for another commit to ride along with, in milliseconds. */
export const COMMIT_WITHIN_MS = { soon: 2, lazy: 100 } as const;
/** How long to wait for another process's lock on the file, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
const SCHEMA_VERSION = 1;

export interface JournalOptions {
  readonly origin: string;
  /** The file's size limit in bytes; at the limit appends fail with `journal.full`. */
  readonly quotaBytes?: number;
  /** Told when a damaged file was set aside and a new one begun. */
  readonly onDamaged?: (setAside: string, reason: string) => void;
}

interface Batch {
  readonly facts: Fact[];
  readonly committed: PromiseWithResolvers<void>;
}

/**
 * Opens or creates the journal.
 *
 * @throws {ServantError} `state.unwritable`; `journal.damaged` when a damaged file cannot even be
 * set aside; `journal.full`
 */
export function openJournal(path: string, options: JournalOptions): SqliteJournal {
  try {
    return new SqliteJournal(openDatabase(path, options), options.origin);
  } catch (cause) {
    if (!isDamage(cause)) throw asServantError(cause, `open journal "${path}"`);
    const setAside = setFileAside(path);
    options.onDamaged?.(setAside, messageOf(cause));
    return new SqliteJournal(openDatabase(path, options), options.origin);
  }
}

export class SqliteJournal implements Journal {
  readonly #db: Database;
  readonly #origin: string;
  readonly #insert;
  readonly #story;
  readonly #begin;
  readonly #end;
  /** Lazy facts: nobody waits for them, and a failed commit keeps them. */
  #lazy: Fact[] = [];
  /** Facts whose appenders wait for one commit together. */
  #batch: Batch | undefined;
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
    if (urgency === "lazy") {
      this.#lazy.push(...facts);
      this.#timers.lazy ??= setTimeout(() => this.#commit(), COMMIT_WITHIN_MS.lazy);
      return Promise.resolve();
    }
    this.#batch ??= { facts: [], committed: Promise.withResolvers<void>() };
    this.#batch.facts.push(...facts);
    const { promise } = this.#batch.committed;
    // Whoever appends in this turn of the event loop shares the commit; what the turn still has
    // to send goes out first, and is on its way while the disk is waited for.
    if (urgency === "now") this.#turn ??= setImmediate(() => this.#commit());
    else this.#timers.soon ??= setTimeout(() => this.#commit(), COMMIT_WITHIN_MS.soon);
    return promise;
  }

  async *replay(): AsyncIterable<Fact> {
    const open = this.#db.prepare<{ body: string }, SQLQueryBindings[]>(
      `SELECT body FROM facts WHERE origin = ?1 AND key IN (${OPEN_KEYS}) ORDER BY seq`,
    );
    for (const { body } of open.iterate(this.#origin)) yield JSON.parse(body) as Fact;
  }

  async story(key: EntryKey): Promise<readonly Fact[]> {
    const stored = this.#story.all(key, this.#origin).map(({ body }) => JSON.parse(body) as Fact);
    const waiting = [...this.#lazy, ...(this.#batch?.facts ?? [])];
    return [...stored, ...waiting.filter((fact) => fact.key === key)];
  }

  /** Backends with entries that are still open, other than this one. */
  elsewhere(): { origin: string; open: number }[] {
    return this.#db
      .query<{ origin: string; open: number }, SQLQueryBindings[]>(
        `SELECT origin, count(DISTINCT key) AS open FROM facts AS outer
         WHERE origin <> ?1 AND type = 'accepted' AND NOT EXISTS (
           SELECT 1 FROM facts AS last WHERE last.origin = outer.origin AND last.key = outer.key
           AND last.type IN ('delivered', 'refused'))
         GROUP BY origin ORDER BY origin`,
      )
      .all(this.#origin);
  }

  async close(): Promise<void> {
    this.#commit();
    this.#db.close();
  }

  /** Everything that waits, in one transaction; tells those who wait for it. */
  #commit(): void {
    clearTimeout(this.#timers.soon);
    clearTimeout(this.#timers.lazy);
    this.#timers = {};
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
    const batch = this.#batch;
    const lazy = this.#lazy;
    this.#batch = undefined;
    this.#lazy = [];
    if (batch === undefined && lazy.length === 0) return;
    try {
      this.#write([...lazy, ...(batch?.facts ?? [])]);
      batch?.committed.resolve();
    } catch (cause) {
      this.#lazy = lazy; // they only say that a result was delivered: they ride along later
      batch?.committed.reject(asServantError(cause, "write the journal"));
    }
  }

  #write(facts: readonly Fact[]): void {
    try {
      this.#begin.run();
      for (const fact of facts) {
        this.#insert.run(this.#origin, fact.key, fact.type, JSON.stringify(fact));
      }
      this.#end.run();
    } catch (cause) {
      if (this.#db.inTransaction) this.#db.run("ROLLBACK");
      throw cause;
    }
  }
}

// An entry is open unless its last closing fact is younger than its last re-opening one.
const OPEN_KEYS = `
  SELECT key FROM facts WHERE origin = ?1 GROUP BY key
  HAVING max(CASE WHEN type IN ('delivered', 'refused') THEN seq ELSE 0 END)
       < max(CASE WHEN type IN ('accepted', 'repeated') THEN seq ELSE 0 END)`;

function openDatabase(path: string, options: JournalOptions): Database {
  const db = new Database(path, { create: true, strict: true });
  db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  const version = db.query<{ user_version: number }, []>("PRAGMA user_version").get();
  if (version?.user_version === 0) {
    db.run(`BEGIN;
      CREATE TABLE IF NOT EXISTS facts (
        seq INTEGER PRIMARY KEY, origin TEXT NOT NULL, key TEXT NOT NULL,
        type TEXT NOT NULL, body TEXT NOT NULL);
      CREATE INDEX IF NOT EXISTS facts_by_key ON facts (key, origin);
      PRAGMA user_version = ${SCHEMA_VERSION};
      COMMIT;`);
  } else if (version?.user_version !== SCHEMA_VERSION) {
    db.close();
    throw new ServantError(
      "journal.damaged",
      `Cannot read journal "${path}": it was written by another version of the agent`,
    );
  }
  if (options.quotaBytes !== undefined) limitSize(db, options.quotaBytes);
  return db;
}

function limitSize(db: Database, quotaBytes: number): void {
  const size = db.query<{ page_size: number }, []>("PRAGMA page_size").get()?.page_size ?? 4096;
  db.run(`PRAGMA max_page_count = ${Math.max(Math.floor(quotaBytes / size), 16)}`);
}

/** Moves a damaged database and its WAL out of the way; its bytes are kept. */
function setFileAside(path: string): string {
  let aside = `${path}.damaged`;
  for (let copy = 2; existsSync(aside); copy += 1) aside = `${path}.damaged-${copy}`;
  renameSync(path, aside);
  for (const suffix of ["-wal", "-shm"]) {
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

function asServantError(cause: unknown, what: string): ServantError {
  if (cause instanceof ServantError) return cause;
  const code = sqliteCode(cause);
  const message = `Cannot ${what}: ${messageOf(cause)}`;
  if (/^SQLITE_(FULL|IOERR)/.test(code))
    return new ServantError("journal.full", message, { cause });
  if (isDamage(cause)) return new ServantError("journal.damaged", message, { cause });
  return new ServantError("state.unwritable", message, { cause });
}
