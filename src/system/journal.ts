/**
 * The journal on disk: SQLite in WAL mode with `synchronous=FULL`, so a resolved append survives
 * a power cut. One file serves every backend the agent ever talked to; an opened journal shows
 * one origin (URL and session) and keeps the others' entries untouched.
 */
import type { Database } from "bun:sqlite";
import { messageOf, ServantError } from "../core/errors.ts";
import {
  asServantError,
  clearSuspicion,
  isDamage,
  openFile,
  SCHEMA,
  SCHEMA_VERSION,
  versionOf,
} from "./journal-file.ts";
import { migrateFrom1 } from "./journal-migration.ts";
import { finishSalvage, salvage } from "./journal-salvage.ts";
import { verifyFile } from "./journal-verification.ts";
import { SqliteJournal, type SqliteJournalOptions } from "./sqlite-journal.ts";

export interface JournalOptions extends SqliteJournalOptions {
  /** Told when a damaged file was set aside. */
  readonly onDamaged?: (damage: Damage) => void;
}

export interface Damage {
  readonly setAside: string;
  readonly reason: string;
  /** How many entries the new file has of it, and how many rows could not be read. */
  readonly entries?: number;
  readonly unreadable?: number;
}

/**
 * Opens or creates the journal (0600). A damaged file is set aside by name, and what can be read of
 * it is in the new one.
 *
 * @throws {ServantError} `state.unwritable`, also when a damaged file cannot be set aside;
 * `journal.other-version`; `journal.full`
 */
export function openJournal(path: string, options: JournalOptions): SqliteJournal {
  try {
    const finished = finishSalvage(path);
    if (finished !== undefined) {
      options.onDamaged?.({ setAside: finished, reason: "found so at an earlier start" });
    }
    try {
      return openSound(path, options);
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      const { setAside, entries, unreadable } = salvage(path, options.origin);
      clearSuspicion(path);
      const reason = messageOf(cause);
      options.onDamaged?.({ setAside, reason, entries, unreadable });
      return openSound(path, options);
    }
  } catch (cause) {
    throw asServantError(cause, `open journal "${path}"`, "state.unwritable");
  }
}

function openSound(path: string, options: JournalOptions): SqliteJournal {
  verifyFile(path);
  const db = openFile(path, (opened) => prepare(opened, path));
  try {
    return new SqliteJournal(db, path, options);
  } catch (cause) {
    db.close();
    throw cause;
  }
}

/** Brings the file to the present schema, all of it or nothing. */
function prepare(db: Database, path: string): void {
  const version = versionOf(db);
  if (version === SCHEMA_VERSION) return;
  if (version > SCHEMA_VERSION) {
    throw new ServantError(
      "journal.other-version",
      `Cannot read journal "${path}": it was written by another version of the agent`,
    );
  }
  db.run("BEGIN IMMEDIATE");
  if (version === 1) migrateFrom1(db);
  else db.run(SCHEMA);
  db.run("COMMIT");
}
