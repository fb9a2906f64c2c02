/** What handlers return. */
import type { Atom } from "../core/atom.ts";
import { BELIEF_RESULT, RECONCILE, type Reconciled } from "../core/handlers.ts";
import type { Json } from "../core/json.ts";

/** Atoms that hold, or atom text with whether it holds. */
export type Observed = readonly (Atom | string)[] | Readonly<Record<string, boolean>>;

/** The telling form of an action's outcome; `success: false` is a failure. */
export interface ActionOutcome {
  readonly success: boolean;
  readonly message?: string;
  readonly telemetry?: Readonly<Record<string, Json>>;
  readonly observed?: Observed;
}

/** Nothing means success. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may simply return
export type ActionReturn = ActionOutcome | boolean | void | null;
export type BeliefReturn = BeliefResult;

type BeliefKind = "acquired" | "sole" | "unchecked" | "failed";

/** What an observation found out. Made by its four static methods. */
export class BeliefResult {
  readonly [BELIEF_RESULT] = true;
  readonly kind: BeliefKind;
  readonly observed: Observed;
  readonly message: string;

  private constructor(kind: BeliefKind, observed: Observed, message: string) {
    this.kind = kind;
    this.observed = observed;
    this.message = message;
  }

  /** These atoms were seen; others of the fluent stay as they were believed. */
  static acquired(observed: Observed): BeliefResult {
    return new BeliefResult("acquired", observed, "");
  }

  /** This atom holds, and no other grounding of its fluent. */
  static sole(atom: Atom | string): BeliefResult {
    return new BeliefResult("sole", [atom], "");
  }

  /** It could not be looked at; what was believed stays. */
  static unchecked(message = ""): BeliefResult {
    return new BeliefResult("unchecked", [], message);
  }

  /** Looking failed: the step before it is not confirmed. */
  static failed(message: string): BeliefResult {
    return new BeliefResult("failed", [], message);
  }
}

/** What became of an action that was cut off. Made by its three static methods. */
export class Reconcile implements Reconciled {
  readonly [RECONCILE] = true;
  readonly state: Reconciled["state"];
  readonly message: string;

  private constructor(state: Reconciled["state"], message: string) {
    this.state = state;
    this.message = message;
  }

  /** The world shows all that the action makes true: it succeeded. */
  static done(message = ""): Reconcile {
    return new Reconcile("done", message);
  }

  /** The world is as it was before. */
  static notDone(message = ""): Reconcile {
    return new Reconcile("not-done", message);
  }

  /** Something in between: a person, or a new plan, must see to it. */
  static partly(message = ""): Reconcile {
    return new Reconcile("partly", message);
  }
}
