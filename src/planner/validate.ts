/**
 * Checks a plan against the problem it should solve, from the definitions alone. It shares no
 * code with grounding and search, so that a fault there cannot hide itself here.
 */
import { type Atom, atom, atomParts } from "../core/atom.ts";
import { bindCondition, type Condition, conditionText } from "../core/condition.ts";
import type { TransitionDef } from "../core/domain.ts";
import type { GroundStep, Problem } from "./problem.ts";

export type Validation =
  | { readonly valid: true }
  /** `step` counts from 0; the plan's length stands for the goal. */
  | { readonly valid: false; readonly step: number; readonly why: string };

/** Carries the plan out on paper, step by step, and looks at the goal. */
export function validatePlan(problem: Problem, plan: readonly GroundStep[]): Validation {
  const state = new Set<Atom>(problem.state);
  for (const [index, step] of plan.entries()) {
    const why = faultOf(problem, step, state);
    if (why !== undefined) return { valid: false, step: index, why };
    for (const removed of step.removes) state.delete(removed);
    for (const added of step.adds) state.add(added);
  }
  const missed = problem.goal.find((wanted) => state.has(wanted.atom) !== wanted.holds);
  if (missed === undefined) return { valid: true };
  return { valid: false, step: plan.length, why: `the goal ${spell(missed)} is not reached` };
}

/** Why the step cannot be taken in this state; undefined when it can. */
function faultOf(problem: Problem, step: GroundStep, state: ReadonlySet<Atom>): string | undefined {
  const def = problem.transitions.find((each) => each.name === step.transition);
  if (def === undefined) return `there is no transition "${step.transition}"`;
  const badParameter = parameterFault(problem, def, step);
  if (badParameter !== undefined) return badParameter;
  const unmet = def.preconditions.find((condition) => !isMet(condition, step, state));
  if (unmet !== undefined)
    return `it needs ${conditionText(bindCondition(unmet, step.parameters))}`;
  const adds = new Set(def.adds.map((each) => instance(each, step)));
  const removes = new Set(def.removes.map((each) => instance(each, step)).filter(outside(adds)));
  if (!sameAtoms(adds, step.adds)) return "it does not add what its transition adds";
  if (!sameAtoms(removes, step.removes)) return "it does not remove what its transition removes";
  return problem.allowed?.(step) === false ? "it is not allowed" : undefined;
}

function parameterFault(problem: Problem, def: TransitionDef, step: GroundStep) {
  const given = Object.keys(step.parameters);
  const declared = def.params.map(({ name }) => name);
  if (given.join() !== declared.join()) {
    return `it has the parameters (${given.join(", ")}), not (${declared.join(", ")})`;
  }
  for (const { name, type } of def.params) {
    const value = step.parameters[name];
    const object = problem.objects.find((each) => each.name === value);
    if (object === undefined) return `there is no object "${value}"`;
    if (object.type !== type) return `"${value}" is a ${object.type}, not a ${type}`;
  }
  return undefined;
}

function isMet(condition: Condition, step: GroundStep, state: ReadonlySet<Atom>): boolean {
  if ("atom" in condition) return state.has(instance(condition.atom, step)) === condition.holds;
  if ("not" in condition) return !isMet(condition.not, step, state);
  if ("and" in condition) return condition.and.every((each) => isMet(each, step, state));
  return condition.or.some((each) => isMet(each, step, state));
}

function instance(pattern: Atom, { parameters }: GroundStep): Atom {
  const { fluent, args } = atomParts(pattern);
  const value = (arg: string) => (arg.startsWith("?") ? parameters[arg.slice(1)] : undefined);
  return atom(
    fluent,
    args.map((arg) => value(arg) ?? arg),
  );
}

function outside(excluded: ReadonlySet<Atom>): (each: Atom) => boolean {
  return (each) => !excluded.has(each);
}

function sameAtoms(expected: ReadonlySet<Atom>, given: readonly Atom[]): boolean {
  return expected.size === new Set(given).size && given.every((each) => expected.has(each));
}

function spell({ atom: text, holds }: { atom: Atom; holds: boolean }): string {
  return holds ? text : `not ${text}`;
}
