/**
 * Watches the world from outside and knows what must hold. It sees what became durable, what ran,
 * what was sent and what the backend took; it never looks into the agent, except at how much the
 * agent keeps in its queues.
 */
import { BELIEFS_MAX } from "../../src/agent/hand.ts";
import { BELIEF_FRESH_MS, IN_FLIGHT_MAX } from "../../src/agent/outbox.ts";
import { START_WITHIN_MS } from "../../src/agent/recovery.ts";
import type { Assignment, Result } from "../../src/core/assignment.ts";
import { type EntryKey, type Fact, keyOf } from "../../src/core/entry.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import type { Delivery } from "../../src/core/ports.ts";
import { outcomeOf } from "./content.ts";
import { Motion, type Setup } from "./motion.ts";
import { SeenRegistrations } from "./registrations.ts";
import { mayPassForFresh, Stories } from "./stories.ts";
import type { Timeline } from "./timeline.ts";
import { Verdict } from "./verdict.ts";

/** What was on its way on an older poll when a newer one went out comes on top of what fits. */
const OVERLAP_MAX = 1;
/** Who may wait for the ledger to change: the dispatcher, the outbox, the saver, the stop. */
const WAITERS_MAX = 4;

export class Oracle {
  readonly stories: Stories;
  readonly motion: Motion;
  readonly registrations: SeenRegistrations;
  #isStopping = false;
  readonly #setup: Setup;
  readonly #verdict = new Verdict();
  /** Sent while it was in memory only: a crash may give it another content. */
  readonly #exposed = new Set<EntryKey>();
  readonly #refused = new Set<EntryKey>();
  readonly #takenContents = new Map<EntryKey, Set<string>>();

  constructor(timeline: Timeline, setup: Setup) {
    this.#setup = setup;
    this.stories = new Stories(timeline, this.#verdict);
    this.motion = new Motion(setup, this.stories, this.#verdict);
    this.registrations = new SeenRegistrations(timeline, this.#verdict);
  }

  get violation(): string | undefined {
    return this.#verdict.violation;
  }

  broken(invariant: string, what: string): void {
    this.#verdict.broken(invariant, what);
  }

  /** Facts are on their way to the disk: this is when the agent decides. */
  appended(facts: readonly Fact[], origin: string): void {
    this.stories.appended(facts, origin);
    for (const { type, key } of facts) {
      if (type === "started") this.#decidedToStart(key);
      if (type === "refused" && !this.#refused.has(key)) {
        this.broken("only what the backend refused is given up", key);
      }
    }
  }

  /** What a restart found accepted and not started must be young. */
  #decidedToStart(key: EntryKey): void {
    const { stories } = this;
    if (this.#isStopping) this.broken("an agent that stops starts nothing more", key);
    if ((stories.durable.get(key)?.starts ?? 0) > 0) return;
    const asked = stories.asked(key);
    const { now } = stories;
    if (asked?.assignment.kind !== "action" || asked.moment.life === now.life) return;
    if (!mayPassForFresh(asked.moment, now, START_WITHIN_MS)) {
      this.broken("what a restart finds starts only while it is fresh", key);
    }
  }

  /** The agent begins to stop: it starts nothing more. */
  stops(): void {
    this.#isStopping = true;
    this.registrations.stops();
  }

  /** The agent's memory is gone. */
  lifeEnded(): void {
    this.stories.lifeEnded();
    this.motion.lifeEnded();
    this.registrations.lifeEnded();
    this.#isStopping = false;
  }

  /** A batch is on the disk. */
  written(facts: readonly Fact[], origin: string): void {
    this.stories.written(facts, origin);
    this.motion.written(facts);
    const { unfinished, turnedAway } = this.stories;
    const limits = [
      ["action", this.#setup.concurrency + 1 + OVERLAP_MAX],
      ["belief", BELIEFS_MAX + OVERLAP_MAX],
    ] as const;
    for (const [kind, max] of limits) {
      if (unfinished[kind].size <= max) continue;
      const isInHand = (key: EntryKey) => !turnedAway.has(key) && !this.motion.wasCalledOff(key);
      const held = [...unfinished[kind]].filter(isInHand);
      if (held.length > max) this.broken("no queue passes its limit", `${kind} ${held.join(", ")}`);
    }
  }

  /**
   * A result leaves the agent, to the backend of `origin`, as one of `inFlight`. Tells what it
   * answers: on the wire is only an audit id, which may stand for two contents.
   */
  sent({ key, result }: Delivery, origin: string, inFlight: number): Assignment | undefined {
    const { stories } = this;
    if (inFlight > IN_FLIGHT_MAX) this.broken("a few results are under way at once", key);
    const asked = stories.asked(key);
    if (asked?.origin !== origin) {
      this.broken("nothing of another origin is sent", key);
      return undefined;
    }
    const durable = stories.durable.get(key)?.finished;
    const finished = durable === undefined ? stories.turnedAway.get(key) : new Set([durable]);
    if (finished === undefined || finished.size === 0) {
      this.broken("a result is sent only after it is durable", key);
    } else if (!isWithdrawn(asked.assignment, result)) {
      if (!finished.has(outcomeOf(result))) this.broken("what is sent is what was finished", key);
      if (asked.assignment.kind === "belief" && result.success) this.#checkIsFresh(key);
    }
    if (durable === undefined) this.#exposed.add(key);
    // A further content under one audit id never runs.
    if (key === keyOf(result.auditId)) this.motion.reported(asked.assignment, result);
    return asked.assignment;
  }

  /** An observation that goes out as one. */
  #checkIsFresh(key: EntryKey): void {
    const observedAt = this.stories.finishedAt(key);
    if (observedAt === undefined) return;
    if (mayPassForFresh(observedAt, this.stories.now, BELIEF_FRESH_MS)) return;
    this.broken("an old observation never passes for a new one", key);
  }

  /** The backend will never take this result, and has said so to a servant that it knows. */
  refused(key: EntryKey): void {
    this.#refused.add(key);
  }

  /** The backend has taken a result; `assignment` is what was asked under this key. */
  took({ key, result }: Delivery, assignment: Assignment): void {
    const { takenTimes } = this.stories;
    takenTimes.set(key, (takenTimes.get(key) ?? 0) + 1);
    if (isWithdrawn(assignment, result)) return;
    const contents = this.#takenContents.get(key) ?? new Set();
    this.#takenContents.set(key, contents.add(outcomeOf(result)));
    if (contents.size > 1 && !this.#exposed.has(key)) {
      this.broken("an assignment ends with one result", key);
    }
  }

  /** Something has happened: no queue in the agent may have grown past its limit. */
  checkQueues(ledger: Ledger): void {
    if (ledger.waiting > WAITERS_MAX) {
      this.broken("no queue passes its limit", `${ledger.waiting} wait for the ledger`);
    }
  }

  /** All is quiet: everything that was accepted from `origin` must have come to its end. */
  ended(origin: string): void {
    const { durable, takenTimes } = this.stories;
    for (const [key, story] of durable) {
      if (story.origin !== origin) continue;
      if (story.finished === undefined) this.broken("every accepted assignment ends", key);
      else if (!takenTimes.has(key) && !story.isRefused) {
        this.broken("no finished result is lost", key);
      }
    }
  }
}

/** An observation that was withdrawn for its age: the same for any content. */
function isWithdrawn({ kind }: Assignment, { unchecked, success }: Result): boolean {
  return kind === "belief" && unchecked && success;
}
