/** What the agent has in its hand: the actions that run, those that wait, the beliefs. */
import type { Assignment, AuditId } from "../core/assignment.ts";
import type { Entry, EntryKey } from "../core/entry.ts";
import { fits, type Uses } from "../core/lanes.ts";

/** How many beliefs are observed at once. */
export const BELIEFS_MAX = 8;

/** One assignment from its acceptance to its result. */
export interface Work {
  readonly key: EntryKey;
  readonly assignment: Assignment;
  /** Aborts when it is called off. */
  readonly abort: AbortController;
  readonly uses: Uses;
  /** It runs beside whatever runs. */
  readonly isLight: boolean;
  /** How often its handler was started. */
  starts: number;
  /** Why it was called off, if it was. */
  cancelled?: string;
  /** A restart found it accepted: it must not start when it has become too old meanwhile. */
  readonly foundAtRestart?: Entry;
  /** Whether its acceptance got onto the disk. What did not is answered where it failed. */
  isRecorded?: Promise<boolean>;
}

export class Hand {
  readonly #concurrency: number;
  readonly #running = new Map<EntryKey, Work>();
  readonly #light = new Map<EntryKey, Work>();
  readonly #beliefs = new Map<EntryKey, Work>();
  /** First come, first started; more than one only right after a restart. */
  #waiting: readonly Work[] = [];

  /** `concurrency`: how many actions run at once, if they occupy nothing in common. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** True while one more action can be taken, be it only to wait. */
  get hasRoomForAction(): boolean {
    return this.#waiting.length === 0;
  }

  get hasRoomForBelief(): boolean {
    return this.#beliefs.size < BELIEFS_MAX;
  }

  get waiting(): readonly Work[] {
    return this.#waiting;
  }

  *all(): IterableIterator<Work> {
    yield* this.#running.values();
    yield* this.#light.values();
    yield* this.#waiting;
    yield* this.#beliefs.values();
  }

  get size(): number {
    return this.#running.size + this.#light.size + this.#waiting.length + this.#beliefs.size;
  }

  find(auditId: AuditId): Work | undefined {
    for (const work of this.all()) if (work.assignment.auditId === auditId) return work;
    return undefined;
  }

  /** True when an action that comes now would start before any that waits, beside what runs. */
  isNext({ isLight, uses }: Pick<Work, "isLight" | "uses">): boolean {
    return isLight || (this.hasRoomForAction && this.#fits(uses));
  }

  /** The running ones, as if `without` had ended, leave it what it occupies. */
  #fits(uses: Uses, without?: Work): boolean {
    const others = [...this.#running.values()].filter((each) => each !== without);
    return fits(
      uses,
      others.map((each) => each.uses),
      this.#concurrency,
    );
  }

  /** The one whose turn it is, if it can start now. */
  next(without?: Work): Work | undefined {
    const first = this.#waiting.find(({ isLight }) => isLight) ?? this.#waiting[0];
    if (first === undefined) return undefined;
    return first.isLight || this.#fits(first.uses, without) ? first : undefined;
  }

  wait(work: Work): void {
    this.#waiting = [...this.#waiting, work];
  }

  /** It runs from now on; it no longer waits. */
  start(work: Work): void {
    this.#waiting = this.#waiting.filter((each) => each !== work);
    this.#laneOf(work).set(work.key, work);
  }

  release({ key }: Work): void {
    for (const lane of [this.#running, this.#light, this.#beliefs]) lane.delete(key);
    this.#waiting = this.#waiting.filter((each) => each.key !== key);
  }

  #laneOf({ assignment, isLight }: Work): Map<EntryKey, Work> {
    if (assignment.kind === "belief") return this.#beliefs;
    return isLight ? this.#light : this.#running;
  }
}
