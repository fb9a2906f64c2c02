/** What the disk durably holds of each entry, as one sees it from outside. */
import type { Assignment } from "../../src/core/assignment.ts";
import type { EntryFact, EntryKey, Fact } from "../../src/core/entry.ts";
import { isMachineFact } from "../../src/core/machine.ts";
import { contentOf, frozen, outcomeOf } from "./content.ts";
import type { Timeline } from "./timeline.ts";
import type { Verdict } from "./verdict.ts";

/** A moment, and what the wall clock showed then: only the first one is true. */
export interface Moment {
  readonly life: number;
  readonly atMs: number;
  readonly wallMs: number;
}

export interface Asked {
  readonly assignment: Assignment;
  readonly origin: string;
  readonly moment: Moment;
}

export interface Story extends Asked {
  starts: number;
  /** The result's one text. */
  finished?: string;
  delivered: number;
  isRefused: boolean;
}

export class Stories {
  readonly durable = new Map<EntryKey, Story>();
  /** What was accepted and is not finished. */
  readonly unfinished = {
    action: new Set<EntryKey>(),
    belief: new Set<EntryKey>(),
    invalid: new Set<EntryKey>(),
  };
  /** What was last accepted under each key, durable or not. */
  readonly #asked = new Map<EntryKey, Asked>();
  /** When each entry was last finished, durable or not. */
  readonly #finishedAt = new Map<EntryKey, Moment>();
  /**
   * What a full disk turned away and nothing saved yet, with the results among it: they may go out
   * unsaved.
   */
  readonly turnedAway = new Map<EntryKey, Set<string>>();
  /** How often the backend has taken each result. */
  readonly takenTimes = new Map<EntryKey, number>();
  #life = 1;
  readonly #timeline: Timeline;
  readonly #verdict: Verdict;

  constructor(timeline: Timeline, verdict: Verdict) {
    this.#timeline = timeline;
    this.#verdict = verdict;
  }

  get now(): Moment {
    const { nowMs, wallMs } = this.#timeline;
    return { life: this.#life, atMs: nowMs, wallMs };
  }

  asked(key: EntryKey): Asked | undefined {
    return this.#asked.get(key);
  }

  finishedAt(key: EntryKey): Moment | undefined {
    return this.#finishedAt.get(key);
  }

  /** The agent's memory is gone. */
  lifeEnded(): void {
    this.#life += 1;
    this.turnedAway.clear();
  }

  /** Facts are on their way to the disk. */
  appended(facts: readonly Fact[], origin: string): void {
    const moment = this.now;
    for (const fact of facts) {
      if (fact.type === "accepted") {
        this.#asked.set(fact.key, { assignment: fact.assignment, origin, moment });
      }
      if (fact.type === "finished") frozen(fact.result);
      if (fact.type === "finished" && this.durable.get(fact.key)?.finished === undefined) {
        this.#finishedAt.set(fact.key, moment);
      }
    }
  }

  /** A batch is on the disk. */
  written(facts: readonly Fact[], origin: string): void {
    for (const fact of facts) {
      if (isMachineFact(fact)) continue;
      if (this.#asked.get(fact.key)?.origin === origin) this.#writtenOne(fact);
      else this.#verdict.broken("an entry belongs to one origin", fact.key);
    }
  }

  #writtenOne(fact: EntryFact): void {
    const { key } = fact;
    if (fact.type === "accepted") {
      this.#writtenAccepted(key);
      return;
    }
    const story = this.durable.get(key);
    if (story === undefined) {
      this.#verdict.broken("a story begins with its acceptance", `${fact.type} ${key}`);
      return;
    }
    if (fact.type === "started") story.starts += 1;
    if (fact.type === "refused") story.isRefused = true;
    if (fact.type === "repeated") story.isRefused = false;
    if (fact.type === "finished") {
      if (story.finished !== undefined) this.#verdict.broken("an entry is finished once", key);
      story.finished ??= outcomeOf(fact.result);
      this.unfinished[story.assignment.kind].delete(key);
      this.turnedAway.delete(key);
    }
    if (fact.type === "delivered") {
      story.delivered += 1;
      if (story.delivered > (this.takenTimes.get(key) ?? 0)) {
        this.#verdict.broken("what is recorded as delivered was taken by the backend", key);
      }
    }
  }

  #writtenAccepted(key: EntryKey): void {
    const asked = this.#asked.get(key);
    if (asked === undefined || this.durable.has(key)) return; // a second one changes nothing
    this.durable.set(key, { ...asked, starts: 0, delivered: 0, isRefused: false });
    this.unfinished[asked.assignment.kind].add(key);
  }

  /** A batch was turned away by a full disk. */
  wereTurnedAway(facts: readonly Fact[]): void {
    for (const fact of facts) {
      if (isMachineFact(fact) || this.durable.get(fact.key)?.finished !== undefined) continue;
      const results = this.turnedAway.get(fact.key) ?? new Set();
      this.turnedAway.set(fact.key, results);
      if (fact.type === "finished") results.add(outcomeOf(fact.result));
    }
  }

  /** True when the disk holds an acceptance of just this. */
  isAccepted(key: EntryKey, assignment: Assignment): boolean {
    const story = this.durable.get(key);
    return story !== undefined && contentOf(story.assignment) === contentOf(assignment);
  }
}

/**
 * Whether something that was stamped at `from` may pass for at most `withinMs` old: because it is,
 * or because somebody set the clock in between so that no reading of it can tell.
 */
export function mayPassForFresh(from: Moment, to: Moment, withinMs: number): boolean {
  if (to.atMs - from.atMs < withinMs + 1) return true; // clocks are read in whole milliseconds
  const measuredMs = to.wallMs - from.wallMs;
  return (
    Math.abs(measuredMs - (to.atMs - from.atMs)) > 1 && measuredMs >= 0 && measuredMs <= withinMs
  );
}
