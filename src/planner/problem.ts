/** What the planner is asked and what it answers, as plain data. */
import type { Atom } from "../core/atom.ts";
import type { Literal } from "../core/condition.ts";
import type { FluentDef, ObjectDef, TransitionDef } from "../core/domain.ts";
import type { GroundStep } from "../core/outcome.ts";

export type { GroundStep } from "../core/outcome.ts";

export interface Problem {
  readonly transitions: readonly TransitionDef[];
  readonly fluents: readonly FluentDef[];
  readonly objects: readonly ObjectDef[];
  /**
   * Every true atom: what is absent is false. Groundings of a fluent that defaults to true are
   * listed here by the caller when they hold.
   */
  readonly state: ReadonlySet<Atom>;
  readonly goal: readonly Literal[];
  /**
   * Keep-outs: a step of which this is not true does not exist for the planner. A text says why
   * not, as `relaxation` is to tell it. Must be pure.
   */
  readonly allowed?: (step: GroundStep) => boolean | string;
  /**
   * What a step costs: a number, zero or more, the same in every state. Absent: what the transition
   * says, else 1. Asked once of each step that may be taken. Must be pure.
   */
  readonly cost?: (step: GroundStep) => number;
}

/** Why a part of the goal cannot be had. */
export type Blocker =
  /** The goal names a fluent or an object that is not there. */
  | "unknown"
  /** No transition makes the atom what the goal wants. */
  | "no_transition"
  /** Every step that would do it is refused by `allowed`. */
  | "refused"
  /** Every step that would do it needs something that cannot be had. */
  | "needs"
  /** It excludes another part of the goal, both are never true together. */
  | "mutex"
  /** Each part can be had, this one not beside the rest. */
  | "together";

export interface Blocked extends Literal {
  readonly why: Blocker;
  /** The same in plain words: `nothing makes no_entry(room_one) true`. */
  readonly detail: string;
}

/** What can be had of a goal that cannot be had whole. */
export interface Relaxation {
  /** The parts of the goal that were given up, in the order of the goal. */
  readonly blocking: readonly Blocked[];
  /** The rest of the goal. */
  readonly goal: readonly Literal[];
  /** A plan for the rest; empty when it holds already, null when there was no time to find one. */
  readonly plan: readonly GroundStep[] | null;
}
