/**
 * What a backend keeps, on disk: SQLite in WAL mode with `synchronous=FULL`, so that a resolved
 * write survives a power cut. One process writes: the state folder's lock sees to that.
 */
import type { Database } from "bun:sqlite";
import { messageOf, ServantError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { BackendStore, Change } from "../core/store.ts";
import {
  asServantError,
  damage,
  isDamage,
  numberOf,
  openFile,
  setFileAside,
} from "./journal-file.ts";

const SCHEMA_VERSION = 1;
/** "Bac" and the version: a journal is not taken for a backend's file, nor a flipped bit for a version. */
const APPLICATION_ID = 0x4261_6300 + SCHEMA_VERSION;
/** A document keeps its number when its value is replaced: that is the order of the first put. */
const SCHEMA = `
  CREATE TABLE documents (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL,
    value TEXT NOT NULL, UNIQUE (kind, key));
  CREATE TABLE lines (kind TEXT NOT NULL, at INTEGER NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (kind, at)) WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
  PRAGMA application_id = ${APPLICATION_ID};`;

export interface BackendStoreOptions {
  /** Told when a damaged file was set aside: what was in it is not here. */
  readonly onDamaged?: (damage: { readonly setAside: string; readonly reason: string }) => void;
}

/**
 * Opens or creates the file (0600). A damaged one is set aside by name, and an empty one begun.
 *
 * @throws {ServantError} `state.unwritable`, `journal.other-version`, `journal.full`
 */
export function openBackendStore(path: string, options: BackendStoreOptions = {}): BackendStore {
  try {
    try {
      return sqliteStore(openFile(path, (db) => prepare(db, path)));
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      options.onDamaged?.({ setAside: setFileAside(path), reason: messageOf(cause) });
      return sqliteStore(openFile(path, (db) => prepare(db, path)));
    }
  } catch (cause) {
    throw asServantError(cause, `open the backend's state "${path}"`, "state.unwritable");
  }
}

function prepare(db: Database, path: string): void {
  const version = numberOf(db, "PRAGMA user_version");
  const id = numberOf(db, "PRAGMA application_id");
  if (version === 0 && id === 0) {
    db.run("BEGIN IMMEDIATE");
    db.run(SCHEMA);
    db.run("COMMIT");
    return;
  }
  if (version > SCHEMA_VERSION) {
    const reason = "it was written by another version of the agent";
    throw new ServantError("journal.other-version", `Cannot read state "${path}": ${reason}`);
  }
  if (version !== SCHEMA_VERSION || id !== APPLICATION_ID) {
    throw damage(`it says version ${version}, its application id is ${id}`);
  }
  using check = db.prepare<{ quick_check: string }, []>("PRAGMA quick_check(1)");
  const verdict = check.get()?.quick_check ?? "nothing";
  if (verdict !== "ok") throw damage(`its check says ${verdict}`);
}

function sqliteStore(db: Database): BackendStore {
  const put = db.prepare<null, [string, string, string]>(
    `INSERT INTO documents (kind, key, value) VALUES (?, ?, ?)
     ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value`,
  );
  const remove = db.prepare<null, [string, string]>(
    "DELETE FROM documents WHERE kind = ? AND key = ?",
  );
  const clear = db.prepare<null, [string]>("DELETE FROM documents WHERE kind = ?");
  const line = db.prepare<null, [string, number, string]>(
    "INSERT OR REPLACE INTO lines (kind, at, value) VALUES (?, ?, ?)",
  );
  const trim = db.prepare<null, [string, number]>("DELETE FROM lines WHERE kind = ? AND at <= ?");
  const documents = db.prepare<{ key: string; value: string }, [string]>(
    "SELECT key, value FROM documents WHERE kind = ? ORDER BY id",
  );
  const lines = db.prepare<{ at: number; value: string }, [string]>(
    "SELECT at, value FROM lines WHERE kind = ? ORDER BY at",
  );

  function take(change: Change): void {
    const { op, kind } = change;
    if (op === "put") put.run(kind, change.key, JSON.stringify(change.value));
    else if (op === "remove") remove.run(kind, change.key);
    else if (op === "clear") clear.run(kind);
    else if (op === "line") line.run(kind, change.atMicros, JSON.stringify(change.value));
    else trim.run(kind, change.toMicros);
  }

  return {
    documents: (kind) =>
      documents.all(kind).map(({ key, value }) => ({ key, value: JSON.parse(value) as Json })),
    lines: (kind) =>
      lines.all(kind).map(({ at, value }) => ({ atMicros: at, value: JSON.parse(value) as Json })),
    async write(changes) {
      try {
        db.run("BEGIN IMMEDIATE");
        changes.forEach(take);
        db.run("COMMIT");
      } catch (cause) {
        if (db.inTransaction) db.run("ROLLBACK");
        throw asServantError(cause, "save the backend's state", "state.unwritable");
      }
    },
    async close() {
      for (const each of [put, remove, clear, line, trim, documents, lines]) each.finalize();
      db.close();
    },
  };
}
