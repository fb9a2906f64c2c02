/**
 * A disk with a journal on it. A write takes its time and then lands at once, with all that waits;
 * a batch that the power cut catches is lost whole, or written without anybody hearing of it.
 */
import { type Entry, type EntryKey, type Fact, fold, type Phase } from "../../src/core/entry.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Journal, Urgency, WaitingPage } from "../../src/core/ports.ts";
import { type Life, never } from "./life.ts";
import type { Oracle } from "./oracle.ts";
import type { Surroundings } from "./surroundings.ts";

/** How long facts wait for a commit, as in the journal of the product. */
const COMMIT_WITHIN_MS = { now: 0, soon: 2, lazy: 100 } as const;

/** The power goes at one chosen write, counted from 1: before it, or after it and before the word. */
export interface PowerCut {
  readonly atWrite: number;
  readonly isWritten: boolean;
}

/** What survives a power cut. */
export class Disk {
  /** By origin, then by key. */
  readonly #stories = new Map<string, Map<EntryKey, Row[]>>();
  #rows = 0;
  isFull = false;
  /** How often it was written. */
  writes = 0;
  readonly #oracle: Oracle;
  readonly #powerCut: PowerCut | undefined;

  constructor(oracle: Oracle, powerCut?: PowerCut) {
    this.#oracle = oracle;
    this.#powerCut = powerCut;
  }

  /** Whether the power is to go at this write by choice, and with what left on the disk. */
  get cutNow(): "nothing written" | "written" | undefined {
    if (this.#powerCut?.atWrite !== this.writes) return undefined;
    return this.#powerCut.isWritten ? "written" : "nothing written";
  }

  write(facts: readonly Fact[], origin: string): void {
    const stories = this.#stories.get(origin) ?? new Map<EntryKey, Row[]>();
    this.#stories.set(origin, stories);
    for (const fact of facts) {
      const story = stories.get(fact.key) ?? [];
      story.push({ order: this.#rows++, fact });
      stories.set(fact.key, story);
    }
    this.#oracle.written(facts, origin);
  }

  story(key: EntryKey, origin: string): Fact[] {
    const story = this.#stories.get(origin)?.get(key) ?? [];
    return story.map(({ fact }) => fact);
  }

  /** The stories of an origin that stand in one of these phases, as they were begun. */
  storiesIn(origin: string, ...phases: readonly Phase[]): Story[] {
    return [...(this.#stories.get(origin)?.values() ?? [])]
      .map((rows) => ({ begun: rows[0]?.order ?? 0, facts: rows.map(({ fact }) => fact) }))
      .filter(({ facts }) => {
        const entry = facts.reduce<Entry | undefined>(fold, undefined);
        // The machine's own facts make no entry: they are shown with what is unfinished.
        return entry === undefined ? phases.includes("accepted") : phases.includes(entry.phase);
      })
      .sort((a, b) => a.begun - b.begun);
  }
}

interface Story {
  readonly begun: number;
  readonly facts: readonly Fact[];
}

interface Row {
  readonly order: number;
  readonly fact: Fact;
}

interface Waiting {
  readonly fact: Fact;
  readonly isLazy: boolean;
}

/** One life's journal. */
export class SimJournal implements Journal {
  readonly #disk: Disk;
  readonly #origin: string;
  readonly #life: Life;
  readonly #world: Surroundings;
  #waiting: Waiting[] = [];
  #committed: PromiseWithResolvers<void> | undefined;
  #dueAtMs = Number.POSITIVE_INFINITY;

  constructor(disk: Disk, origin: string, life: Life, world: Surroundings) {
    this.#disk = disk;
    this.#origin = origin;
    this.#life = life;
    this.#world = world;
  }

  append(facts: readonly Fact[], urgency: Urgency = "now"): Promise<void> {
    const names = facts.map(({ type, key }) => `${type} ${key}`).join(", ");
    if (!this.#life.touch(`append ${urgency}: ${names}`)) return never();
    this.#world.oracle.appended(facts, this.#origin);
    const isLazy = urgency === "lazy";
    this.#waiting.push(...facts.map((fact) => ({ fact, isLazy })));
    this.#commitWithin(COMMIT_WITHIN_MS[urgency]);
    if (isLazy) return Promise.resolve();
    this.#committed ??= Promise.withResolvers<void>();
    return this.#committed.promise;
  }

  async *replay(): AsyncIterable<Fact> {
    const stories = this.#disk.storiesIn(this.#origin, "accepted", "started");
    for (const { facts } of stories) yield* facts;
  }

  async waiting(from: number, limit: number): Promise<WaitingPage> {
    const ended = this.#waiting.filter(({ fact }) => /^(delivered|refused)$/.test(fact.type));
    const ending = new Set(ended.map(({ fact }) => fact.key));
    const all = this.#disk.storiesIn(this.#origin, "finished").filter(({ begun }) => begun >= from);
    const page = all.slice(0, limit);
    const stories = page
      .map(({ facts }) => facts)
      .filter(([first]) => first && !ending.has(first.key));
    return { stories, next: all.length > limit ? (page.at(-1)?.begun ?? 0) + 1 : undefined };
  }

  async countWaiting(): Promise<number> {
    return this.#disk.storiesIn(this.#origin, "finished").length;
  }

  async story(key: EntryKey): Promise<readonly Fact[]> {
    const waiting = this.#waiting.map(({ fact }) => fact);
    return [...this.#disk.story(key, this.#origin), ...waiting.filter((fact) => fact.key === key)];
  }

  /** Writes what waits, at once. */
  async close(): Promise<void> {
    const facts = this.#waiting.map(({ fact }) => fact);
    if (!this.#disk.isFull) this.#disk.write(facts, this.#origin);
    this.#waiting = [];
  }

  #commitWithin(ms: number): void {
    const { faults, random, timeline } = this.#world;
    const dueAtMs = timeline.nowMs + ms;
    if (dueAtMs >= this.#dueAtMs) return;
    this.#dueAtMs = dueAtMs;
    const isSlow = faults.strikes("disk: slow");
    const tookMs = isSlow ? random.between(500, 20_000) : random.between(0.1, 3);
    this.#life.after(ms + tookMs, () => {
      if (this.#dueAtMs === dueAtMs) this.#commit();
    });
  }

  /** Everything that waits, all or none, as in the journal of the product. */
  #commit(): void {
    const { faults, oracle, trace } = this.#world;
    this.#disk.writes += 1;
    const { cutNow } = this.#disk;
    if (cutNow === "nothing written" || faults.strikes("disk: power cut, batch lost")) {
      this.#life.cutPower();
      return;
    }
    const waiting = this.#waiting;
    const committed = this.#committed;
    this.#waiting = [];
    this.#committed = undefined;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    if (this.#disk.isFull && waiting.length > 0) {
      trace(`turned away: ${waiting.length} facts`);
      oracle.stories.wereTurnedAway(
        waiting.filter(({ isLazy }) => !isLazy).map(({ fact }) => fact),
      );
      // Lazy facts ride along with a later commit.
      this.#waiting = waiting.filter(({ isLazy }) => isLazy);
      committed?.reject(new ServantError("journal.full", "Cannot write the journal: it is full"));
      return;
    }
    trace(`written: ${waiting.length} facts`);
    const facts = waiting.map(({ fact }) => fact);
    this.#disk.write(facts, this.#origin);
    if (
      cutNow === "written" ||
      faults.strikes("disk: power cut, batch written but not confirmed")
    ) {
      this.#life.cutPower();
    } else committed?.resolve();
  }
}
