/**
 * The journal's tables: writes facts as rows and reads rows as facts, within whatever transaction
 * is open. What is not as it was written is damage, and never becomes a fact.
 */
import type { Database, SQLQueryBindings, Statement } from "bun:sqlite";
import {
  compacted,
  type Entry,
  type EntryFact,
  type EntryKey,
  type Fact,
  fold,
  isActing,
} from "../core/entry.ts";
import { assert } from "../core/errors.ts";
import { isMachineFact } from "../core/machine.ts";
import type { WaitingPage } from "../core/ports.ts";
import { damage, numberOf } from "./journal-file.ts";
import {
  decodeFact,
  type EntryRow,
  encodeFact,
  entrySum,
  type FactRow,
  factSum,
  isSound,
  isSoundFact,
  isSoundOrigin,
  keyOfStored,
  MACHINE_ENTRY,
  type OriginRow,
  originSum,
  STATE,
  storedKey,
  storedTime,
} from "./journal-rows.ts";

/** A page of waiting results ends past this many characters, however few they are. */
const PAGE_MAX_CHARACTERS = 4 * 1024 * 1024;

/** How many rows are remembered. */
const LIVE_MAX = 1_000;
/** What a fact's row and its share of its entry take beside its text. */
const ROW_CHARACTERS = 200;
/** How many entries are passed over at most in search of compacted ones. */
const STRETCH_IDS = 20_000;

/** Entries, and the number of the last one that was looked at. */
export interface Looked {
  readonly rows: readonly EntryRow[];
  readonly lookedTo: number;
}

export class JournalStore {
  readonly #db: Database;
  readonly #statements: Statement[] = [];
  readonly #origins = new Map<string, number>();
  /** Entries that began in this life and are open: what is written next is nearly always theirs. */
  readonly #live = new Map<string, { row: EntryRow; n: number }>();
  #added = 0;
  /** By state, once somebody has asked. */
  readonly #closedCounts = new Map<number, number>();
  readonly #entry;
  readonly #factsOf;
  readonly #lastOf;
  readonly #insertEntry;
  readonly #insertFact;
  readonly #setState;
  readonly #deleteFacts;
  readonly #deleteEntry;

  constructor(db: Database) {
    this.#db = db;
    const columns = "id, origin, key, state, at, sum";
    this.#entry = this.prepare<EntryRow>(
      `SELECT ${columns} FROM entries WHERE key = ? AND origin = ?`,
    );
    this.#factsOf = this.prepare<FactRow>(
      "SELECT entry, n, type, at, body, sum FROM facts WHERE entry = ? ORDER BY n",
    );
    this.#lastOf = this.prepare<{ n: number | null }>(
      "SELECT max(n) AS n FROM facts WHERE entry = ?",
    );
    this.#insertEntry = this.prepare(
      "INSERT OR IGNORE INTO entries (origin, key, state, at, sum) VALUES (?, ?, ?, ?, ?)",
    );
    this.#insertFact = this.prepare(
      "INSERT INTO facts (entry, n, type, at, body, sum) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#setState = this.prepare("UPDATE entries SET state = ?, at = ?, sum = ? WHERE id = ?");
    this.#deleteFacts = this.prepare("DELETE FROM facts WHERE entry = ?");
    this.#deleteEntry = this.prepare("DELETE FROM entries WHERE id = ?");
  }

  /** A statement that is let go with the store: one that is left keeps the file open. */
  prepare<Row = null>(sql: string): Statement<Row, SQLQueryBindings[]> {
    const statement = this.#db.prepare<Row, SQLQueryBindings[]>(sql);
    this.#statements.push(statement as Statement);
    return statement;
  }

  close(): void {
    for (const statement of this.#statements) statement.finalize();
  }

  /**
   * The number of an origin, which it gets at its first use. @throws SQLITE_CORRUPT when one is
   * not as it was written: it may be this one, and all that was done for it would be unknown.
   */
  originOf(url: string): number {
    const known = this.#origins.get(url);
    if (known !== undefined) return known;
    using query = this.#db.prepare<OriginRow, []>("SELECT * FROM origins NOT INDEXED");
    for (const row of query.all()) {
      if (!isSoundOrigin(row)) throw damage(`origin ${row.id} is not as it was written`);
      this.#origins.set(row.url, row.id);
    }
    if (!this.#origins.has(url)) {
      const added = this.#db.run("INSERT INTO origins (url, sum) VALUES (?, ?)", [
        url,
        originSum(url),
      ]);
      this.#origins.set(url, Number(added.lastInsertRowid));
    }
    return this.#origins.get(url) ?? 0;
  }

  /** The URL of an origin that has entries here. */
  urlOf(origin: number): string {
    using query = this.#db.prepare<{ url: string }, [number]>(
      "SELECT url FROM origins WHERE id = ?",
    );
    return query.get(origin)?.url ?? "";
  }

  /**
   * Writes one fact. One of an entry that was never accepted says nothing and is left out, but for
   * its start: something would act on it.
   */
  write(fact: Fact, origin: number): void {
    if (isMachineFact(fact)) {
      this.#add({ id: MACHINE_ENTRY, origin: 0, key: "" }, fact);
      return;
    }
    const key = storedKey(fact.key);
    const row = this.#live.get(liveName(key, origin))?.row ?? this.#rowFor(fact, key, origin);
    if (row === undefined) {
      assert(fact.type !== "started", `an entry is accepted before it starts: ${fact.key}`);
      return;
    }
    switch (fact.type) {
      case "delivered":
        // A fact of its own would make a full page of facts grow at each delivery of a backlog.
        if (row.state === STATE.waiting) this.#become(row, STATE.delivered, fact.atMs);
        return;
      case "finished":
        this.#add(row, fact);
        if (row.state === STATE.unfinished) this.#become(row, STATE.waiting, fact.atMs);
        return;
      case "refused":
        if (row.state !== STATE.waiting) return;
        this.#add(row, fact);
        this.#become(row, STATE.refused, fact.atMs);
        return;
      case "repeated":
        if (row.state === STATE.delivered) this.#add(row, deliveredFact(row));
        this.#add(row, fact);
        if (row.state > STATE.waiting) this.#become(row, STATE.waiting, fact.atMs);
        return;
      default:
        this.#add(row, fact);
    }
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

  /** How many entries are closed in this way and keep their content. */
  countClosed(state: number): number {
    const known = this.#closedCounts.get(state);
    if (known !== undefined) return known;
    const counted = "SELECT count(*) FROM entries WHERE state > 29 AND state < 40";
    const count = numberOf(this.#db, `${counted} AND state = ${state}`);
    this.#closedCounts.set(state, count);
    return count;
  }

  /** A transaction was rolled back: what was noted in it never was. */
  rolledBack(): void {
    this.#closedCounts.clear();
    this.#live.clear();
  }

  /** About how many characters were added since it was last asked. */
  takeAdded(): number {
    const added = this.#added;
    this.#added = 0;
    return added;
  }

  /** The oldest compacted entries that come after `id`, within a stretch: others lie between. */
  compacted(id: number, limit: number): Looked {
    const first = numberOf(this.#db, `SELECT min(id) FROM entries WHERE id > ${id}`);
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
    return numberOf(this.#db, "SELECT max(id) FROM entries");
  }

  /** Puts what is kept in place of a closed entry's facts. */
  compact(row: EntryRow, nowMs: number): void {
    const entry = this.factsOf(row).reduce<Entry | undefined>(fold, undefined);
    const kept = entry && compacted(entry, row.at);
    if (kept === undefined) throw damage(`entry ${row.id} is closed, its facts are not`);
    this.#deleteFacts.run(row.id);
    this.#add(row, kept);
    this.#become(row, STATE.compacted, nowMs);
  }

  forget({ id }: EntryRow): void {
    this.#deleteFacts.run(id);
    this.#deleteEntry.run(id);
  }

  count(origin: number, state: number): number {
    const counted = `SELECT count(*) FROM entries WHERE state < 30 AND origin = ${origin}`;
    return numberOf(this.#db, `${counted} AND state = ${state}`);
  }

  /**
   * Reads everything, the closed entries and the indexes too.
   *
   * @throws SQLITE_CORRUPT, SQLite's own or ours
   */
  verify(): void {
    using check = this.#db.prepare<{ integrity_check: string }, []>("PRAGMA integrity_check(1)");
    const told = check.get()?.integrity_check;
    if (told !== "ok") throw damage(String(told));
    using entries = this.#db.prepare<EntryRow, []>("SELECT * FROM entries");
    for (const row of entries.iterate()) {
      if (!isSound(row)) throw damage(`entry ${row.id} is not as it was written`);
    }
    using facts = this.#db.prepare<FactRow & { key: string | null }, []>(
      `SELECT facts.*, CASE entry WHEN ${MACHINE_ENTRY} THEN '' ELSE key END AS key
       FROM facts LEFT JOIN entries ON id = entry`,
    );
    for (const { key, ...row } of facts.iterate()) {
      if (!isSoundFact(row, key))
        throw damage(`fact ${row.entry}.${row.n} is not as it was written`);
    }
  }

  /** Origins with open entries, other than this one. */
  elsewhere(origin: number): { origin: string; open: number }[] {
    using query = this.#db.prepare<{ origin: string; open: number }, [number]>(
      `SELECT url AS origin, open FROM origins JOIN (
         SELECT origin AS id, count(*) AS open FROM entries WHERE state < 30 GROUP BY origin)
       USING (id) WHERE id <> ? ORDER BY url`,
    );
    return query.all(origin);
  }

  /** True when an action that another backend assigned started and is not finished. */
  actsElsewhere(origin: number): boolean {
    using query = this.#db.prepare<{ id: number }, [number]>(
      "SELECT id FROM origins WHERE id <> ?",
    );
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
    using query = this.#db.prepare<EntryRow, number[]>(sql);
    const rows = query.all(...values);
    // Out of order, a reader that goes on behind the last one would never come to an end.
    const broken = rows.find((row, at) => !isSound(row) || row.id <= (rows[at - 1]?.id ?? 0));
    if (broken !== undefined) throw damage(`entry ${broken.id} is not as it was written`);
    return rows;
  }

  /** The row that a fact belongs to, a new one for the first. */
  #rowFor(fact: EntryFact, key: string, origin: number): EntryRow | undefined {
    const isFirst = fact.type === "accepted" || fact.type === "compacted";
    return (isFirst ? this.#begin(fact, key, origin) : undefined) ?? this.entry(key, origin);
  }

  /** Undefined when there is one. */
  #begin(fact: EntryFact, key: string, origin: number): EntryRow | undefined {
    const isWhole = fact.type === "accepted";
    const state = isWhole ? STATE.unfinished : STATE.compacted;
    // An audit id is kept for some time from when it was compacted, or taken over by this file.
    const at = storedTime(isWhole ? fact.atMs : Date.now());
    const sum = entrySum({ origin, key, state, at });
    const { changes, lastInsertRowid } = this.#insertEntry.run(origin, key, state, at, sum);
    if (changes === 0) return undefined;
    const row = { id: Number(lastInsertRowid), origin, key, state, at, sum };
    if (this.#live.size >= LIVE_MAX) this.#live.clear();
    if (isWhole) this.#live.set(liveName(key, origin), { row, n: 0 });
    return row;
  }

  #become(row: EntryRow, state: number, atMs: number): void {
    const at = storedTime(atMs);
    this.#count(row.state, -1);
    this.#count(state, 1);
    const changed = { ...row, state, at, sum: entrySum({ ...row, state, at }) };
    this.#setState.run(state, at, changed.sum, row.id);
    const name = liveName(row.key, row.origin);
    const live = this.#live.get(name);
    if (state > STATE.waiting) this.#live.delete(name);
    else if (live !== undefined) live.row = changed;
  }

  #count(state: number, by: 1 | -1): void {
    const count = this.#closedCounts.get(state);
    if (count !== undefined) this.#closedCounts.set(state, count + by);
  }

  #add({ id, origin, key }: Pick<EntryRow, "id" | "origin" | "key">, fact: Fact): void {
    const { type, body } = encodeFact(fact);
    const live = this.#live.get(liveName(key, origin));
    const n = live?.n ?? (this.#lastOf.get(id)?.n ?? -1) + 1;
    if (live !== undefined) live.n = n + 1;
    const at = storedTime(fact.atMs);
    this.#insertFact.run(id, n, type, at, body, factSum(id, key, { n, type, at, body }));
    this.#added += (body?.length ?? 0) + ROW_CHARACTERS;
  }
}

function liveName(key: string, origin: number): string {
  return `${origin} ${key}`;
}

function lookedTo(rows: readonly EntryRow[], limit: number, end: number): number {
  return rows.length === limit ? (rows.at(-1)?.id ?? end) : end;
}

function deliveredFact({ key, at }: EntryRow): Fact {
  return { type: "delivered", atMs: at, key: keyOfStored(key) };
}
