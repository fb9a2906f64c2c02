/**
 * One run: what was asked for, how far it is, how it ended. It outlives the client that asked for it
 * and is listed by `/runs`.
 */
import type { AuditId } from "../core/assignment.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { Progress } from "./progress.ts";
import { describePlan, type PlanMade } from "./reasons.ts";
import { describeComing, describeOutcome, type Ending, type Outcome } from "./results.ts";
import { describeProgress } from "./told.ts";

/** Tries of steps in one run, legs included. */
export const ATTEMPTS_MAX = 100_000;
/** Of what a run tells, the last so many are kept for those who come late, ... */
export const EVENTS_MAX = 2_000;
/** ... unless they are longer together than this, as JSON. */
export const EVENTS_CHARACTERS_MAX = 4 * 1024 * 1024;

/** Telemetry of all its steps, as JSON; what comes after that is left out. */
export const TELEMETRY_CHARACTERS_MAX = 32 * 1024 * 1024;

export type RunKind = "goal" | "blocks" | "mission" | "trigger";
export type RunStatus =
  | "running"
  | "succeeded"
  | "failed"
  /** Somebody called it off. */
  | "cancelled"
  /** The backend was reset or stopped. */
  | "stopped"
  /** The backend ended while it ran, and did not see how it went on. */
  | "interrupted";

/** Something a run tells; `seq` counts from 1. */
export interface RunEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly data: JsonObject;
}
export interface RunOptions {
  readonly kind: RunKind;
  /** In words: the goal, the mission's name. */
  readonly what: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The end of every run: the world is left alone. */
  readonly stopped: AbortSignal;
  readonly observe: (progress: Progress) => void;
}

export class Run {
  readonly id: string = crypto.randomUUID();
  readonly kind: RunKind;
  readonly what: string;
  readonly #startedAtMs: number;
  readonly #clock: () => number;
  readonly outcomes: Outcome[] = [];
  /** Its blocks that have not begun, in words. */
  coming: readonly string[] = [];
  /** What it is at, in words. */
  now = "planning";
  /** The steps that are under way: a leg, and the steps whose scripts it is part of. */
  readonly open = new Set<AuditId>();
  /** Its end at once. */
  readonly stopped: AbortSignal;
  /** Its end after the step that is under way: what that one does is believed. */
  readonly #cancelled = new AbortController();
  /** Either of them. */
  readonly halted: AbortSignal;
  readonly #observe: (progress: Progress) => void;
  readonly #listeners = new Set<(event?: RunEvent) => void>();
  #events: (RunEvent & { readonly length: number })[] = [];
  #eventsLength = 0;
  #seq = 0;
  #attempts = 0;
  #telemetryLength = 0;
  #plan: PlanMade | undefined;
  #ending: Ending | undefined;
  #endedAtMs: number | undefined;

  constructor({ kind, what, now, stopped, observe }: RunOptions) {
    this.kind = kind;
    this.what = what;
    this.#clock = now;
    this.#startedAtMs = now();
    this.stopped = stopped;
    this.halted = AbortSignal.any([stopped, this.#cancelled.signal]);
    this.#observe = observe;
  }

  /** The one that it follows. */
  get plan(): PlanMade | undefined {
    return this.#plan;
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** How many steps were tried. */
  get attempts(): number {
    return this.#attempts;
  }

  cancel(reason: string): void {
    this.#cancelled.abort(reason);
  }

  /** How it ends because it was halted. */
  halt(): Ending {
    const { reason } = this.halted;
    return this.stopped.aborted
      ? { success: false, message: `stopped: ${reason}`, code: "execution.stopped" }
      : { success: false, message: `cancelled: ${reason}`, code: "execution.cancelled" };
  }

  /** Counts a try; false, and over, when there were so many that something goes round in circles. */
  mayAttempt(): boolean {
    this.#attempts += 1;
    if (this.#attempts <= ATTEMPTS_MAX) return true;
    this.cancel(`more than ${ATTEMPTS_MAX} steps were tried`);
    return false;
  }

  /** What is remembered of what a step measured: all of it, while there is room. */
  remembered(telemetry: Json): Json {
    const { length } = JSON.stringify(telemetry);
    if (this.#telemetryLength + length > TELEMETRY_CHARACTERS_MAX) {
      return { left_out: `${length} characters: this run has ${this.#telemetryLength} already` };
    }
    this.#telemetryLength += length;
    return telemetry;
  }

  /** The plan that it follows from now on, and tells. */
  follow(plan: Omit<PlanMade, "number">): PlanMade {
    this.#plan = { number: (this.#plan?.number ?? 0) + 1, ...plan };
    this.tell({ type: "planned", ...this.#plan });
    return this.#plan;
  }

  tell(progress: Progress): void {
    this.#observe(progress);
    this.#push(describeProgress(progress));
  }

  /** It is over: those who listen are told, and hear no more. */
  end(ending: Ending): void {
    this.#ending = ending;
    this.#endedAtMs = this.#clock();
    const { success, message } = ending;
    this.#observe({ type: "done", success, message });
    this.#push({ type: "ended", status: this.status, success, message });
    for (const listener of this.#listeners) listener(undefined);
    this.#listeners.clear();
  }

  get status(): RunStatus {
    const ending = this.#ending;
    if (ending === undefined) return "running";
    if (ending.success) return "succeeded";
    if (ending.code === "execution.cancelled") return "cancelled";
    return ending.code === "execution.stopped" ? "stopped" : "failed";
  }

  /** What it told after `seq`, as far as it is kept. */
  events(after = 0): readonly RunEvent[] {
    return this.#events.filter(({ seq }) => seq > after);
  }

  /**
   * Hears what it tells from now on, and undefined when it is over. Returns what ends that; for a
   * run that is over nothing is heard.
   */
  listen(listener: (event?: RunEvent) => void): () => void {
    if (this.#ending === undefined) this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As clients read it, and as it is kept. */
  describe(): JsonObject {
    const plan = this.#plan === undefined ? null : describePlan(this.#plan);
    const results = this.results();
    return { ...this.summary(), plan, results, ...describeComing(this.coming) };
  }

  /** The same without the plan and what each step came to. */
  summary(): JsonObject {
    const { success, message, code } = this.#ending ?? { success: null, message: this.now };
    return {
      run_id: this.id,
      kind: this.kind,
      what: this.what,
      status: this.status,
      started: this.#startedAtMs / 1_000,
      ended: this.#endedAtMs === undefined ? null : this.#endedAtMs / 1_000,
      success,
      message,
      ...(code === undefined ? {} : { code }),
      attempts: this.#attempts,
    };
  }

  /**
   * One for each step of a plan, or for each block. A plan that ended for want of another, or was
   * cancelled, after a step that was done, says so in an entry of its own: a list of successes must
   * not hide a goal not reached.
   */
  results(): JsonObject[] {
    const results = this.outcomes.map(describeOutcome);
    const last = this.outcomes.at(-1);
    if (this.#ending?.success !== false || last?.ending?.success === false) return results;
    const { success, message, code } = this.#ending;
    const type = this.kind === "goal" ? "plan" : this.kind;
    return [...results, { type, success, message, ...(code === undefined ? {} : { code }) }];
  }

  /** Many at a time: to move the rest for each would cost their number. */
  #forgetEvents(): void {
    const isMany = this.#events.length > EVENTS_MAX * 2;
    if (!isMany && this.#eventsLength <= EVENTS_CHARACTERS_MAX) return;
    const charactersMax = isMany ? EVENTS_CHARACTERS_MAX : EVENTS_CHARACTERS_MAX / 2;
    let first = Math.max(this.#events.length - EVENTS_MAX, 0);
    let kept = this.#events.slice(first).reduce((sum, { length }) => sum + length, 0);
    for (; kept > charactersMax && first < this.#events.length - 1; first += 1) {
      kept -= this.#events[first]?.length ?? 0;
    }
    this.#events = this.#events.slice(first);
    this.#eventsLength = kept;
  }

  #push(data: JsonObject): void {
    this.#seq += 1;
    const { length } = JSON.stringify(data);
    const event = { seq: this.#seq, atMs: this.#clock(), data, length };
    this.#events.push(event);
    this.#eventsLength += length;
    this.#forgetEvents();
    for (const listener of this.#listeners) listener(event);
  }
}
