/**
 * Watches the world from outside and knows what must hold. It sees what became durable, what ran,
 * what was sent and what the backend took; it never looks into the agent, except at its ledger.
 */
import { BELIEFS_MAX } from "../../src/agent/dispatcher.ts";
import { IN_FLIGHT_MAX } from "../../src/agent/outbox.ts";
import type { Assignment, AuditId, Result } from "../../src/core/assignment.ts";
import type { EntryKey, Fact } from "../../src/core/entry.ts";
import { canonicalJson } from "../../src/core/json.ts";
import type { Delivery } from "../../src/core/ports.ts";

/** What the journal durably holds of one entry. */
interface Story {
  readonly assignment: Assignment;
  hasStarted: boolean;
  /** The result's one text. */
  finished?: string;
  delivered: number;
  isRefused: boolean;
}

export class Oracle {
  /** The first invariant that broke. */
  violation: string | undefined;
  readonly stories = new Map<EntryKey, Story>();
  /**
   * What a full disk turned away and nothing saved yet, with the results among it: they may go out
   * unsaved.
   */
  readonly #turnedAway = new Map<EntryKey, Set<string>>();
  /** Sent while it was in memory only: a crash may give it another content. */
  readonly #exposed = new Set<EntryKey>();
  readonly #starts = new Map<AuditId, number>();
  readonly #taken = new Map<EntryKey, { times: number; contents: Set<string> }>();
  readonly #unfinished = new Set<EntryKey>();
  /** What was last accepted under each key, durable or not, and from whom. */
  readonly #asked = new Map<EntryKey, { assignment: Assignment; origin: string }>();

  broken(invariant: string, what: string): void {
    this.violation ??= `${invariant}: ${what}`;
  }

  /** Facts are on their way to the disk. */
  appended(facts: readonly Fact[], origin: string): void {
    for (const fact of facts) {
      if (fact.type === "accepted") {
        this.#asked.set(fact.key, { assignment: fact.assignment, origin });
      }
    }
  }

  /** A batch is on the disk. */
  written(facts: readonly Fact[], origin: string): void {
    for (const fact of facts) {
      if (this.#asked.get(fact.key)?.origin === origin) this.#writtenOne(fact);
      else this.broken("an entry belongs to one origin", fact.key);
    }
    const held = [...this.#unfinished].filter((key) => !this.#turnedAway.has(key));
    if (held.length > 2) {
      this.broken("one action runs and one is held at most", held.join(", "));
    }
  }

  #writtenOne(fact: Fact): void {
    const { key } = fact;
    if (fact.type === "accepted") {
      this.#writtenAccepted(key, fact.assignment);
      return;
    }
    const story = this.stories.get(key);
    if (story === undefined) {
      this.broken("a story begins with its acceptance", `${fact.type} ${key}`);
      return;
    }
    if (fact.type === "started") story.hasStarted = true;
    if (fact.type === "refused") story.isRefused = true;
    if (fact.type === "repeated") story.isRefused = false;
    if (fact.type === "finished") {
      if (story.finished !== undefined) this.broken("an entry is finished once", key);
      story.finished ??= textOf(fact.result);
      this.#unfinished.delete(key);
      this.#turnedAway.delete(key);
    }
    if (fact.type === "delivered") {
      story.delivered += 1;
      if (story.delivered > (this.#taken.get(key)?.times ?? 0)) {
        this.broken("what is recorded as delivered was taken by the backend", key);
      }
    }
  }

  #writtenAccepted(key: EntryKey, assignment: Assignment): void {
    if (this.stories.has(key)) return; // a second one changes nothing; a second start would
    this.stories.set(key, { assignment, hasStarted: false, delivered: 0, isRefused: false });
    if (assignment.kind === "action") this.#unfinished.add(key);
  }

  /** A batch was turned away by a full disk. */
  turnedAway(facts: readonly Fact[]): void {
    for (const fact of facts) {
      if (this.stories.get(fact.key)?.finished !== undefined) continue;
      const results = this.#turnedAway.get(fact.key) ?? new Set();
      this.#turnedAway.set(fact.key, results);
      if (fact.type === "finished") results.add(textOf(fact.result));
    }
  }

  /** The agent's memory is gone. */
  lifeEnded(): void {
    this.#turnedAway.clear();
  }

  /** A handler is about to start; `running` are the kinds of those that run already. */
  starts(assignment: Assignment, running: readonly Assignment["kind"][]): void {
    const { auditId, kind } = assignment;
    const times = (this.#starts.get(auditId) ?? 0) + 1;
    this.#starts.set(auditId, times);
    if (times > 1) this.broken("no handler starts twice for one entry", auditId);
    const beside = running.filter((each) => each === kind).length;
    if (beside >= (kind === "action" ? 1 : BELIEFS_MAX)) {
      this.broken("one action runs at once, and a few beliefs", auditId);
    }
    const story = this.stories.get(auditId as string as EntryKey);
    const isSame =
      story !== undefined && canonicalJson(story.assignment) === canonicalJson(assignment);
    if (!isSame || !story.hasStarted) {
      this.broken("started is durable before the handler runs", auditId);
    }
  }

  /**
   * A result leaves the agent, to the backend of `origin`, as one of `inFlight`. Tells what it
   * answers: on the wire is only an audit id, which may stand for two contents.
   */
  sent({ key, result }: Delivery, origin: string, inFlight: number): Assignment | undefined {
    if (inFlight > IN_FLIGHT_MAX) this.broken("a few results are under way at once", key);
    const asked = this.#asked.get(key);
    if (asked?.origin !== origin) {
      this.broken("nothing of another origin is sent", key);
      return undefined;
    }
    const durable = this.stories.get(key)?.finished;
    const finished = durable === undefined ? this.#turnedAway.get(key) : new Set([durable]);
    if (finished === undefined || finished.size === 0) {
      this.broken("a result is sent only after it is durable", key);
    } else if (!finished.has(textOf(result)) && !isOldObservation(asked.assignment, result)) {
      this.broken("what is sent is what was finished", key);
    }
    if (durable === undefined) this.#exposed.add(key);
    return asked.assignment;
  }

  /** The backend has taken a result; `content` is what was asked under this key. */
  took({ key, result }: Delivery, assignment: Assignment): void {
    const taken = this.#taken.get(key) ?? { times: 0, contents: new Set() };
    this.#taken.set(key, taken);
    taken.times += 1;
    if (isOldObservation(assignment, result)) return;
    taken.contents.add(textOf(result));
    if (taken.contents.size > 1 && !this.#exposed.has(key)) {
      this.broken("an assignment ends with one result", key);
    }
  }

  /** All is quiet: everything that was accepted from `origin` must have come to its end. */
  ended(origin: string): void {
    for (const [key, story] of this.stories) {
      if (this.#asked.get(key)?.origin !== origin) continue;
      if (story.finished === undefined) {
        this.broken("every accepted assignment ends", key);
      } else if (!this.#taken.has(key) && !story.isRefused) {
        this.broken("no finished result is lost", key);
      }
    }
  }
}

function textOf(result: Result): string {
  return canonicalJson({ ...result, observed: [...result.observed].length });
}

/** An answer that was withdrawn for its age: the same for any content. */
function isOldObservation({ kind }: Assignment, { unchecked, success }: Result): boolean {
  return kind === "belief" && unchecked && success;
}
