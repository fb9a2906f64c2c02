/**
 * Reads what can be read of a damaged journal into a new one. The new one is complete before the
 * damaged one is set aside, so that a power cut at any moment leaves one of them in its place.
 */
import type { Database } from "bun:sqlite";
import { existsSync, renameSync, rmSync } from "node:fs";
import type { Fact } from "../core/entry.ts";
import { isMachineFact, MACHINE_KEY } from "../core/machine.ts";
import { lengthened, openDamaged, readPast } from "./damaged-file.ts";
import { openFile, SCHEMA, setFileAside } from "./journal-file.ts";
import { type Found, mended } from "./journal-mending.ts";
import {
  decodeFact,
  type EntryRow,
  type FactRow,
  isSound,
  isSoundFact,
  isSoundOrigin,
  keyOfStored,
  MACHINE_ENTRY,
  type OriginRow,
  STATE,
} from "./journal-rows.ts";
import { JournalStore } from "./journal-store.ts";

/** What came of it. */
export interface Salvaged {
  /** Where the damaged file is kept. */
  readonly setAside: string;
  /** Entries that are in the new one. */
  readonly entries: number;
  /** Rows and pages that could not be read. */
  readonly unreadable: number;
}

/** @throws what SQLite throws when the new file cannot be written */
export function salvage(path: string, presentOrigin: string): Salvaged {
  const rebuilding = `${path}.rebuilding`;
  remove(rebuilding);
  const db = openFile(rebuilding, (opened) => opened.run(SCHEMA));
  const store = new JournalStore(db);
  let counts: { entries: number; unreadable: number };
  try {
    db.run("BEGIN IMMEDIATE");
    counts = new Salvage(path, store, presentOrigin).run();
    db.run("COMMIT");
  } finally {
    store.close();
    db.close();
  }
  renameSync(rebuilding, rebuilt(path));
  remove(lengthened(path));
  return { ...counts, setAside: replace(path) };
}

/** What an earlier start was cut off from: puts a complete new file in its place. */
export function finishSalvage(path: string): string | undefined {
  remove(`${path}.rebuilding`);
  remove(lengthened(path));
  return existsSync(rebuilt(path)) ? replace(path) : undefined;
}

function replace(path: string): string {
  const setAside = setFileAside(path);
  renameSync(rebuilt(path), path);
  return setAside;
}

const rebuilt = (path: string) => `${path}.rebuilt`;

function remove(path: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

class Salvage {
  readonly #from: Database | undefined;
  readonly #to: JournalStore;
  readonly #presentOrigin: string;
  #entries = 0;
  #unreadable = 0;

  constructor(path: string, to: JournalStore, presentOrigin: string) {
    this.#to = to;
    this.#presentOrigin = presentOrigin;
    this.#from = this.#try(() => openDamaged(path));
  }

  run(): { entries: number; unreadable: number } {
    const from = this.#from;
    if (from !== undefined) {
      if (isSchema1(from)) this.#readSchema1(from);
      else this.#read(from);
      from.close();
    }
    return { entries: this.#entries, unreadable: this.#unreadable };
  }

  #read(from: Database): void {
    const origins = this.#origins(from);
    const seen = new Set<number>();
    for (const row of this.#entryRows(from)) {
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      if (isSound(row)) this.#restore(from, row, row.state, origins);
      else this.#unreadable += 1;
      if (!isSound(row)) seen.delete(row.id);
    }
    // The index knows the keys of rows that are lost, and the facts say whether it is right.
    for (const { id, origin, key } of this.#indexRows(from)) {
      if (seen.has(id)) continue;
      const rows = this.#factRows(from, id).rows;
      const isTrue = rows.some((row) => row.entry === id && isSoundFact(row, key));
      if (!isTrue) continue;
      seen.add(id);
      this.#restore(from, { id, origin, key, at: rows[0]?.at ?? 0 }, undefined, origins);
    }
    this.#machine(from);
  }

  #restore(
    from: Database,
    row: Pick<EntryRow, "id" | "origin" | "key" | "at">,
    state: number | undefined,
    origins: ReadonlyMap<number, string>,
  ): void {
    const { rows, isComplete } = this.#factRows(from, row.id);
    const read = rows.map((each) => decodeFact(each, row.key));
    const facts = read.filter((fact) => fact !== undefined);
    const isGapless = rows.every(({ n }, index) => n === index);
    this.#unreadable += read.length - facts.length;
    const key = keyOfStored(row.key);
    if (state === STATE.delivered) facts.push({ type: "delivered", atMs: row.at, key });
    const isWhole = isComplete && isGapless && facts.length >= read.length && state !== undefined;
    // An origin that cannot be read is most likely the one that the agent serves.
    const origin = origins.get(row.origin) ?? this.#presentOrigin;
    this.#write({ key, state, atMs: row.at, facts, isWhole }, origin);
  }

  #write(found: Found, origin: string): void {
    const number = this.#to.originOf(origin);
    for (const fact of mended(found)) this.#to.write(fact, number);
    this.#entries += 1;
  }

  #origins(from: Database): Map<number, string> {
    const rows = this.#try(() => from.query<OriginRow, []>("SELECT * FROM origins").all()) ?? [];
    const sound = rows.filter(isSoundOrigin);
    this.#unreadable += rows.length - sound.length;
    return new Map(sound.map(({ id, url }) => [id, url]));
  }

  /** What is lost of the machine's own facts may have been a pause: it stays still until resumed. */
  #machine(from: Database): void {
    const { rows, isComplete } = this.#factRows(from, MACHINE_ENTRY);
    const facts = rows.map((row) => decodeFact(row, ""));
    for (const fact of facts)
      if (fact !== undefined && isMachineFact(fact)) this.#to.write(fact, 0);
    if (isComplete && rows.every(({ n }, at) => n === at && facts[at] !== undefined)) return;
    if (this.#entries === 0) return; // nothing at all is known: it is a new journal
    const reason = "the journal was damaged, it may have been paused";
    const head = { atMs: Date.now(), key: MACHINE_KEY, reason };
    this.#to.write({ ...head, type: "paused" }, 0);
    this.#to.write({ ...head, type: "doubted" }, 0);
  }

  #factRows(from: Database, id: number): { rows: FactRow[]; isComplete: boolean } {
    const sql = "SELECT entry, n, type, at, body, sum FROM facts WHERE entry = ? ORDER BY n";
    const rows = this.#try(() => from.query<FactRow, [number]>(sql).all(id));
    return { rows: rows ?? [], isComplete: rows !== undefined };
  }

  *#entryRows(from: Database): IterableIterator<EntryRow> {
    const sql = "SELECT * FROM entries WHERE id >= ? ORDER BY id LIMIT ?";
    const query = this.#try(() => from.query<EntryRow, [number, number]>(sql));
    if (query === undefined) return;
    const lastId = this.#lastId(from);
    yield* this.#past((first, limit) => query.all(first, limit), lastId);
  }

  /** From both ends up to what cannot be read. */
  #indexRows(from: Database): EntryRow[] {
    const rows: EntryRow[] = [];
    for (const order of ["", "DESC"]) {
      const sql = `SELECT id, origin, key FROM entries INDEXED BY entries_by_key ORDER BY key ${order}`;
      const whole = this.#try(() => {
        using query = from.prepare<EntryRow, []>(sql);
        for (const row of query.iterate()) rows.push(row);
        return true;
      });
      if (whole) break;
    }
    return rows;
  }

  #lastId(from: Database): number {
    const sources = [
      "SELECT max(id) AS id FROM entries",
      "SELECT max(entry) AS id FROM facts",
      "SELECT max(id) AS id FROM entries INDEXED BY entries_open WHERE state < 30",
    ];
    const found = sources.map((sql) =>
      this.#try(() => from.query<{ id: number }, []>(sql).get()?.id),
    );
    return Math.max(...found.map((id) => id ?? 0));
  }

  #past<Row extends { id: number }>(
    read: (first: number, limit: number) => Row[],
    lastId: number,
  ): IterableIterator<Row> {
    return readPast(read, lastId, () => {
      this.#unreadable += 1;
    });
  }

  /** One row for each fact, nothing derived: an open entry may miss some. */
  #readSchema1(from: Database): void {
    const sql = "SELECT seq AS id, origin, body FROM facts WHERE seq >= ? ORDER BY seq LIMIT ?";
    const query = this.#try(() =>
      from.query<{ id: number; origin: string; body: string }, [number, number]>(sql),
    );
    if (query === undefined) return;
    const last = this.#try(() =>
      from.query<{ id: number }, []>("SELECT max(seq) AS id FROM facts").get(),
    );
    const stories = new Map<string, { origin: string; facts: Fact[] }>();
    for (const { origin, body } of this.#past((...at) => query.all(...at), last?.id ?? 0)) {
      const fact = this.#try(() => JSON.parse(body) as Fact);
      if (fact === undefined) continue;
      if (isMachineFact(fact)) this.#to.write(fact, 0);
      const name = JSON.stringify([origin, fact.key]);
      const story = stories.get(name) ?? { origin, facts: [] };
      stories.set(name, story);
      story.facts.push(fact);
    }
    for (const { origin, facts } of stories.values()) {
      const [first] = facts;
      if (first === undefined || isMachineFact(first)) continue;
      const ended = facts.findLast(({ type }) => /^(delivered|refused|repeated)$/.test(type));
      const state =
        ended?.type === "delivered" || ended?.type === "refused" ? ended.type : "waiting";
      const found = { key: first.key, atMs: ended?.atMs ?? first.atMs, facts, isWhole: false };
      this.#write({ ...found, state: STATE[state] }, origin);
    }
  }

  /** Undefined, and counted, when it cannot be read. */
  #try<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch {
      this.#unreadable += 1;
      return undefined;
    }
  }
}

function isSchema1(db: Database): boolean {
  try {
    db.prepare("SELECT seq FROM facts LIMIT 1").finalize();
    return true;
  } catch {
    return false; // of a later one, or it cannot be told
  }
}
