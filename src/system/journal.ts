/**
 * The journal on disk: SQLite in WAL mode with `synchronous=FULL`, so a resolved append survives
 * a power cut. One file serves every backend the agent ever talked to; an opened journal shows
 * one origin (URL and session) and keeps the others' entries untouched.
 */
import type { Database } from "bun:sqlite";
import type { EntryKey, Fact } from "../core/entry.ts";
import { messageOf, ServantError } from "../core/errors.ts";
import type { Journal, Urgency, WaitingPage } from "../core/ports.ts";
import { KEEP_DEFAULT } from "../core/retention.ts";
import { Compaction } from "./journal-compaction.ts";
import {
  asServantError,
  clearSuspicion,
  isDamage,
  numberOf,
  openFile,
  SCHEMA,
  SCHEMA_VERSION,
  suspect,
  versionOf,
} from "./journal-file.ts";
import { migrateFrom1 } from "./journal-migration.ts";
import { STATE } from "./journal-rows.ts";
import { finishSalvage, salvage } from "./journal-salvage.ts";
import { JournalStore } from "./journal-store.ts";
import { verifyFile } from "./journal-verification.ts";
import { LazyFacts } from "./lazy-facts.ts";

/** How long facts wait for another commit to ride along with, in milliseconds. */
export const COMMIT_WITHIN_MS = { soon: 2, lazy: 100 } as const;
/** How long what nobody waits for stays after a commit that failed, in milliseconds. */
const LAZY_RETRY_MS = 1_000;
/** Near the quota this part of it is left to facts that only report. */
const RESERVE_SHARE = 1 / 16;
/** From this part of what new work may fill on, compaction makes room whatever else it keeps. */
const CROWDED_SHARE = 7 / 8;
/** What a character of a fact takes at most, in its row and in indexes: UTF-8, half-full pages. */
const CHARACTER_BYTES = 6;
const PAGE_BYTES = 4_096;
/** How long nothing was written before compaction takes its time, in milliseconds. */
const QUIET_MS = 250;
/** How far compaction may fall behind while there is work. */
const EXCESS_MAX = 5_000;
/** Between two steps of compaction, and between two looks whether one is due, in milliseconds. */
const TIDY_MS = { quiet: 10, busy: 50, look: 1_000 } as const;

export interface JournalOptions {
  readonly origin: string;
  /** The file's size limit in bytes; near it new work is refused with `journal.full`. */
  readonly quotaBytes?: number;
  /** Of how many closed entries the content is kept. */
  readonly keep?: number;
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

interface Waiting {
  readonly fact: Fact;
  /** Its append accepts or starts work: the first that is refused when room gets scarce. */
  readonly isWork: boolean;
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

export class SqliteJournal implements Journal {
  readonly #db: Database;
  readonly #path: string;
  readonly #store: JournalStore;
  readonly #origin: number;
  readonly #begin;
  readonly #end;
  readonly #pages;
  readonly #freePages;
  /** Pages in use from which on new work is refused. */
  readonly #pagesMax: number;
  /** How many bytes new work may surely fill, by a guess on the safe side. */
  #room = 0;
  /** What the next commit takes, in the order it was appended. */
  #waiting: Waiting[] = [];
  /** What waits for others of its kind: many deliveries in one commit dirty few pages. */
  readonly #lazy = new LazyFacts();
  /** Settle with the next commit, for those who wait for it together. */
  #committed: { work?: PromiseWithResolvers<void>; report?: PromiseWithResolvers<void> } = {};
  #timers: { soon?: Timer; lazy?: Timer } = {};
  readonly #compaction: Compaction;
  #tidying: Timer | undefined;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #turn: NodeJS.Immediate | undefined;

  constructor(db: Database, path: string, options: JournalOptions) {
    this.#db = db;
    this.#path = path;
    this.#store = new JournalStore(db);
    this.#begin = this.#store.prepare("BEGIN IMMEDIATE");
    this.#end = this.#store.prepare("COMMIT");
    this.#pages = this.#store.prepare<{ page_count: number }>("PRAGMA page_count");
    this.#freePages = this.#store.prepare<{ freelist_count: number }>("PRAGMA freelist_count");
    this.#pagesMax = limitSize(db, options.quotaBytes);
    this.#origin = this.#store.originOf(options.origin);
    this.#compaction = new Compaction(this.#store, options.keep ?? KEEP_DEFAULT);
    this.#tidyIn(TIDY_MS.look);
  }

  append(facts: readonly Fact[], urgency: Urgency = "now"): Promise<void> {
    const isLazy = urgency === "lazy";
    if (isLazy && !this.#waiting.some(({ fact }) => facts.some(({ key }) => key === fact.key))) {
      this.#lazy.add(facts);
      this.#lazyIn(COMMIT_WITHIN_MS.lazy);
      return Promise.resolve();
    }
    const isWork = facts.some(({ type }) => type === "accepted" || type === "started");
    for (const fact of facts) this.#waiting.push({ fact, isWork });
    if (isLazy) return Promise.resolve(); // with what it stands behind
    const kind = isWork ? "work" : "report";
    this.#committed[kind] ??= Promise.withResolvers<void>();
    const { promise } = this.#committed[kind];
    // Whoever appends in this turn of the event loop shares the commit; what the turn still has
    // to send goes out first, and is on its way while the disk is waited for.
    if (urgency === "now") this.#turn ??= setImmediate(() => this.#commit());
    else this.#timers.soon ??= setTimeout(() => this.#commit(), COMMIT_WITHIN_MS.soon);
    return promise;
  }

  async *replay(): AsyncIterable<Fact> {
    yield* this.#read(() => this.#store.machineFacts());
    yield* this.#read(() => [...this.#store.unfinished(this.#origin)].flat());
  }

  async waiting(from: number, limit: number): Promise<WaitingPage> {
    const onItsWay = [...this.#lazy.all, ...this.#waiting.map(({ fact }) => fact)];
    const closing = new Set(onItsWay.filter(isClosing).map(({ key }) => key));
    const isOnItsWay = (key: EntryKey) => closing.has(key);
    return this.#read(() => this.#store.waiting(this.#origin, from, limit, isOnItsWay));
  }

  async countWaiting(): Promise<number> {
    return this.#read(() => this.#store.count(this.#origin, STATE.waiting));
  }

  /** Also what is not durable yet: an assignment is known from the moment it is appended. */
  async story(key: EntryKey): Promise<readonly Fact[]> {
    const waiting = this.#waiting.filter(({ fact }) => fact.key === key);
    const stored = this.#read(() => this.#store.story(key, this.#origin));
    return [...stored, ...this.#lazy.of(key), ...waiting.map(({ fact }) => fact)];
  }

  /** Backends with entries that are still open, other than this one. */
  elsewhere(): { origin: string; open: number }[] {
    return this.#store.elsewhere(this.#origin);
  }

  /** True when an action that another backend assigned started and is not finished. */
  actsElsewhere(): boolean {
    return this.#store.actsElsewhere(this.#origin);
  }

  async close(): Promise<void> {
    this.#commit(true);
    clearTimeout(this.#tidying);
    this.#store.close();
    this.#db.close();
  }

  /** Everything that waits, in one transaction; tells those who wait for it. */
  #commit(isLazyDue = false): void {
    clearTimeout(this.#timers.soon);
    delete this.#timers.soon;
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
    const waiting = this.#waiting;
    const { work, report } = this.#committed;
    this.#waiting = [];
    this.#committed = {};
    try {
      const isCrowded = work !== undefined && this.#isFull();
      const taken = isCrowded ? waiting.filter(({ isWork }) => !isWork) : waiting;
      this.#writeWithLazy(taken, isLazyDue);
      report?.resolve();
      if (isCrowded) {
        this.#tidyIn(0);
        work.reject(fullError());
      } else work?.resolve();
    } catch (cause) {
      // A disk that cannot be written now (full, read-only, busy) may be written again later.
      if (this.#lazy.all.length > 0) this.#lazyIn(LAZY_RETRY_MS);
      const error = this.#failure(cause, "write the journal");
      work?.reject(error);
      report?.reject(error);
    }
  }

  /** Nobody was told that a lazy fact may fail: it stays until a commit has taken it. */
  #writeWithLazy(taken: readonly Waiting[], isLazyDue: boolean): void {
    const facts = taken.map(({ fact }) => fact);
    const isTaken = isLazyDue || this.#lazy.isMany || this.#lazy.comesBeforeAny(facts);
    const all = isTaken ? [...this.#lazy.all, ...facts] : facts;
    if (isTaken) {
      clearTimeout(this.#timers.lazy);
      delete this.#timers.lazy;
    }
    if (all.length > 0) this.#write(all);
    if (isTaken) this.#lazy.clear();
  }

  #lazyIn(ms: number): void {
    this.#timers.lazy ??= setTimeout(() => this.#commit(true), ms);
  }

  #write(facts: readonly Fact[]): void {
    this.#writtenAtMs = performance.now();
    this.#transact(() => {
      for (const fact of facts) this.#store.write(fact, this.#origin);
    });
  }

  /** @throws {ServantError} `journal.damaged`; the next opening then reads the file whole */
  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw this.#failure(cause, "read the journal");
    }
  }

  #failure(cause: unknown, what: string): ServantError {
    if (isDamage(cause)) suspect(this.#path);
    return asServantError(cause, what, "journal.full");
  }

  #transact(write: () => void): void {
    try {
      this.#begin.run();
      write();
      this.#end.run();
    } catch (cause) {
      if (this.#db.inTransaction) this.#db.run("ROLLBACK");
      this.#store.rolledBack();
      throw cause;
    }
  }

  /** The same as `#isCrowded`, looked up only when the room that was left may be used up. */
  #isFull(): boolean {
    this.#room -= CHARACTER_BYTES * this.#store.takeAdded();
    if (this.#room > 0) return false;
    if (this.#isCrowded()) return true;
    this.#room = (this.#pagesMax - this.#used()) * PAGE_BYTES;
    return false;
  }

  /** True when more than this share of what new work may fill is in use. */
  #isCrowded(share = 1): boolean {
    return this.#pagesMax !== Number.POSITIVE_INFINITY && this.#used() > this.#pagesMax * share;
  }

  /** In pages. */
  #used(): number {
    const pages = this.#pages.get()?.page_count ?? 0;
    return pages - (this.#freePages.get()?.freelist_count ?? 0);
  }

  #tidyIn(ms: number): void {
    clearTimeout(this.#tidying);
    this.#tidying = setTimeout(() => this.#tidyIn(this.#tidy()), ms).unref();
  }

  /** One small step of compaction if it is due and in nobody's way; returns when to look again. */
  #tidy(): number {
    const nowMs = performance.now();
    const isCrowded = this.#isCrowded(CROWDED_SHARE);
    const isQuiet = this.#waiting.length === 0 && nowMs - this.#writtenAtMs >= QUIET_MS;
    try {
      if (!isCrowded && !this.#compaction.isDue(nowMs)) return TIDY_MS.look;
      if (!isCrowded && !isQuiet && this.#compaction.excess < EXCESS_MAX) return TIDY_MS.look;
      let isDone = false;
      this.#transact(() => {
        isDone = this.#compaction.step(Date.now(), nowMs, isCrowded);
      });
      if (!isDone) return TIDY_MS.look;
    } catch (cause) {
      // A full disk, or damage in what nobody asked for: the next opening sees to it.
      this.#failure(cause, "compact the journal");
      return TIDY_MS.look;
    }
    return isQuiet || isCrowded ? TIDY_MS.quiet : TIDY_MS.busy;
  }
}

function isClosing({ type }: Fact): boolean {
  return type === "delivered" || type === "refused";
}

/** Holds the file to its quota; returns how many pages new work may fill. */
function limitSize(db: Database, quotaBytes: number | undefined): number {
  if (quotaBytes === undefined) return Number.POSITIVE_INFINITY;
  const pages = Math.floor(quotaBytes / numberOf(db, "PRAGMA page_size"));
  db.run(`PRAGMA max_page_count = ${pages}`);
  return Math.floor(pages * (1 - RESERVE_SHARE));
}

function fullError(): ServantError {
  return new ServantError("journal.full", "Cannot write the journal: it has reached its quota");
}
