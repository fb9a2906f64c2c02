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
import { JournalStore } from "./journal-store.ts";
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
    if (isWhole && version === SCHEMA_VERSION) verify(new JournalStore(db));
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

function verify(store: JournalStore): void {
  try {
    store.verify();
  } finally {
    store.close();
  }
}

function verifySchema1(db: Database): void {
  using check = db.prepare<{ integrity_check: string }, []>("PRAGMA integrity_check(1)");
  const told = check.get()?.integrity_check;
  if (told !== "ok") throw damage(String(told));
  using count = db.prepare<{ bad: number }, []>(
    "SELECT count(*) AS bad FROM facts WHERE NOT json_valid(body)",
  );
  const bad = count.get()?.bad ?? 0;
  if (bad > 0) throw damage(`${bad} facts are no JSON`);
}
