/**
 * The plugin's process as the rules of supervision see it: what it is told, what it tells, how it
 * is ended. The real one is a process behind pipes; the simulation brings its own.
 */
import type { Assignment, AuditId, Result } from "./assignment.ts";
import type { ErrorCode } from "./errors.ts";
import type { ActionRules, HookName, Reconciled } from "./handlers.ts";
import type { JsonObject } from "./json.ts";
import type { Offer } from "./ports.ts";
import type { EventKind } from "./telemetry.ts";

/** What a loaded plugin can do. */
export interface Loaded {
  readonly offer: Offer;
  /** By transition. */
  readonly rules: Readonly<Record<string, ActionRules>>;
  /** It has a `@safe()` method. */
  readonly hasSafe: boolean;
  /** Which of these methods it has. */
  readonly hooks: readonly HookName[];
  /** It has a `shutdown` method: it is asked to close, and ends by itself. */
  readonly hasShutdown: boolean;
}

/** What a child is given to do; each ends in one report, or with the child. */
export type ChildWork =
  | { type: "run"; assignment: Assignment }
  | { type: "reconcile"; assignment: Extract<Assignment, { kind: "action" }> }
  | { type: "safe" }
  | { type: "hook"; name: HookName };

/** Agent to child. Ids count up in each child's life; `abort` names one that was given out. */
export type ChildOrder =
  | (ChildWork & { readonly id: number })
  | { type: "abort"; id: number; code: ErrorCode; reason: string }
  | { type: "pause"; isPaused: boolean }
  /** Shut down, then end. */
  | { type: "close" }
  | { type: "ping" };

/** How work ended. */
export type ChildAnswer =
  | { type: "result"; id: number; result: Result }
  | { type: "reconciled"; id: number; reconciled: Reconciled }
  | { type: "secured"; id: number }
  | { type: "hooked"; id: number }
  /** Reconciling, making safe or a hook did not work. */
  | { type: "failed"; id: number; code: ErrorCode; message: string };

/** What the plugin tells whoever follows the machine. */
export type ChildTelling =
  | { type: "event"; kind: EventKind; auditId?: AuditId; fields: JsonObject }
  /** It measures from now on, or at another interval, or no longer. */
  | { type: "stream"; name: string; intervalMs: number; isOpen: boolean }
  | { type: "sample"; name: string; value: JsonObject };

/** Child to agent. */
export type ChildReport =
  | { type: "ready"; loaded: Loaded }
  | { type: "broken"; code: ErrorCode; message: string }
  /** Its method is about to be called: from here on it may have moved the machine. */
  | { type: "started"; id: number }
  | { type: "progress"; id: number; fraction: number; message: string }
  | ChildAnswer
  | ChildTelling
  /** Its event loop turns; `started` is the last work that had started by then. */
  | { type: "pong"; started: number }
  /**
   * The last report: the process is gone. `how` reads "exit code 1" or "signal SIGSEGV". Not
   * heard out: some starts may not have come through, so whatever was sent counts as started.
   */
  | { type: "ended"; how: string; isHeardOut: boolean };

export interface Child {
  /** Absent: it is a part of this process, which nobody can kill. */
  readonly pid?: number;
  tell(order: ChildOrder): void;
  /** Signals its whole process group. */
  signal(name: "SIGTERM" | "SIGKILL"): void;
  /** Closes its channel, at which it ends by itself and at once. */
  letGo(): void;
}

/**
 * Starts a child, which loads its plugin at once. Never throws: what cannot start reports `broken`
 * and `ended`. Nothing is reported before this returns.
 */
export type SpawnChild = (hear: (report: ChildReport) => void) => Child;
