/** Watches what moves the machine: handlers that begin and end, and what must hold before they do. */
import { BELIEFS_MAX } from "../../src/agent/hand.ts";
import { STARTS_MAX } from "../../src/agent/recovery.ts";
import type { Assignment, AuditId, Result } from "../../src/core/assignment.ts";
import type { ChildWork } from "../../src/core/child.ts";
import type { EntryKey, Fact } from "../../src/core/entry.ts";
import type { Reconciled } from "../../src/core/handlers.ts";
import { rulesFor } from "./plugin.ts";
import type { Stories } from "./stories.ts";
import type { Verdict } from "./verdict.ts";

/** What a run is like for all of its lives. */
export interface Setup {
  readonly concurrency: number;
  readonly hasSafe: boolean;
}

/** What a process of the plugin is like when it is given something to do. */
export interface ChildState {
  readonly isReady: boolean;
  readonly isDoomed: boolean;
  /** The agent may not have heard of it yet. */
  readonly isGone: boolean;
}

type Action = Extract<Assignment, { kind: "action" }>;

export class Motion {
  /** Handlers that run now. */
  readonly #acting = new Map<AuditId, Assignment>();
  readonly #begun = new Map<AuditId, number>();
  /** Actions that were cut off while they acted. */
  readonly #cutOff = new Set<AuditId>();
  readonly #hung = new Set<AuditId>();
  readonly #reconciled = new Map<AuditId, Reconciled["state"]>();
  /** What the agent was told to call off, in this life or durably. */
  readonly #calledOff = new Map<AuditId, { isDurable: boolean }>();
  readonly #everCalledOff = new Set<AuditId>();
  /** An action was cut off, and nobody made the machine safe since. */
  #isInDoubt = false;
  #isPaused = false;
  #isPausedDurably = false;
  readonly #setup: Setup;
  readonly #stories: Stories;
  readonly #verdict: Verdict;

  constructor(setup: Setup, stories: Stories, verdict: Verdict) {
    this.#setup = setup;
    this.#stories = stories;
    this.#verdict = verdict;
  }

  /** In the agent's memory or on its disk. */
  get isPaused(): boolean {
    return this.#isPaused || this.#isPausedDurably;
  }

  isActing(auditId: AuditId): boolean {
    return this.#acting.has(auditId);
  }

  /** It made room for another one, whether or not that was written down. */
  wasCalledOff(key: EntryKey): boolean {
    return this.#everCalledOff.has(key as string as AuditId);
  }

  /** The agent gives a process something to do: this is its last word, it cannot take it back. */
  told(work: ChildWork, child: ChildState): void {
    const what = "assignment" in work ? work.assignment.auditId : work.type;
    if (child.isDoomed) this.#broken("nothing is given to a process that is being ended", what);
    if (!child.isReady) this.#broken("nothing is given to a process that is not ready", what);
    if (work.type === "safe" || child.isGone) return;
    if (this.#isInDoubt) this.#broken("the machine is made safe before anything else", what);
    if (work.type === "run") this.#toldToRun(work.assignment);
  }

  #toldToRun(assignment: Assignment): void {
    const { auditId, kind } = assignment;
    const key = auditId as string as EntryKey;
    if (kind === "action" && this.#isPaused) this.#broken("no action starts while paused", auditId);
    if (this.#calledOff.has(auditId)) this.#broken("what was called off never starts", auditId);
    const starts = this.#stories.durable.get(key)?.starts ?? 0;
    if (starts === 0 || !this.#stories.isAccepted(key, assignment)) {
      this.#broken("started is durable before the handler runs", auditId);
    }
    if (starts <= (this.#begun.get(auditId) ?? 0)) {
      this.#broken("each start of a handler is recorded", auditId);
    }
  }

  /** A handler is called. */
  begins(assignment: Assignment): void {
    const { auditId, kind } = assignment;
    const times = (this.#begun.get(auditId) ?? 0) + 1;
    this.#begun.set(auditId, times);
    const mayRerun = rulesFor(assignment)?.onInterrupted === "rerun";
    if (times > (mayRerun ? STARTS_MAX : 1)) {
      this.#broken("no handler starts twice unless it said so", auditId);
    }
    const beside = [...this.#acting.values()].filter((each) => each.kind === kind);
    if (kind === "belief" && beside.length > BELIEFS_MAX) {
      this.#broken("a few beliefs are observed at once", auditId);
    }
    if (kind === "action" && !this.#fits(assignment, beside as Action[])) {
      this.#broken("what runs together shares nothing", auditId);
    }
    this.#acting.set(auditId, assignment);
  }

  #fits(assignment: Action, beside: readonly Action[]): boolean {
    if (beside.length === 0) return true;
    if (beside.length >= this.#setup.concurrency) return false;
    const uses = rulesFor(assignment)?.uses;
    return beside.every((each) => {
      const others = rulesFor(each)?.uses;
      return uses !== undefined && others !== undefined && !uses.some((u) => others.includes(u));
    });
  }

  ends({ auditId }: Assignment): void {
    this.#acting.delete(auditId);
  }

  /** Its process is gone; `isHung`: its event loop had stood still for as long as it may. */
  cutOff({ auditId, kind }: Assignment, isHung: boolean): void {
    this.#acting.delete(auditId);
    this.#cutOff.add(auditId);
    if (isHung) this.#hung.add(auditId);
    if (kind === "action" && this.#setup.hasSafe) this.#isInDoubt = true;
  }

  secured(): void {
    this.#isInDoubt = false;
  }

  reconciled({ auditId }: Assignment, state: Reconciled["state"]): void {
    this.#reconciled.set(auditId, state);
  }

  /** The agent hears of a cancel. */
  heardCancel(auditId: AuditId): void {
    this.#everCalledOff.add(auditId);
    if (!this.#calledOff.has(auditId)) this.#calledOff.set(auditId, { isDurable: false });
  }

  /** A person's wish has reached the agent. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
  }

  written(facts: readonly Fact[]): void {
    for (const fact of facts) {
      if (fact.type === "paused") this.#isPausedDurably = true;
      if (fact.type === "resumed") this.#isPausedDurably = false;
      if (fact.type !== "cancelled") continue;
      this.#calledOff.set(fact.key as string as AuditId, { isDurable: true });
    }
  }

  /** What the agent did not write down is forgotten. */
  lifeEnded(): void {
    this.#isPaused = this.#isPausedDurably;
    for (const [auditId, { isDurable }] of this.#calledOff) {
      if (!isDurable) this.#calledOff.delete(auditId);
    }
  }

  /** A result leaves the agent: what it says of the handler is what happened. */
  reported({ auditId, kind }: Assignment, { code, interruption, success }: Result): void {
    if (this.isActing(auditId)) this.#broken("nothing acts once its result is reported", auditId);
    if (code === "handler.hung" && !this.#hung.has(auditId)) {
      this.#broken("only what truly hung is judged hung", auditId);
    }
    if (kind !== "action") return;
    const times = this.#begun.get(auditId) ?? 0;
    if (code === "handler.crashed" && !this.#cutOff.has(auditId)) {
      this.#broken("only what was cut off is called cut off", auditId);
    }
    if (success && times === 0 && interruption !== "done")
      this.#broken("what never began is not done", auditId);
    if (success && this.#cutOff.has(auditId) && !["rerun", "done"].includes(interruption ?? "")) {
      this.#broken("a result says that its action was cut off", auditId);
    }
    const told = interruption === "rerun" || interruption === "failed" ? undefined : interruption;
    if (told !== undefined && this.#reconciled.get(auditId) !== told) {
      this.#broken("a result says what the plugin found", auditId);
    }
  }

  #broken(invariant: string, what: string): void {
    this.#verdict.broken(invariant, what);
  }
}
