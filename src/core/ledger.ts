/**
 * What is known of every assignment: a fold of the journal's facts. Inbox and outbox are views of
 * it. Only entries that are still open stay in memory; the others are looked up in the journal.
 *
 * A fact is durable before it is visible, with one exception: on a full disk a finished result
 * becomes visible unsaved, because withholding the report would not bring the disk back.
 */
import type { Assignment, Result } from "./assignment.ts";
import { Bell } from "./bell.ts";
import { type Entry, type EntryKey, type Fact, fold, keyOf, sameContent } from "./entry.ts";
import { toServantError } from "./errors.ts";
import { fingerprint } from "./fingerprint.ts";
import { canonicalJson } from "./json.ts";
import { foldMachine, isMachineFact, type Machine } from "./machine.ts";
import type { Journal, Urgency } from "./ports.ts";

/** How an assignment relates to what the ledger knows. */
export type Match =
  | { is: "new"; key: EntryKey }
  | { is: "known"; entry: Entry }
  | { is: "reused"; key: EntryKey };

export class Ledger {
  readonly #journal: Journal;
  readonly #open = new Map<EntryKey, Entry>();
  #machine: Machine = {};
  readonly #bell = new Bell();
  /** What a full disk kept back, oldest first; it stays here until it is durable. */
  readonly #unsaved: Fact[] = [];
  /** What no registration of this life can deliver: it stays for the next one. */
  readonly #aside = new Set<EntryKey>();
  /** True while an append carries the unsaved facts: another one must not carry them too. */
  #isSaving = false;

  private constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Folds the journal. */
  static async open(journal: Journal): Promise<Ledger> {
    const ledger = new Ledger(journal);
    // Entries are closed at the end only: one that was asked for again after its delivery needs
    // all of its story.
    for await (const fact of journal.replay()) ledger.#fold(fact);
    for (const entry of ledger.#open.values()) ledger.#forgetClosed(entry);
    return ledger;
  }

  /**
   * Journal first, then visible; all facts or none.
   *
   * @throws {ServantError} `journal.full`: nothing was recorded and nothing may act on it.
   */
  async record(facts: readonly Fact[], urgency: Exclude<Urgency, "lazy"> = "now"): Promise<void> {
    const kept = this.#isSaving ? [] : [...this.#unsaved];
    if (kept.length > 0) this.#isSaving = true;
    try {
      await this.#journal.append([...kept, ...facts], urgency);
      this.#unsaved.splice(0, kept.length); // what came meanwhile stands behind them
    } finally {
      if (kept.length > 0) this.#isSaving = false;
    }
    this.#show(facts);
  }

  /** For what is merely reported (finished, delivered, refused): visible even on a full disk. */
  async recordReport(facts: readonly Fact[]): Promise<void> {
    try {
      await this.record(facts);
    } catch (cause) {
      if (toServantError(cause).code !== "journal.full") throw cause;
      this.#unsaved.push(...facts);
      this.#show(facts);
    }
  }

  /** For a delivery that is over: visible at once, and on disk with the next commit. */
  recordDelivered(fact: Extract<Fact, { type: "delivered" }>): void {
    // Behind what a full disk keeps back: a story must not end before it begins.
    if (this.isFull) this.#unsaved.push(fact);
    else void this.#journal.append([fact], "lazy");
    this.#show([fact]);
  }

  /**
   * Brings an entry that was closed back into memory, to be delivered once more; on a full disk
   * too, for it only reports.
   */
  async reopen(entry: Entry, fact: Extract<Fact, { type: "repeated" }>): Promise<void> {
    await this.recordReport([fact]);
    this.#aside.delete(entry.key);
    const reopened = fold(entry, fact);
    if (reopened !== undefined) this.#open.set(entry.key, reopened);
    this.#bell.ring();
  }

  /** True while reports wait for the disk. */
  get isFull(): boolean {
    return this.#unsaved.length > 0;
  }

  /** Tries again to save what a full disk kept back. @throws {ServantError} `journal.full` */
  async save(): Promise<void> {
    await this.record([]);
  }

  /** Finds out whether an assignment is new, known, or another content under a known audit id. */
  async match(assignment: Assignment): Promise<Match> {
    const first = await this.find(keyOf(assignment.auditId));
    if (first === undefined) return { is: "new", key: keyOf(assignment.auditId) };
    if (sameContent(first.assignment, assignment)) return { is: "known", entry: first };
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
    let entry: Entry | undefined;
    for (const fact of [...story, ...waiting]) entry = fold(entry, fact);
    return entry;
  }

  /** What is known of the machine, whatever backend it serves. */
  get machine(): Machine {
    return this.#machine;
  }

  /** Entries not yet delivered or refused, oldest first. */
  openEntries(): IterableIterator<Entry> {
    return this.#open.values();
  }

  /** Leaves a finished entry for the next life of the agent: `undelivered` passes it over. */
  setAside(key: EntryKey): void {
    this.#aside.add(key);
    this.#bell.ring();
  }

  /** Finished entries that wait for the backend, oldest first. */
  *undelivered(): IterableIterator<Entry & { result: Result }> {
    for (const entry of this.#open.values()) {
      if (this.#aside.has(entry.key)) continue;
      if (entry.phase === "finished" && entry.result !== undefined) {
        yield { ...entry, result: entry.result };
      }
    }
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
    for (const fact of facts) {
      const entry = this.#fold(fact);
      if (entry !== undefined) this.#forgetClosed(entry);
    }
    this.#bell.ring();
  }

  #fold(fact: Fact): Entry | undefined {
    if (isMachineFact(fact)) {
      this.#machine = foldMachine(this.#machine, fact);
      return undefined;
    }
    const entry = fold(this.#open.get(fact.key), fact);
    if (entry !== undefined) this.#open.set(fact.key, entry);
    return entry;
  }

  #forgetClosed({ key, phase }: Entry): void {
    if (phase === "delivered" || phase === "refused") this.#open.delete(key);
  }
}
