/**
 * Gathers what changes and commits it in batches: one commit runs, and what changes meanwhile is
 * the next one. Documents are committed at the end of the turn that changed them; lines wait a
 * little for company.
 */
import { messageOf } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { BackendStore, Change, Keep } from "./store.ts";

/** How long a line waits for a commit at most, in milliseconds. */
const LINE_WAIT_MS = 250;
/** How long after a commit that failed the next one is tried, in milliseconds. */
const RETRY_MS = 1_000;
/** Lines that wait for a store that cannot be written to; beyond it the oldest are lost. */
const WAITING_LINES_MAX = 10_000;

export interface KeeperOptions {
  readonly store: BackendStore;
  readonly clock: Clock;
  /** Told when the store can no longer be written to, and when it can again. */
  readonly onTrouble?: (reason: string | undefined) => void;
}

export class Keeper implements Keep {
  readonly #options: KeeperOptions;
  readonly #closing = new AbortController();
  /** By what they replace: of two values of one document, only the later is written. */
  #pending = new Map<string, Change>();
  #writing: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  /** A commit comes at the end of this turn. */
  #isScheduled = false;
  /** A commit comes within `LINE_WAIT_MS`. */
  #isDue = false;
  #trouble: string | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Why the last commit failed; undefined while all is well. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  readonly put: Keep["put"] = (kind, key, value) => {
    this.#note(`${kind} ${key}`, { op: "put", kind, key, value });
  };
  readonly remove: Keep["remove"] = (kind, key) => {
    this.#note(`${kind} ${key}`, { op: "remove", kind, key });
  };
  readonly clear: Keep["clear"] = (kind) => {
    for (const [name, change] of this.#pending) {
      if ("key" in change && change.kind === kind) this.#pending.delete(name);
    }
    this.#pending.delete(kind);
    this.#note(kind, { op: "clear", kind });
  };
  readonly line: Keep["line"] = (kind, atMicros, value) => {
    this.#pending.set(`${kind} ${atMicros}`, { op: "line", kind, atMicros, value });
    if (this.#isDue || this.#trouble !== undefined) return;
    this.#isDue = true;
    void this.#options.clock.sleep(LINE_WAIT_MS, this.#closing.signal).then(() => this.#commit());
  };
  readonly trim: Keep["trim"] = (kind, toMicros) => {
    // Behind the lines that it is to forget, if they are not yet written.
    this.#pending.delete(`trim ${kind}`);
    this.#pending.set(`trim ${kind}`, { op: "trim", kind, toMicros });
  };

  /** Resolves when all that is known now is durable, or cannot be made so: see `trouble`. */
  async saved(): Promise<void> {
    await turn(); // what this turn still changes belongs to it
    await (this.#pending.size > 0 ? this.#commit() : this.#writing);
  }

  /** Writes what waits, and closes the store. */
  async close(): Promise<void> {
    await this.saved();
    this.#closing.abort();
    await this.#options.store.close();
  }

  #note(name: string, change: Change): void {
    this.#pending.set(name, change);
    if (this.#isScheduled || this.#trouble !== undefined) return; // in trouble it is tried again anyway
    this.#isScheduled = true;
    void turn().then(() => this.#commit());
  }

  #commit(): Promise<void> {
    this.#queued ??= this.#writing.then(() => {
      this.#queued = undefined;
      this.#writing = this.#write();
      return this.#writing;
    });
    return this.#queued;
  }

  async #write(): Promise<void> {
    [this.#isDue, this.#isScheduled] = [false, false];
    if (this.#pending.size === 0) return;
    if (this.#closing.signal.aborted) {
      this.#trouble = "the store is closed"; // a request that came too late is told so
      return;
    }
    const taken = this.#pending;
    this.#pending = new Map();
    try {
      await this.#options.store.write([...taken.values()]);
      this.#tell(undefined);
    } catch (cause) {
      this.#pending = together(taken, this.#pending);
      this.#tell(messageOf(cause));
      const { clock } = this.#options;
      void clock.sleep(RETRY_MS, this.#closing.signal).then(() => this.#commit());
    }
  }

  #tell(trouble: string | undefined): void {
    const isNews = (trouble === undefined) !== (this.#trouble === undefined);
    this.#trouble = trouble;
    if (isNews) this.#options.onTrouble?.(trouble);
  }
}

/** The end of the present turn of the event loop: promises that are settled have run on by then. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What could not be written, and after it what came since. */
function together(
  earlier: ReadonlyMap<string, Change>,
  later: ReadonlyMap<string, Change>,
): Map<string, Change> {
  const cleared = new Set([...later.values()].filter(({ op }) => op === "clear").map(kindOf));
  const kept = [...earlier].filter(
    ([, change]) => !("key" in change) || !cleared.has(kindOf(change)),
  );
  const all = new Map(kept);
  for (const [name, change] of later) {
    if (change.op === "clear" || change.op === "trim") all.delete(name); // it goes behind
    all.set(name, change);
  }
  const lines = [...all].filter(([, { op }]) => op === "line");
  for (const [name] of lines.slice(0, Math.max(0, lines.length - WAITING_LINES_MAX))) {
    all.delete(name);
  }
  return all;
}

function kindOf({ kind }: Change): string {
  return kind;
}
