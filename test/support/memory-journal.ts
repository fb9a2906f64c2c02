/**
 * A journal in memory, on a disk that a test can fill, slow down and cut the power of. Commits
 * happen within the present turn of the event loop; lazy facts wait for the next one, for ever if
 * none comes, which is the worst that the promise of `append` allows.
 */

import { type EntryKey, type Fact, fold } from "../../src/core/entry.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Journal, Urgency } from "../../src/core/ports.ts";

interface Row {
  readonly origin: string;
  readonly text: string;
}

/** What survives a power cut. */
export class MemoryDisk {
  rows: Row[] = [];
  rowsMax = Number.POSITIVE_INFINITY;
  /** Thrown at every commit instead of writing. */
  broken: ServantError | undefined;
  /** While true, commits wait for `flush`. */
  isSlow = false;
  commits = 0;
  life = 0;
  #stalled: (() => void)[] = [];

  /** Journals opened before are dead from here on: their commits neither land nor settle. */
  cutPower(): void {
    this.life += 1;
    this.#stalled = [];
  }

  /** Writes what a slow disk has kept waiting. */
  flush(): void {
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const commit of stalled) commit();
  }

  whenReady(commit: () => void): void {
    if (this.isSlow) this.#stalled.push(commit);
    else queueMicrotask(commit);
  }

  write(rows: readonly Row[]): void {
    if (this.broken !== undefined) throw this.broken;
    if (rows.length > 0 && this.rows.length + rows.length > this.rowsMax) {
      throw new ServantError("journal.full", "Cannot write the journal: the disk is full");
    }
    this.rows.push(...rows);
    this.commits += 1;
  }

  /** The facts of one origin that are durable. */
  facts(origin: string): Fact[] {
    return this.rows
      .filter((row) => row.origin === origin)
      .map(({ text }) => JSON.parse(text) as Fact);
  }
}

export class MemoryJournal implements Journal {
  readonly #disk: MemoryDisk;
  readonly #origin: string;
  readonly #life: number;
  #waiting: { fact: Fact; isLazy: boolean }[] = [];
  #committed: PromiseWithResolvers<void> | undefined;

  constructor(disk: MemoryDisk, origin: string) {
    this.#disk = disk;
    this.#origin = origin;
    this.#life = disk.life;
  }

  append(facts: readonly Fact[], urgency: Urgency = "now"): Promise<void> {
    const isLazy = urgency === "lazy";
    this.#waiting.push(...facts.map((fact) => ({ fact, isLazy })));
    if (isLazy) return Promise.resolve();
    if (this.#committed === undefined) {
      this.#committed = Promise.withResolvers<void>();
      this.#disk.whenReady(() => this.#commit());
    }
    return this.#committed.promise;
  }

  async *replay(): AsyncIterable<Fact> {
    const facts = this.#disk.facts(this.#origin);
    const open = openKeys(facts);
    for (const fact of facts) if (open.has(fact.key)) yield fact;
  }

  async story(key: EntryKey): Promise<readonly Fact[]> {
    const waiting = this.#waiting.map(({ fact }) => fact);
    return [...this.#disk.facts(this.#origin), ...waiting].filter((fact) => fact.key === key);
  }

  elsewhere(): { origin: string; open: number }[] {
    const others = new Set(this.#disk.rows.map(({ origin }) => origin));
    others.delete(this.#origin);
    return [...others]
      .sort()
      .map((origin) => ({ origin, open: openKeys(this.#disk.facts(origin)).size }))
      .filter(({ open }) => open > 0);
  }

  async close(): Promise<void> {
    this.#commit();
  }

  #commit(): void {
    if (this.#life !== this.#disk.life) return;
    const waiting = this.#waiting;
    const committed = this.#committed;
    this.#waiting = [];
    this.#committed = undefined;
    const origin = this.#origin;
    try {
      this.#disk.write(waiting.map(({ fact }) => ({ origin, text: JSON.stringify(fact) })));
      committed?.resolve();
    } catch (cause) {
      this.#waiting = waiting.filter(({ isLazy }) => isLazy);
      committed?.reject(cause);
    }
  }
}

function openKeys(facts: readonly Fact[]): Set<EntryKey> {
  const keys = new Set<EntryKey>();
  for (const key of new Set(facts.map((fact) => fact.key))) {
    const entry = facts.filter((fact) => fact.key === key).reduce(fold, undefined);
    if (entry !== undefined && !["delivered", "refused"].includes(entry.phase)) keys.add(key);
  }
  return keys;
}
