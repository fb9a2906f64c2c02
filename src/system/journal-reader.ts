/**
 * Reads the journal's rows as facts. What is not as it was written is damage, and never becomes a
 * fact.
 */
import type { Database, SQLQueryBindings, Statement } from "bun:sqlite";
import { type Entry, type EntryKey, type Fact, fold, isActing } from "../core/entry.ts";
import type { WaitingPage } from "../core/ports.ts";
import { damage, numberOf } from "./journal-file.ts";
import {
  decodeFact,
  type EntryRow,
  type FactRow,
  isSound,
  keyOfStored,
  MACHINE_ENTRY,
  STATE,
  storedKey,
} from "./journal-rows.ts";

/** A page of waiting results ends past this many characters, however few they are. */
const PAGE_MAX_CHARACTERS = 4 * 1024 * 1024;
/** How many entries are passed over at most in search of compacted ones. */
const STRETCH_IDS = 20_000;

/** Entries, and the number of the last one that was looked at. */
export interface Looked {
  readonly rows: readonly EntryRow[];
  readonly lookedTo: number;
}

export class JournalReader {
  protected readonly db: Database;
  readonly #statements: Statement[] = [];
  readonly #entry;
  readonly #factsOf;

  constructor(db: Database) {
    this.db = db;
    this.#entry = this.prepare<EntryRow>(
      "SELECT id, origin, key, state, at, sum FROM entries WHERE key = ? AND origin = ?",
    );
    this.#factsOf = this.prepare<FactRow>(
      "SELECT entry, n, type, at, body, sum FROM facts WHERE entry = ? ORDER BY n",
    );
  }

  /** A statement that is let go with the store: one that is left keeps the file open. */
  prepare<Row = null>(sql: string): Statement<Row, SQLQueryBindings[]> {
    const statement = this.db.prepare<Row, SQLQueryBindings[]>(sql);
    this.#statements.push(statement as Statement);
    return statement;
  }

  close(): void {
    for (const statement of this.#statements) statement.finalize();
  }

  /** The URL of an origin that has entries here. */
  urlOf(origin: number): string {
    using query = this.db.prepare<{ url: string }, [number]>(
      "SELECT url FROM origins WHERE id = ?",
    );
    return query.get(origin)?.url ?? "";
  }

  /** An entry's row. @throws SQLITE_CORRUPT when it is not as it was written */
  entry(key: string, origin: number): EntryRow | undefined {
    const row = this.#entry.get(key, origin) ?? undefined;
    if (row !== undefined && (row.key !== key || row.origin !== origin || !isSound(row))) {
      throw damage(`entry ${row.id} is not as it was written`);
    }
    return row;
  }

  story(key: EntryKey, origin: number): Fact[] {
    const row = this.entry(storedKey(key), origin);
    return row === undefined ? [] : this.factsOf(row);
  }

  /** @throws SQLITE_CORRUPT when one is not as it was written */
  factsOf(row: EntryRow): Fact[] {
    const facts = this.#factsOf.all(row.id).map((each) => {
      const fact = decodeFact(each, row.key);
      if (fact === undefined) throw damage(`fact ${row.id}.${each.n} is not as it was written`);
      return fact;
    });
    return row.state === STATE.delivered ? [...facts, deliveredFact(row)] : facts;
  }

  machineFacts(): Fact[] {
    const row = { id: MACHINE_ENTRY, origin: 0, key: "", state: 0, at: 0, sum: 0 };
    return this.factsOf(row);
  }

  /** The unfinished entries of an origin. */
  *unfinished(origin: number): IterableIterator<Fact[]> {
    for (const row of this.#open(origin, STATE.unfinished, 0, -1)) yield this.factsOf(row);
  }

  /** A page of those that wait; `isClosing` names those whose end waits for its commit. */
  waiting(
    origin: number,
    from: number,
    limit: number,
    isClosing: (key: EntryKey) => boolean,
  ): WaitingPage {
    const stories: Fact[][] = [];
    const rows = this.#open(origin, STATE.waiting, from, limit);
    let characters = 0;
    for (const row of rows) {
      if (characters > PAGE_MAX_CHARACTERS) return { stories, next: row.id };
      if (isClosing(keyOfStored(row.key))) continue;
      const facts = this.factsOf(row);
      for (const fact of facts) characters += JSON.stringify(fact).length;
      stories.push(facts);
    }
    const last = rows.at(-1);
    return { stories, next: last && rows.length === limit ? last.id + 1 : undefined };
  }

  /** The oldest entries of any origin that are closed in this way and come after `id`. */
  closed(state: number, id: number, limit: number): Looked {
    const rows = this.#rows(
      `SELECT * FROM entries INDEXED BY entries_closed
       WHERE state > 29 AND state < 40 AND state = ? AND id > ? ORDER BY id LIMIT ?`,
      [state, id, limit],
    );
    return { rows, lookedTo: lookedTo(rows, limit, Number.MAX_SAFE_INTEGER) };
  }

  /** The oldest compacted entries that come after `id`, within a stretch: others lie between. */
  compacted(id: number, limit: number): Looked {
    const first = numberOf(this.db, `SELECT min(id) FROM entries WHERE id > ${id}`);
    if (first === 0) return { rows: [], lookedTo: Number.MAX_SAFE_INTEGER };
    const end = first + STRETCH_IDS;
    const rows = this.#rows(
      `SELECT * FROM entries WHERE id > ? AND id <= ? AND state = ${STATE.compacted} ORDER BY id LIMIT ?`,
      [id, end, limit],
    );
    return { rows, lookedTo: lookedTo(rows, limit, end) };
  }

  /** The youngest entry's number: numbers are given in the order of acceptance. */
  lastId(): number {
    return numberOf(this.db, "SELECT max(id) FROM entries");
  }

  count(origin: number, state: number): number {
    const counted = `SELECT count(*) FROM entries WHERE state < 30 AND origin = ${origin}`;
    return numberOf(this.db, `${counted} AND state = ${state}`);
  }

  /** Origins with open entries, other than this one. */
  elsewhere(origin: number): { origin: string; open: number }[] {
    using query = this.db.prepare<{ origin: string; open: number }, [number]>(
      `SELECT url AS origin, open FROM origins JOIN (
         SELECT origin AS id, count(*) AS open FROM entries WHERE state < 30 GROUP BY origin)
       USING (id) WHERE id <> ? ORDER BY url`,
    );
    return query.all(origin);
  }

  /** True when an action that another backend assigned started and is not finished. */
  actsElsewhere(origin: number): boolean {
    using query = this.db.prepare<{ id: number }, [number]>("SELECT id FROM origins WHERE id <> ?");
    return query.all(origin).some(({ id }) =>
      [...this.unfinished(id)].some((facts) => {
        const entry = facts.reduce<Entry | undefined>(fold, undefined);
        return entry !== undefined && isActing(entry);
      }),
    );
  }

  #open(origin: number, state: number, from: number, limit: number): EntryRow[] {
    const rows = this.#rows(
      `SELECT * FROM entries INDEXED BY entries_open
       WHERE state < 30 AND origin = ? AND state = ? AND id >= ? ORDER BY id LIMIT ?`,
      [origin, state, from, limit],
    );
    const broken = rows.find((row) => row.state !== state || row.id < from);
    if (broken !== undefined) throw damage(`entry ${broken.id} is not where the index says`);
    return rows;
  }

  #rows(sql: string, values: number[]): EntryRow[] {
    using query = this.db.prepare<EntryRow, number[]>(sql);
    const rows = query.all(...values);
    // Out of order, a reader that goes on behind the last one would never come to an end.
    const broken = rows.find((row, at) => !isSound(row) || row.id <= (rows[at - 1]?.id ?? 0));
    if (broken !== undefined) throw damage(`entry ${broken.id} is not as it was written`);
    return rows;
  }
}

function lookedTo(rows: readonly EntryRow[], limit: number, end: number): number {
  return rows.length === limit ? (rows.at(-1)?.id ?? end) : end;
}

/** An end that has no fact of its own: it stands in the entry's row. */
export function deliveredFact({ key, at }: EntryRow): Fact {
  return { type: "delivered", atMs: at, key: keyOfStored(key) };
}
