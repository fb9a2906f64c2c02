/** The interfaces between rooms. Whoever composes the agent hands these in. */
import type { Assignment, AuditId, Result } from "./assignment.ts";
import type { Atom } from "./atom.ts";
import type { Command } from "./catalogue.ts";
import type { Domain } from "./domain.ts";
import type { EntryKey, Fact } from "./entry.ts";
import type { ErrorCode } from "./errors.ts";
import type { AgentEvent } from "./events.ts";
import type { ActionRules, HookName, HookOutcome, Reconciled } from "./handlers.ts";
import type { Json } from "./json.ts";

/** What a plugin can do and what it brings along. */
export interface Offer {
  readonly transitions: readonly string[];
  readonly fluents: readonly string[];
  /** Names of vocabularies that the backend should know, as its dialect spells them. */
  readonly domainModules: readonly string[];
  /** The vocabulary that the plugin's own handlers use. */
  readonly vocabulary: Domain;
  /** The files that this vocabulary is from, as far as they are known. */
  readonly vocabularyFiles?: readonly string[] | undefined;
  /** Transitions of it with costs or scripts that are code and did not come along. */
  readonly coded?: readonly string[] | undefined;
  /** What its transitions are called with; absent: not known. */
  readonly catalogue?: readonly Command[] | undefined;
  readonly startState: readonly Atom[];
  readonly startGoal: readonly Atom[];
}

/** Why an assignment is not for now, as the backend's own rules have it. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly problem: string;
}

export type Directive =
  /**
   * `via` names the registration that received it: the result goes back there first. `reply` is
   * what the backend needs to answer it, in its own terms: it is kept with the assignment. With a
   * `refusal` it never runs: that is its answer, unless it is known already and has its own.
   */
  | { type: "assign"; assignment: Assignment; via: string; reply?: Json; refusal?: Refusal }
  /** Call it off: never start it, or tell its handler to stop. May come more than once. */
  | { type: "cancel"; auditId: AuditId; reason: string }
  /** No action shall start until `resume`; whoever asks for it hears nothing more. */
  | { type: "pause"; reason: string }
  | { type: "resume" }
  /** The plugin's own method of that name shall run, beside whatever does: `settle` hears how it ended. */
  | { type: "hook"; name: HookName; settle(outcome: HookOutcome): void }
  | { type: "malformed"; reason: string }
  /** The backend answered and had nothing to hand out. */
  | { type: "idle" };

/** What the servant can take now; a backend that cannot tell them apart hands out either kind. */
export interface Intake {
  readonly actions: boolean;
  readonly beliefs: boolean;
  /** This action would start at once, beside what runs; `actions` is true for one that would wait, too. */
  startsNow(transition: string): boolean;
  /** Paused by whoever may: no action is taken or started. */
  readonly paused: boolean;
  /**
   * The audit ids that are here and not yet delivered, latest first; a few are enough. A backend
   * that understands hands out again what got lost on its way. Absent: not told.
   */
  readonly holds?: readonly AuditId[] | undefined;
  /** Resolves when either may have changed, or at the abort. */
  changed(signal: AbortSignal): Promise<void>;
}

/** A finished result on its way to the backend. */
export interface Delivery {
  readonly key: EntryKey;
  readonly kind: Assignment["kind"];
  readonly result: Result;
  readonly via: string;
  /** As the assignment brought it. */
  readonly reply?: Json;
  /** Why it was called off while it ran, however it ended then. */
  readonly cancelled?: string;
}

export interface Backend {
  /** The backend's URL and session: what a journal entry belongs to. */
  readonly origin: string;
  /**
   * True: without room nothing at all is handed out, and cancels are told all the same. It is followed
   * while the servant drains, too.
   */
  readonly heedsRoom?: boolean;
  /** Resolves to the name of this registration. */
  register(offer: Offer, signal: AbortSignal): Promise<string>;
  /**
   * Polled, pushed or served: same shape. Nothing is asked for that `intake` has no room for;
   * cancels arrive all the same where the backend can tell them. Throws a ServantError at the
   * first failure; a new call goes on from there.
   */
  directives(intake: Intake, signal: AbortSignal): AsyncIterable<Directive>;
  /** At least once; resolves when the backend has taken it. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<void>;
}

export interface Runner {
  readonly offer: Offer;
  /** What the plugin's actions say of themselves, by transition. */
  readonly rules: Readonly<Record<string, ActionRules>>;
  /** False while the plugin's process is replaced, and until the machine is known to be safe. */
  readonly isReady: boolean;
  /** Resolves when `isReady` may have changed, or at the abort. */
  changed(signal: AbortSignal): Promise<void>;
  /**
   * Waits until it is ready, then runs the handler. Rejects with a ServantError when the handler
   * could not run to its end: `handler.crashed` and `handler.interrupted` leave it in doubt.
   */
  run(assignment: Assignment, signal: AbortSignal): Promise<Result>;
  /** Asks the plugin what became of an action that was cut off. */
  reconcile(
    assignment: Extract<Assignment, { kind: "action" }>,
    signal: AbortSignal,
  ): Promise<Reconciled>;
  /** Calls the plugin's own method of that name, beside whatever runs. Never rejects. */
  hook(name: HookName): Promise<HookOutcome>;
  /** Tells the handlers: `ctx.paused`. Their time limits stand still meanwhile. */
  setPaused(isPaused: boolean): void;
  /** From now on no action starts: one that waits for its process is answered `agent.draining`. */
  drain(): void;
  close(): Promise<void>;
}

/**
 * "now" commits at once. "soon" rides along with the next commit and waits a few milliseconds for
 * one at most. "lazy" waits longer, for others of its kind; whoever appends it does not wait at all.
 */
export type Urgency = "now" | "soon" | "lazy";

export interface Journal {
  /**
   * Resolves when every fact is durable, all or none; for "lazy" facts, at once.
   *
   * @throws {ServantError} `journal.full`
   */
  append(facts: readonly Fact[], urgency?: Urgency): Promise<void>;
  /** The facts of every unfinished entry, each one's oldest first, and the machine's own. */
  replay(): AsyncIterable<Fact>;
  /** Finished entries that wait for the backend, as their acceptance is ordered: one page. */
  waiting(from: number, limit: number): Promise<WaitingPage>;
  countWaiting(): Promise<number>;
  /**
   * Every fact of one entry, oldest first: those that are appended but not yet durable too, or an
   * assignment that comes twice within one commit would run twice.
   */
  story(key: EntryKey): Promise<readonly Fact[]>;
  close(): Promise<void>;
}

/** Neither an entry whose delivery waits for its commit is here, nor one whose finish does. */
export interface WaitingPage {
  readonly stories: readonly (readonly Fact[])[];
  /** Where the next page begins; undefined after the last one. The first begins at 0. */
  readonly next: number | undefined;
}

export interface Clock {
  /** Wall time in epoch milliseconds: may jump. */
  now(): number;
  /** Milliseconds that only grow, from an arbitrary start. */
  monotonic(): number;
  /** Resolves after `ms`, or at the abort, whichever is first; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Bus {
  publish(event: AgentEvent): void;
  /** Returns the function that ends the listening. A listener that throws is dropped. */
  listen(listener: (event: AgentEvent) => void): () => void;
}
