/**
 * The runs of this backend, the last ones at least: what runs and what has ended. One that was going
 * when the backend ended is known afterwards, with the results that it had, as interrupted.
 */
import type { AuditId } from "../core/assignment.ts";
import { ServantError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { attemptOf, type Ending, isEmpty } from "./results.ts";
import { Run, type RunOptions } from "./run.ts";
import { type Keep, keepNothing, type StoredDocument } from "./store.ts";

/** Runs that are remembered; beyond it the oldest are forgotten. */
export const RUNS_MAX = 200;
/** And as long together as this, as JSON: what servants send along is theirs to choose. */
export const REMEMBERED_CHARACTERS_MAX = 128 * 1024 * 1024;
/** Of so many, the newest, what they told is kept too. */
const TALES_MAX = 20;
/** A run that goes on is kept with every step while it is no longer than this, as JSON, ... */
const KEPT_AT_ONCE_CHARACTERS = 64 * 1024;
/** ... and a longer one so much later: to keep 1 MiB of it takes as long as some steps do. */
const CHARACTERS_PER_MS = 500;

export interface RunsPorts {
  readonly clock: Clock;
  readonly keep?: Keep;
  readonly kept?: readonly StoredDocument[];
}

export class Runs {
  /** Those that the end of an earlier life cut off. */
  readonly interrupted: readonly string[];
  /** How many clients are told of runs as they go. */
  listeners = 0;
  readonly #clock: Clock;
  readonly #keep: Keep;
  /** Those of this life. */
  readonly #live = new Map<string, Run>();
  /** What clients read of each, oldest first; of one that runs it may be out of date. */
  readonly #records = new Map<string, JsonObject>();
  readonly #kept = new Map<string, { readonly atMs: number; readonly length: number }>();
  /** Those that are to be kept soon. */
  readonly #due = new Map<string, AbortController>();

  constructor({ clock, keep = keepNothing, kept = [] }: RunsPorts) {
    this.#clock = clock;
    this.#keep = keep;
    for (const { key, value } of kept) {
      if (!isJsonObject(value)) continue;
      this.#records.set(key, value);
      this.#kept.set(key, { atMs: 0, length: JSON.stringify(value).length });
    }
    const going = [...this.#records].filter(([, { status }]) => status === "running");
    for (const [id, record] of going) this.#store(id, interrupted(record));
    this.interrupted = going.map(([id]) => id);
  }

  begin(options: Omit<RunOptions, "now">): Run {
    const run = new Run({ ...options, now: () => this.#clock.now() });
    this.#live.set(run.id, run);
    this.#store(run.id, run.describe());
    this.#forgetOld();
    return run;
  }

  /** Keeps what it has come to: soon, if that is long. */
  note(run: Run): void {
    const { id } = run;
    const { atMs, length } = this.#kept.get(id) ?? { atMs: 0, length: 0 };
    const everyMs = length <= KEPT_AT_ONCE_CHARACTERS ? 0 : length / CHARACTERS_PER_MS;
    const dueInMs = atMs + everyMs - this.#clock.monotonic();
    if (run.ending !== undefined || dueInMs <= 0) {
      this.#store(id, run.describe());
    } else if (!this.#due.has(id)) {
      const kept = new AbortController();
      this.#due.set(id, kept);
      void this.#clock.sleep(dueInMs, kept.signal).then(() => {
        if (!kept.signal.aborted) this.#store(id, run.describe());
      });
    }
  }

  /** What came of a step after all, when nobody waited for it any more. */
  amend(
    id: string,
    auditId: AuditId,
    ending: Pick<Ending, "success" | "message">,
    telemetry: Json,
  ): void {
    const run = this.#live.get(id);
    const record = this.#records.get(id);
    if (run !== undefined) {
      const attempt = attemptOf(run.outcomes, auditId);
      if (attempt === undefined) return;
      attempt.ending = ending;
      attempt.isLate = true;
      attempt.telemetry = run.remembered(telemetry);
      this.note(run);
    } else if (record !== undefined) {
      const late = { ...ending, late: true, ...(isEmpty(telemetry) ? {} : { telemetry }) };
      const amended = eachOutcome(record, (each) => (each.audit_id === auditId ? late : {}));
      this.#store(id, amended);
    }
  }

  /** Newest first, without plans and what each step came to. */
  list(): JsonObject[] {
    return [...this.#records].reverse().map(([id, record]) => {
      const {
        results: _,
        plan: __,
        coming: ___,
        ...summary
      } = this.#live.get(id)?.summary() ?? record;
      return summary;
    });
  }

  /** @throws {ServantError} `run.unknown` */
  describe(id: string): JsonObject {
    const record = this.#live.get(id)?.describe() ?? this.#records.get(id);
    if (record !== undefined) return record;
    throw new ServantError("run.unknown", `Cannot find run "${id.slice(0, 100)}"`);
  }

  /**
   * A run of this life; undefined for one of an earlier.
   *
   * @throws {ServantError} `run.unknown`
   */
  get(id: string): Run | undefined {
    this.describe(id);
    return this.#live.get(id);
  }

  #store(id: string, record: JsonObject): void {
    this.#records.set(id, record);
    this.#kept.set(id, { atMs: this.#clock.monotonic(), length: JSON.stringify(record).length });
    this.#undue(id);
    this.#keep.put("run", id, record);
  }

  #undue(id: string): void {
    this.#due.get(id)?.abort();
    this.#due.delete(id);
  }

  #forgetOld(): void {
    const tales = [...this.#live.keys()];
    for (const id of tales.slice(0, Math.max(tales.length - TALES_MAX, 0))) this.#live.delete(id);
    let characters = [...this.#kept.values()].reduce((sum, { length }) => sum + length, 0);
    for (const id of this.#records.keys()) {
      const isMany = characters > REMEMBERED_CHARACTERS_MAX || this.#records.size > RUNS_MAX;
      const run = this.#live.get(id);
      if (!isMany || (run !== undefined && run.ending === undefined)) break;
      characters -= this.#kept.get(id)?.length ?? 0;
      this.#forget(id);
    }
  }

  #forget(id: string): void {
    this.#records.delete(id);
    this.#live.delete(id);
    this.#kept.delete(id);
    this.#undue(id);
    this.#keep.remove("run", id);
  }
}

function interrupted(record: JsonObject): JsonObject {
  const message = "the backend ended while it ran; look at the machine before repeating";
  const open = { success: false, message: "interrupted: nobody saw how it ended" };
  const cutOff = eachOutcome(record, ({ success }) => (success === null ? open : {}));
  return { ...cutOff, status: "interrupted", success: false, message };
}

/** The record or outcome with what `more` says of each outcome in it, however deep. */
function eachOutcome(outer: JsonObject, more: (outcome: JsonObject) => JsonObject): JsonObject {
  const inner = Object.entries(outer).flatMap(([key, value]): [string, Json][] => {
    if ((key !== "steps" && key !== "results") || !Array.isArray(value)) return [];
    const each = (one: Json) =>
      isJsonObject(one) ? { ...eachOutcome(one, more), ...more(one) } : one;
    return [[key, value.map(each)]];
  });
  return { ...outer, ...Object.fromEntries(inner) };
}
