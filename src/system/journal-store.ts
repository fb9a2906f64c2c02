/**
 * Writes facts into the journal's tables, within whatever transaction is open, and makes what is
 * closed small.
 */
import type { Database } from "bun:sqlite";
import { compacted, type Entry, type EntryFact, type Fact, fold } from "../core/entry.ts";
import { assert } from "../core/errors.ts";
import { isMachineFact } from "../core/machine.ts";
import { damage, numberOf } from "./journal-file.ts";
import { deliveredFact, JournalReader } from "./journal-reader.ts";
import {
  type EntryRow,
  encodeFact,
  entrySum,
  factSum,
  isSoundOrigin,
  MACHINE_ENTRY,
  type OriginRow,
  originSum,
  STATE,
  storedKey,
  storedTime,
} from "./journal-rows.ts";

/** How many rows are remembered. */
const LIVE_MAX = 1_000;
/** What a fact's row and its share of its entry take beside its text. */
const ROW_CHARACTERS = 200;

export class JournalStore extends JournalReader {
  readonly #origins = new Map<string, number>();
  /** Entries that began in this life and are open: what is written next is nearly always theirs. */
  readonly #live = new Map<string, { row: EntryRow; n: number }>();
  #added = 0;
  /** By state, once somebody has asked. */
  readonly #closedCounts = new Map<number, number>();
  readonly #lastOf;
  readonly #insertEntry;
  readonly #insertFact;
  readonly #setState;
  readonly #deleteFacts;
  readonly #deleteEntry;

  constructor(db: Database) {
    super(db);
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

  /**
   * The number of an origin, which it gets at its first use. @throws SQLITE_CORRUPT when one is
   * not as it was written: it may be this one, and all that was done for it would be unknown.
   */
  originOf(url: string): number {
    const known = this.#origins.get(url);
    if (known !== undefined) return known;
    using query = this.db.prepare<OriginRow, []>("SELECT * FROM origins NOT INDEXED");
    for (const row of query.all()) {
      if (!isSoundOrigin(row)) throw damage(`origin ${row.id} is not as it was written`);
      this.#origins.set(row.url, row.id);
    }
    if (!this.#origins.has(url)) {
      const added = this.db.run("INSERT INTO origins (url, sum) VALUES (?, ?)", [
        url,
        originSum(url),
      ]);
      this.#origins.set(url, Number(added.lastInsertRowid));
    }
    return this.#origins.get(url) ?? 0;
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

  /** How many entries are closed in this way and keep their content. */
  countClosed(state: number): number {
    const known = this.#closedCounts.get(state);
    if (known !== undefined) return known;
    const counted = "SELECT count(*) FROM entries WHERE state > 29 AND state < 40";
    const count = numberOf(this.db, `${counted} AND state = ${state}`);
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
