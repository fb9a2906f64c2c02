/**
 * Checks a plan against the problem it should solve, from the definitions alone. It shares no
 * code with grounding and search, so that a fault there cannot hide itself here.
 */
import { type Atom, atom, atomParts } from "../core/atom.ts";
import { type Condition, conditionText, type Literal } from "../core/condition.ts";
import type { ConditionalEffect, TransitionDef } from "../core/domain.ts";
import type { GroundStep, Problem } from "./problem.ts";

export type Validation =
  /** `cost` is what the steps cost together. */
  | { readonly valid: true; readonly cost: number }
  /** `step` counts from 0; the plan's length stands for the goal. */
  | { readonly valid: false; readonly step: number; readonly why: string };

/** Carries the plan out on paper, step by step, and looks at the goal. */
export function validatePlan(problem: Problem, plan: readonly GroundStep[]): Validation {
  const state = new Set<Atom>(problem.state);
  const objects = new Map(problem.objects.map(({ name, type }) => [name, type]));
  const transitions = new Map(problem.transitions.map((each) => [each.name, each]));
  let cost = 0;
  for (const [index, step] of plan.entries()) {
    const fault = (why: string) => ({ valid: false, step: index, why }) as const;
    const def = transitions.get(step.transition);
    if (def === undefined) return fault(`there is no transition "${step.transition}"`);
    const why =
      parameterFault(objects, def, step) ??
      needFault(def, step, state) ??
      effectFault(def, step) ??
      permissionFault(problem, step);
    if (why !== undefined) return fault(why);
    const price = problem.cost === undefined ? (def.cost ?? 1) : problem.cost(step);
    if (!(price >= 0 && price < Number.POSITIVE_INFINITY)) return fault(`it costs ${price}`);
    if (step.cost !== undefined && step.cost !== price) {
      return fault(`it costs ${price}, not ${step.cost}`);
    }
    cost += price;
    take(def, step, state);
  }
  const missed = problem.goal.find((wanted) => state.has(wanted.atom) !== wanted.holds);
  if (missed === undefined) return { valid: true, cost };
  return { valid: false, step: plan.length, why: `the goal ${spell(missed)} is not reached` };
}

function parameterFault(
  objects: ReadonlyMap<string, string>,
  def: TransitionDef,
  { parameters }: GroundStep,
): string | undefined {
  const given = Object.keys(parameters);
  const declared = required(def).map(({ name }) => name);
  if (given.join() !== declared.join()) {
    return `it has the parameters (${given.join(", ")}), not (${declared.join(", ")})`;
  }
  for (const { name, type } of required(def)) {
    const value = parameters[name] ?? "";
    const actual = objects.get(value);
    if (actual === undefined) return `there is no object "${value}"`;
    if (actual !== type) return `"${value}" is a ${actual}, not a ${type}`;
  }
  return undefined;
}

/** A planner leaves out what may be left out. */
function required({ params }: TransitionDef) {
  return params.filter(({ optional }) => optional !== true);
}

function needFault(def: TransitionDef, step: GroundStep, state: ReadonlySet<Atom>) {
  const needs = def.preconditions.map((condition) => filled(condition, step));
  const unmet = needs.find((condition) => !isTrue(condition, state));
  return unmet === undefined ? undefined : `it needs ${conditionText(unmet)}`;
}

function effectFault(def: TransitionDef, step: GroundStep): string | undefined {
  const adds = instances(def.adds, step);
  const removes = instances(def.removes, step).filter((each) => !adds.includes(each));
  if (spellSet(adds) !== spellSet(step.adds)) {
    return "it does not add what its transition adds";
  }
  if (spellSet(removes) !== spellSet(step.removes)) {
    return "it does not remove what its transition removes";
  }
  const conditional = (def.effects ?? []).map((effect) => ({
    when: filled(effect.when, step),
    adds: instances(effect.adds, step),
    removes: instances(effect.removes, step),
  }));
  return spellEffects(conditional) === spellEffects(step.effects ?? [])
    ? undefined
    : "it does not have the conditional effects of its transition";
}

function permissionFault({ allowed }: Problem, step: GroundStep): string | undefined {
  const verdict = allowed?.(step) ?? true;
  if (verdict === true) return undefined;
  return verdict === false ? "it is not allowed" : `it is not allowed: ${verdict}`;
}

/** What the definition says happens: judged before the step, first lost, then gained. */
function take(def: TransitionDef, step: GroundStep, state: Set<Atom>): void {
  const happening = [
    { adds: def.adds, removes: def.removes },
    ...(def.effects ?? []).filter(({ when }) => isTrue(filled(when, step), state)),
  ];
  for (const { removes } of happening) {
    for (const each of instances(removes, step)) state.delete(each);
  }
  for (const { adds } of happening) for (const each of instances(adds, step)) state.add(each);
}

function isTrue(condition: Condition, state: ReadonlySet<Atom>): boolean {
  if ("atom" in condition) return state.has(condition.atom) === condition.holds;
  if ("not" in condition) return !isTrue(condition.not, state);
  if ("and" in condition) return condition.and.every((each) => isTrue(each, state));
  return condition.or.some((each) => isTrue(each, state));
}

function filled(condition: Condition, step: GroundStep): Condition {
  if ("atom" in condition) return { atom: instance(condition.atom, step), holds: condition.holds };
  if ("not" in condition) return { not: filled(condition.not, step) };
  if ("and" in condition) return { and: condition.and.map((each) => filled(each, step)) };
  return { or: condition.or.map((each) => filled(each, step)) };
}

function instances(patterns: readonly Atom[], step: GroundStep): Atom[] {
  return [...new Set(patterns.map((each) => instance(each, step)))];
}

function instance(pattern: Atom, { parameters }: GroundStep): Atom {
  const { fluent, args } = atomParts(pattern);
  const value = (arg: string) => (arg.startsWith("?") ? parameters[arg.slice(1)] : undefined);
  return atom(
    fluent,
    args.map((arg) => value(arg) ?? arg),
  );
}

function spellSet(atoms: readonly Atom[]): string {
  return [...new Set(atoms)].sort().join(" ");
}

function spellEffects(effects: readonly ConditionalEffect[]): string {
  return effects
    .map(({ when, adds, removes }) =>
      [conditionText(when), spellSet(adds), spellSet(removes)].join(" > "),
    )
    .join("; ");
}

function spell({ atom: text, holds }: Literal): string {
  return holds ? text : `not ${text}`;
}
