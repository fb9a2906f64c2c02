/**
 * Looks for damage before the journal is relied on, without changing a byte: a connection that may
 * write would carry its log into the file when it lets go.
 */
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import {
  clearSuspicion,
  damage,
  isSuspect,
  SCHEMA,
  SCHEMA_VERSION,
  versionOf,
} from "./journal-file.ts";
import {
  type EntryRow,
  type FactRow,
  isSound,
  isSoundFact,
  MACHINE_ENTRY,
} from "./journal-rows.ts";
import { walDamage } from "./journal-wal.ts";

/** A file up to this size is read whole at each opening; damage in a larger one shows in use. */
const VERIFIED_BYTES = 8 * 1024 * 1024;

/** @throws SQLITE_CORRUPT or SQLITE_NOTADB, SQLite's own or ours */
export function verifyFile(path: string): void {
  const sizeOf = (name: string) => {
    const found = statSync(name, { throwIfNoEntry: false });
    return found?.isFile() ? found.size : 0;
  };
  const bytes = sizeOf(path);
  if (bytes === 0) {
    // SQLite would begin anew and delete the log beside it.
    if (sizeOf(`${path}-wal`) === 0) return;
    throw damage("its file is missing or empty, only the write-ahead log is left");
  }
  const broken = walDamage(`${path}-wal`);
  if (broken !== undefined) throw damage(broken);
  const isWhole = bytes <= VERIFIED_BYTES || isSuspect(path);
  const db = new Database(path, { strict: true, readonly: true });
  try {
    const version = versionOf(db);
    if (version === SCHEMA_VERSION) verifySchema(db);
    if (isWhole && version === SCHEMA_VERSION) verifyRows(db);
    if (isWhole && version === 1) verifySchema1(db);
  } finally {
    db.close();
  }
  if (isWhole) clearSuspicion(path);
}

/** The tables and indexes as they are made: a changed bit in a name would hide one of them. */
function verifySchema(db: Database): void {
  using fresh = new Database(":memory:");
  fresh.run(SCHEMA);
  if (schemaOf(db) !== schemaOf(fresh)) throw damage("its tables are not as they were made");
}

function schemaOf(db: Database): string {
  using query = db.prepare<Record<string, string>, []>(
    "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name",
  );
  return JSON.stringify(query.all());
}

/** Reads everything, the closed entries and the indexes too. */
function verifyRows(db: Database): void {
  verifyPages(db);
  using entries = db.prepare<EntryRow, []>("SELECT * FROM entries");
  for (const row of entries.iterate()) {
    if (!isSound(row)) throw damage(`entry ${row.id} is not as it was written`);
  }
  using facts = db.prepare<FactRow & { key: string | null }, []>(
    `SELECT facts.*, CASE entry WHEN ${MACHINE_ENTRY} THEN '' ELSE key END AS key
     FROM facts LEFT JOIN entries ON id = entry`,
  );
  for (const { key, ...row } of facts.iterate()) {
    if (!isSoundFact(row, key)) throw damage(`fact ${row.entry}.${row.n} is not as it was written`);
  }
}

function verifySchema1(db: Database): void {
  verifyPages(db);
  using count = db.prepare<{ bad: number }, []>(
    "SELECT count(*) AS bad FROM facts WHERE NOT json_valid(body)",
  );
  const bad = count.get()?.bad ?? 0;
  if (bad > 0) throw damage(`${bad} facts are no JSON`);
}

/** SQLite's own look at its pages and indexes. */
function verifyPages(db: Database): void {
  using check = db.prepare<{ integrity_check: string }, []>("PRAGMA integrity_check(1)");
  const told = check.get()?.integrity_check;
  if (told !== "ok") throw damage(String(told));
}
