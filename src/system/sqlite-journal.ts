/**
 * An open journal: shares commits among those who append, keeps to its quota, and lets compaction
 * take its steps when there is time.
 */
import type { Database } from "bun:sqlite";
import type { EntryKey, Fact } from "../core/entry.ts";
import { ServantError } from "../core/errors.ts";
import type { Journal, Urgency, WaitingPage } from "../core/ports.ts";
import { KEEP_DEFAULT } from "../core/retention.ts";
import { Compaction } from "./journal-compaction.ts";
import { asServantError, isDamage, suspect } from "./journal-file.ts";
import { Room } from "./journal-room.ts";
import { STATE } from "./journal-rows.ts";
import { JournalStore } from "./journal-store.ts";
import { LazyFacts } from "./lazy-facts.ts";

/** How long facts wait for another commit to ride along with, in milliseconds. */
export const COMMIT_WITHIN_MS = { soon: 2, lazy: 100 } as const;
/** How long what nobody waits for stays after a commit that failed, in milliseconds. */
const LAZY_RETRY_MS = 1_000;
/** How long nothing was written before compaction takes its time, in milliseconds. */
const QUIET_MS = 250;
/** How far compaction may fall behind while there is work. */
const EXCESS_MAX = 5_000;
/** Between two steps of compaction, and between two looks whether one is due, in milliseconds. */
const TIDY_MS = { quiet: 10, busy: 50, look: 1_000 } as const;

export interface SqliteJournalOptions {
  readonly origin: string;
  /** The file's size limit in bytes; near it new work is refused with `journal.full`. */
  readonly quotaBytes?: number;
  /** Of how many closed entries the content is kept. */
  readonly keep?: number;
}

interface Waiting {
  readonly fact: Fact;
  /** Its append accepts or starts work: the first that is refused when room gets scarce. */
  readonly isWork: boolean;
}

export class SqliteJournal implements Journal {
  readonly #db: Database;
  readonly #path: string;
  readonly #store: JournalStore;
  readonly #origin: number;
  readonly #begin;
  readonly #end;
  readonly #room: Room;
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

  constructor(db: Database, path: string, options: SqliteJournalOptions) {
    this.#db = db;
    this.#path = path;
    this.#store = new JournalStore(db);
    this.#begin = this.#store.prepare("BEGIN IMMEDIATE");
    this.#end = this.#store.prepare("COMMIT");
    this.#room = new Room(db, this.#store, options.quotaBytes);
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
      const isCrowded = work !== undefined && this.#room.isFull();
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

  #tidyIn(ms: number): void {
    clearTimeout(this.#tidying);
    this.#tidying = setTimeout(() => this.#tidyIn(this.#tidy()), ms).unref();
  }

  /** One small step of compaction if it is due and in nobody's way; returns when to look again. */
  #tidy(): number {
    const nowMs = performance.now();
    const isCrowded = this.#room.isCrowded();
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

function fullError(): ServantError {
  return new ServantError("journal.full", "Cannot write the journal: it has reached its quota");
}
