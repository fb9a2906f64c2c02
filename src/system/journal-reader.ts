/**
 * Reads entries of a journal by page, beside the agent that writes it: over a connection of its
 * own, so that whoever looks never holds up a commit. What is appended and not yet committed is
 * not seen.
 */
import { Database } from "bun:sqlite";
import type { AuditId } from "../core/assignment.ts";
import { type Entry, type EntryKey, type Fact, fold, keyOf } from "../core/entry.ts";
import { asServantError, damage } from "./journal-file.ts";
import { type EntryRow, isSound, STATE } from "./journal-rows.ts";
import { JournalStore } from "./journal-store.ts";

/** A page ends past this many characters of results, however few they are. */
const PAGE_MAX_CHARACTERS = 4 * 1024 * 1024;
const READ_BUSY_TIMEOUT_MS = 200;

const STATES = {
  unfinished: [STATE.unfinished],
  waiting: [STATE.waiting],
  closed: [STATE.delivered, STATE.refused, STATE.compacted],
} as const;

export type EntryState = keyof typeof STATES;

export interface PageQuery {
  /** The backend and session they belong to. */
  readonly origin: string;
  /** Absent: all. */
  readonly state?: EntryState | undefined;
  /** The page's `next`; absent: from the newest. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface EntryPage {
  /** Newest first. */
  readonly entries: readonly Entry[];
  /** Where the next page begins; absent after the last one. */
  readonly next?: number;
}

/** @throws {ServantError} `journal.damaged`, `state.unwritable` */
export function readPage(path: string, query: PageQuery): EntryPage {
  return withStore(path, (db, store) => {
    const rows = rowsOf(db, query);
    const entries: Entry[] = [];
    let characters = 0;
    for (const row of rows) {
      if (characters > PAGE_MAX_CHARACTERS) return { entries, next: row.id + 1 };
      const entry = folded(store.factsOf(row));
      if (entry === undefined) continue;
      characters += JSON.stringify(entry.result?.telemetry ?? null).length;
      entries.push(entry);
    }
    const last = rows.at(-1);
    return last === undefined || rows.length < query.limit
      ? { entries }
      : { entries, next: last.id };
  });
}

/** The entries of further contents that came under one audit id. */
export function readReused(path: string, origin: string, auditId: AuditId): readonly Entry[] {
  return withStore(path, (db, store) => {
    const number = originNumber(db, origin);
    const first = keyOf(auditId, "");
    using query = db.prepare<{ key: string }, [string, string, number]>(
      "SELECT key FROM entries WHERE key >= ? AND key < ? AND origin = ? LIMIT 100",
    );
    const keys = query.all(first, `${first}\uffff`, number).map(({ key }) => key as EntryKey);
    return keys.flatMap((key) => folded(store.story(key, number)) ?? []);
  });
}

function rowsOf(db: Database, { origin, state, before, limit }: PageQuery): EntryRow[] {
  const states = state === undefined ? Object.values(STATES).flat() : STATES[state];
  using query = db.prepare<EntryRow, [number, number, number]>(
    `SELECT id, origin, key, state, at, sum FROM entries
     WHERE origin = ? AND id < ? AND state IN (${states.join(", ")}) ORDER BY id DESC LIMIT ?`,
  );
  const rows = query.all(originNumber(db, origin), before ?? Number.MAX_SAFE_INTEGER, limit);
  const broken = rows.find((row) => !isSound(row));
  if (broken !== undefined) throw damage(`entry ${broken.id} is not as it was written`);
  return rows;
}

function folded(facts: readonly Fact[]): Entry | undefined {
  return facts.reduce(fold, undefined as Entry | undefined);
}

function originNumber(db: Database, url: string): number {
  using query = db.prepare<{ id: number }, [string]>("SELECT id FROM origins WHERE url = ?");
  return query.get(url)?.id ?? -1;
}

function withStore<T>(path: string, read: (db: Database, store: JournalStore) => T): T {
  let db: Database | undefined;
  try {
    db = new Database(path, { strict: true, readonly: true });
    db.run(`PRAGMA busy_timeout = ${READ_BUSY_TIMEOUT_MS}`);
    const store = new JournalStore(db);
    try {
      return read(db, store);
    } finally {
      store.close();
    }
  } catch (cause) {
    throw asServantError(cause, `read journal "${path}"`, "state.unwritable");
  } finally {
    db?.close();
  }
}
