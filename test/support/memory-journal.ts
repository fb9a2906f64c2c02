/**
 * A journal in memory, on a disk that a test can fill, slow down and cut the power of. Commits
 * happen within the present turn of the event loop; lazy facts wait for the next one, for ever if
 * none comes, which is the worst that the promise of `append` allows.
 */

import {
  type Entry,
  type EntryKey,
  type Fact,
  fold,
  isActing,
  type Phase,
} from "../../src/core/entry.ts";
import { ServantError } from "../../src/core/errors.ts";
import { isMachineFact } from "../../src/core/machine.ts";
import type { Journal, Urgency, WaitingPage } from "../../src/core/ports.ts";

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
    for (const { text } of this.#disk.rows) {
      const fact = JSON.parse(text) as Fact;
      if (isMachineFact(fact)) yield fact;
    }
    const facts = this.#disk.facts(this.#origin);
    const open = keysIn(facts, ["accepted", "started"]);
    for (const fact of facts) if (open.has(fact.key)) yield fact;
  }

  async waiting(from: number, limit: number): Promise<WaitingPage> {
    const facts = this.#disk.facts(this.#origin);
    const closing = new Set(
      this.#waiting
        .map(({ fact }) => fact)
        .filter(isClosing)
        .map(keyOf),
    );
    const open = [...keysIn(facts, ["finished"])].map((key) => ({
      at: facts.findIndex((fact) => fact.key === key),
      key,
    }));
    const page = open.filter(({ at }) => at >= from).slice(0, limit);
    const last = page.length === limit ? page.at(-1) : undefined;
    const kept = page.filter(({ key }) => !closing.has(key));
    return {
      stories: kept.map(({ key }) => facts.filter((fact) => fact.key === key)),
      next: last && last.at + 1,
    };
  }

  async countWaiting(): Promise<number> {
    return keysIn(this.#disk.facts(this.#origin), ["finished"]).size;
  }

  async story(key: EntryKey): Promise<readonly Fact[]> {
    const waiting = this.#waiting.map(({ fact }) => fact);
    return [...this.#disk.facts(this.#origin), ...waiting].filter((fact) => fact.key === key);
  }

  actsElsewhere(): boolean {
    const others = new Set(this.#disk.rows.map(({ origin }) => origin));
    others.delete(this.#origin);
    return [...others].some((origin) => {
      const facts = this.#disk.facts(origin);
      return [...keysIn(facts, ["started"])].some((key) => {
        const story = facts.filter((fact) => fact.key === key);
        const entry = story.reduce<Entry | undefined>(fold, undefined);
        return entry !== undefined && isActing(entry);
      });
    });
  }

  elsewhere(): { origin: string; open: number }[] {
    const others = new Set(this.#disk.rows.map(({ origin }) => origin));
    others.delete(this.#origin);
    return [...others]
      .sort()
      .map((origin) => ({ origin, open: keysIn(this.#disk.facts(origin), OPEN).size }))
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

const OPEN: readonly Phase[] = ["accepted", "started", "finished"];

/** The keys of entries that stand in one of these phases, as they were accepted. */
function keysIn(facts: readonly Fact[], phases: readonly Phase[]): Set<EntryKey> {
  const entries = new Map<EntryKey, Entry>();
  for (const fact of facts) {
    const entry = fold(entries.get(fact.key), fact);
    if (entry !== undefined) entries.set(fact.key, entry);
  }
  const inPhase = [...entries].filter(([, { phase }]) => phases.includes(phase));
  return new Set(inPhase.map(([key]) => key));
}

function isClosing({ type }: Fact): boolean {
  return type === "delivered" || type === "refused";
}

function keyOf({ key }: Fact): EntryKey {
  return key;
}
