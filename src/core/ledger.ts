/**
 * What is known of every assignment: a fold of the journal's facts. Inbox and outbox are views of
 * it. Memory holds what is unfinished and what has finished in this life, up to a limit; what else
 * waits for the backend is read by page, and what is closed is looked up in the journal.
 *
 * A fact is durable before it is visible, with one exception: on a full disk a finished result
 * becomes visible unsaved, because withholding the report would not bring the disk back.
 */
import type { Assignment, Result } from "./assignment.ts";
import { Bell } from "./bell.ts";
import { asksTheSame, type Entry, type EntryKey, type Fact, fold, keyOf } from "./entry.ts";
import { toServantError } from "./errors.ts";
import { fingerprint } from "./fingerprint.ts";
import { canonicalJson } from "./json.ts";
import { foldMachine, isMachineFact, type Machine } from "./machine.ts";
import type { Journal, Urgency } from "./ports.ts";

/** How many results, and of how many characters, stay in memory until they are delivered. */
export const FRESH_MAX = { results: 1_000, characters: 16 * 1024 * 1024 } as const;

/** How an assignment relates to what the ledger knows. */
export type Match =
  | { is: "new"; key: EntryKey }
  | { is: "known"; entry: Entry }
  | { is: "reused"; key: EntryKey };

/** An entry whose result waits for the backend. */
export type Finished = Entry & { readonly result: Result };

/** Results of the journal alone, oldest first. */
export interface BacklogPage {
  readonly entries: readonly Finished[];
  readonly next: number | undefined;
}

export class Ledger {
  readonly #journal: Journal;
  readonly #open = new Map<EntryKey, Entry>();
  #machine: Machine = {};
  readonly #bell = new Bell();
  /** Rings when the disk gets full, and when it is over: hardly ever, unlike the other. */
  readonly #diskBell = new Bell();
  #wasFull = false;
  /** What a full disk kept back, oldest first; it stays here until it is durable. */
  readonly #unsaved: Fact[] = [];
  /** What the backend cannot take for now, while it takes others. */
  readonly #aside = new Set<EntryKey>();
  /** While an append carries the unsaved facts: another one must not carry them too. */
  #saving: Promise<void> | undefined;
  /** Of the finished entries in `#open`. */
  readonly #fresh = { results: 0, characters: 0 };
  #undelivered = 0;

  private constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Folds what the journal holds of unfinished entries, and counts what waits. */
  static async open(journal: Journal): Promise<Ledger> {
    const ledger = new Ledger(journal);
    for await (const fact of journal.replay()) ledger.#fold(fact);
    ledger.#undelivered = await journal.countWaiting();
    return ledger;
  }

  /**
   * Journal first, then visible; all facts or none.
   *
   * @throws {ServantError} `journal.full`: nothing was recorded and nothing may act on it.
   */
  async record(facts: readonly Fact[], urgency: Exclude<Urgency, "lazy"> = "now"): Promise<void> {
    const kept = this.#saving === undefined ? [...this.#unsaved] : [];
    const saved = Promise.withResolvers<void>();
    if (kept.length > 0) this.#saving = saved.promise;
    try {
      await this.#journal.append([...kept, ...facts], urgency);
      this.#unsaved.splice(0, kept.length); // what came meanwhile stands behind them
      this.#tellDisk();
    } finally {
      if (kept.length > 0) this.#saving = undefined;
      saved.resolve();
    }
    this.#show(facts);
  }

  /** For what is merely reported (finished, refused): visible even on a full disk. */
  async recordReport(facts: readonly Fact[]): Promise<void> {
    // What it stands behind is on its way, and may be refused while this one finds room.
    while (this.#saving !== undefined && this.#isUnsaved(...facts)) await this.#saving;
    try {
      // At a quota there is still room for reports when there is none for new work.
      if (this.isFull && !this.#isUnsaved(...facts)) {
        await this.#journal.append(facts);
        this.#show(facts);
      } else await this.record(facts);
    } catch (cause) {
      if (toServantError(cause).code !== "journal.full") throw cause;
      this.#keep(facts);
    }
  }

  /** For a delivery that is over: visible at once, and on disk with the next commit. */
  recordDelivered(fact: Extract<Fact, { type: "delivered" }>): void {
    // Behind what a full disk keeps back: a story must not end before it begins.
    if (this.#isUnsaved(fact))
      this.#unsaved.push(fact); // it is full already
    else void this.#journal.append([fact], "lazy");
    if (!this.#open.has(fact.key)) this.#leave(fact.key);
    this.#show([fact]);
  }

  /** For a result that the backend will never take. */
  async recordRefused(fact: Extract<Fact, { type: "refused" }>): Promise<void> {
    const isInMemory = this.#open.has(fact.key);
    await this.recordReport([fact]);
    if (!isInMemory) this.#leave(fact.key);
  }

  /**
   * Brings an entry that was closed back, to be delivered once more; on a full disk too, for it
   * only reports.
   */
  async reopen(entry: Entry, fact: Extract<Fact, { type: "repeated" }>): Promise<void> {
    await this.recordReport([fact]);
    const reopened = fold(entry, fact);
    if (reopened !== undefined) this.#put(entry, reopened);
    this.#bell.ring();
  }

  /** True while reports wait for the disk. */
  get isFull(): boolean {
    return this.#unsaved.length > 0;
  }

  /** Resolves when `isFull` may have changed, or at the abort. */
  diskChanged(signal: AbortSignal): Promise<void> {
    return this.#diskBell.rung(signal);
  }

  #tellDisk(): void {
    if (this.isFull === this.#wasFull) return;
    this.#wasFull = this.isFull;
    this.#diskBell.ring();
  }

  /** Tries again to save what a full disk kept back. @throws {ServantError} `journal.full` */
  async save(): Promise<void> {
    await this.record([]);
  }

  /** Finds out whether an assignment is new, known, or another content under a known audit id. */
  async match(assignment: Assignment): Promise<Match> {
    const first = await this.find(keyOf(assignment.auditId));
    if (first === undefined) return { is: "new", key: keyOf(assignment.auditId) };
    if (asksTheSame(first, assignment)) return { is: "known", entry: first };
    const key = keyOf(assignment.auditId, fingerprint(canonicalJson(assignment)));
    const again = await this.find(key);
    return again === undefined ? { is: "reused", key } : { is: "known", entry: again };
  }

  /** An entry, open or closed, wherever its facts are: memory, journal, or waiting for the disk. */
  async find(key: EntryKey): Promise<Entry | undefined> {
    const open = this.#open.get(key);
    if (open !== undefined) return open;
    const story = await this.#journal.story(key);
    const waiting = this.#unsaved.filter((fact) => fact.key === key);
    return [...story, ...waiting].reduce(fold, undefined);
  }

  /** What is known of the machine, whatever backend it serves. */
  get machine(): Machine {
    return this.#machine;
  }

  /** The entries in memory: all that are unfinished, and what `fresh` gives. Oldest first. */
  openEntries(): IterableIterator<Entry> {
    return this.#open.values();
  }

  /** How many results wait for the backend, in memory and in the journal alone. */
  get undelivered(): number {
    return this.#undelivered;
  }

  /** How many of them are in the journal alone. */
  get backlog(): number {
    return this.#undelivered - this.#fresh.results;
  }

  /** How many of them wait aside, because the backend cannot take them for now. */
  get aside(): number {
    return this.#aside.size;
  }

  /** Results of this life, and those that were asked for again, that wait for the backend. */
  *fresh(): IterableIterator<Finished> {
    if (this.#fresh.results === 0) return;
    for (const entry of this.#open.values()) if (isFinished(entry)) yield entry;
  }

  /** A page of those in the journal alone. The first one is read from 0. */
  async readBacklog(from: number, limit: number): Promise<BacklogPage> {
    const { stories, next } = await this.#journal.waiting(from, limit);
    const unsaved = new Set(this.#unsaved.map(({ key }) => key));
    const entries = stories
      .map((story) => story.reduce<Entry | undefined>(fold, undefined))
      .filter((entry) => entry !== undefined)
      .filter((entry) => !this.#open.has(entry.key) && !unsaved.has(entry.key))
      .filter(isFinished);
    return { entries, next };
  }

  /** Says whether a result waits aside. */
  setAside(key: EntryKey, isAside: boolean): void {
    if (isAside) this.#aside.add(key);
    else this.#aside.delete(key);
    this.#bell.ring();
  }

  /** Resolves at the next change, or at the abort. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#bell.rung(signal);
  }

  /** How many wait for a change. */
  get waiting(): number {
    return this.#bell.waiting;
  }

  #show(facts: readonly Fact[]): void {
    for (const fact of facts) this.#fold(fact);
    this.#bell.ring();
  }

  #fold(fact: Fact): void {
    if (isMachineFact(fact)) {
      this.#machine = foldMachine(this.#machine, fact);
      return;
    }
    const before = this.#open.get(fact.key);
    const entry = fold(before, fact);
    if (entry !== undefined && entry !== before) this.#put(before, entry);
  }

  /** Counts what an entry has become, and keeps it while it is of use here. */
  #put(before: Entry | undefined, entry: Entry): void {
    const { key } = entry;
    if (before !== undefined && isFinished(before)) {
      this.#countFresh(before, -1);
      this.#leave(key);
    }
    if (isFinished(entry)) {
      this.#undelivered += 1;
      this.#countFresh(entry, 1);
    }
    if (isClosed(entry)) this.#open.delete(key);
    else this.#open.set(key, entry);
    if (!isFinished(entry) || !this.#isCrowded()) return;
    // It is durable: the outbox reads it from there. What is not must stay.
    if (this.#isUnsaved(entry)) return;
    this.#open.delete(key);
    this.#countFresh(entry, -1);
  }

  /** Visible, and saved when there is room. */
  #keep(facts: readonly Fact[]): void {
    this.#unsaved.push(...facts);
    this.#tellDisk();
    this.#show(facts);
  }

  /** True when the disk kept back something of one of these entries. */
  #isUnsaved(...of: readonly { key: EntryKey }[]): boolean {
    return this.#unsaved.some((unsaved) => of.some(({ key }) => key === unsaved.key));
  }

  #leave(key: EntryKey): void {
    this.#undelivered -= 1;
    this.#aside.delete(key);
  }

  #countFresh({ result }: Finished, by: 1 | -1): void {
    this.#fresh.results += by;
    this.#fresh.characters += by * (JSON.stringify(result.telemetry)?.length ?? 0);
  }

  #isCrowded(): boolean {
    const { results, characters } = this.#fresh;
    return results > FRESH_MAX.results || characters > FRESH_MAX.characters;
  }
}

function isFinished(entry: Entry): entry is Finished {
  return entry.phase === "finished" && entry.result !== undefined;
}

function isClosed({ phase }: Entry): boolean {
  return phase === "delivered" || phase === "refused";
}
