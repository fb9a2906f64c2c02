/**
 * One life's journal on a simulated disk. A write takes its time and then lands at once, with all that
 * waits; a batch that the power cut catches is lost whole, or written without anybody hearing of it.
 */
import type { EntryKey, Fact } from "../../src/core/entry.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Journal, Urgency, WaitingPage } from "../../src/core/ports.ts";
import type { Disk } from "./disk.ts";
import { type Life, never } from "./life.ts";
import type { Surroundings } from "./surroundings.ts";

/** How long facts wait for a commit, as in the journal of the product. */
const COMMIT_WITHIN_MS = { now: 0, soon: 2, lazy: 100 } as const;

interface Waiting {
  readonly fact: Fact;
  readonly isLazy: boolean;
  /** Its append accepts or starts work: refused first, while there is room for reports. */
  readonly isWork: boolean;
}

export class SimJournal implements Journal {
  readonly #disk: Disk;
  readonly #origin: string;
  readonly #life: Life;
  readonly #world: Surroundings;
  #waiting: Waiting[] = [];
  /** Settle with the next commit. */
  #work: PromiseWithResolvers<void> | undefined;
  #reports: PromiseWithResolvers<void> | undefined;
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
    const isWork = facts.some(({ type }) => type === "accepted" || type === "started");
    this.#waiting.push(...facts.map((fact) => ({ fact, isLazy, isWork })));
    this.#commitWithin(COMMIT_WITHIN_MS[urgency]);
    if (isLazy) return Promise.resolve();
    if (isWork) {
      this.#work ??= Promise.withResolvers<void>();
      return this.#work.promise;
    }
    this.#reports ??= Promise.withResolvers<void>();
    return this.#reports.promise;
  }

  async *replay(): AsyncIterable<Fact> {
    for (const { facts } of this.#disk.open(this.#origin, false)) yield* facts;
  }

  async waiting(from: number, limit: number): Promise<WaitingPage> {
    const ended = this.#waiting.filter(({ fact }) => /^(delivered|refused)$/.test(fact.type));
    const ending = new Set(ended.map(({ fact }) => fact.key));
    const all = this.#disk.open(this.#origin, true).filter(({ begun }) => begun >= from);
    const page = all.slice(0, this.#world.random.count(1, limit));
    const stories = page.flatMap(({ facts, entry }) =>
      entry === undefined || ending.has(entry.key) ? [] : [[...facts]],
    );
    return { stories, next: all.length > page.length ? (page.at(-1)?.begun ?? 0) + 1 : undefined };
  }

  async countWaiting(): Promise<number> {
    return this.#disk.open(this.#origin, true).length;
  }

  async story(key: EntryKey): Promise<readonly Fact[]> {
    const waiting = this.#waiting.map(({ fact }) => fact);
    return [...this.#disk.story(key, this.#origin), ...waiting.filter((fact) => fact.key === key)];
  }

  /** Writes what waits, at once. */
  async close(): Promise<void> {
    const facts = this.#waiting.map(({ fact }) => fact);
    if (this.#disk.hasRoomFor(facts.length)) this.#disk.write(facts, this.#origin);
    this.#waiting = [];
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#work?.resolve();
    this.#reports?.resolve();
  }

  #commitWithin(ms: number): void {
    const { faults, random, timeline } = this.#world;
    const dueAtMs = timeline.nowMs + ms;
    if (dueAtMs >= this.#dueAtMs) return;
    this.#dueAtMs = dueAtMs;
    const isSlow = faults.strikes("disk: slow");
    const tookMs = isSlow ? random.between(500, 20_000) : random.between(0.1, 3);
    this.#life.process.after(ms + tookMs, () => {
      if (this.#dueAtMs === dueAtMs) this.#commit();
    });
  }

  /** As in the journal of the product: all that waits or, near the quota, all but new work. */
  #commit(): void {
    const { faults, power } = this.#world;
    if (power.goesBefore("write") || faults.strikes("disk: power cut, batch lost")) {
      this.#life.cutPower();
      return;
    }
    const waiting = this.#waiting;
    const isFull = !this.#disk.hasRoomFor(waiting.length);
    const { isCrowded } = this.#disk;
    const [work, reports] = [this.#work, this.#reports];
    this.#waiting = [];
    this.#work = undefined;
    this.#reports = undefined;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    const refused = waiting.filter(({ isWork }) => isFull || (isCrowded && isWork));
    const written = waiting.filter((each) => !refused.includes(each));
    if (refused.length > 0) this.#turnAway(refused);
    if (written.length > 0 || refused.length === 0) this.#write(written);
    if (!this.#life.isAlive) return;
    const full = new ServantError("journal.full", "Cannot write the journal: it is full");
    const isRefused = (isWork: boolean) => refused.some((each) => each.isWork === isWork);
    if (isRefused(true)) work?.reject(full);
    else work?.resolve();
    if (isFull && waiting.length > 0) reports?.reject(full);
    else reports?.resolve();
  }

  #turnAway(refused: readonly Waiting[]): void {
    const { oracle, trace } = this.#world;
    trace(`turned away: ${refused.length} facts`);
    const [lazy, told] = [true, false].map((is) => refused.filter(({ isLazy }) => isLazy === is));
    oracle.stories.wereTurnedAway((told ?? []).map(({ fact }) => fact));
    this.#waiting = lazy ?? []; // they ride along with a later commit
  }

  #write(written: readonly Waiting[]): void {
    const { faults, power, trace } = this.#world;
    trace(`written: ${written.length} facts`);
    this.#disk.write(
      written.map(({ fact }) => fact),
      this.#origin,
    );
    const isCut = faults.strikes("disk: power cut, batch written but not confirmed");
    if (power.goesBefore("word") || isCut) this.#life.cutPower();
  }
}
