/** What the planner is asked and what it answers, as plain data. */
import type { Atom } from "../core/atom.ts";
import type { Literal } from "../core/condition.ts";
import type { FluentDef, ObjectDef, StepDef, TransitionDef } from "../core/domain.ts";

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
  /** Keep-outs: a step that this refuses does not exist for the planner. Must be pure. */
  readonly allowed?: (step: GroundStep) => boolean;
}

/** A transition applied to objects. Adds win: an atom it adds is never in `removes`. */
export interface GroundStep extends StepDef {
  readonly adds: readonly Atom[];
  readonly removes: readonly Atom[];
}
