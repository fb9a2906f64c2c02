/**
 * Why each step of a plan is in it: what it needs and which step brought that about, and what of
 * what it does is needed later. Each need is linked to the last step before it that made it so.
 */
import type { Atom } from "../core/atom.ts";
import { bindCondition, type Condition, isMet, type Literal } from "../core/condition.ts";
import type { TransitionDef } from "../core/domain.ts";
import { type GroundStep, outcome } from "../core/outcome.ts";
import type { Problem } from "./problem.ts";

export interface Need extends Literal {
  /** The step that made it so, counted from 0; absent when it was so before the first. */
  readonly from?: number;
}
export interface Service extends Literal {
  /** The step that needs it; absent when the goal does. */
  readonly to?: number;
}
export interface CausalLinks {
  readonly needs: readonly Need[];
  readonly serves: readonly Service[];
}

/**
 * The links of each step, as the problem has it. A need that does not hold where it should has none: a
 * plan that is no plan is told as far as it goes.
 *
 * @example
 * const [first] = causalLinks(problem, [move, pick]);
 * first?.serves; // [{ atom: "robot_at(room_two)", holds: true, to: 1 }]
 */
export function causalLinks(
  { transitions, state, goal }: Pick<Problem, "transitions" | "state" | "goal">,
  plan: readonly GroundStep[],
): CausalLinks[] {
  const defs = new Map(transitions.map((each) => [each.name, each]));
  const links = plan.map(() => ({ needs: [] as Need[], serves: [] as Service[] }));
  const now = new Set(state);
  /** The step that gave an atom the truth that it has now. */
  const madeBy = new Map<Atom, number>();
  const linked = (literal: Literal, to: { readonly to?: number }) => {
    const from = madeBy.get(literal.atom);
    if (from === undefined) return {};
    links[from]?.serves.push({ ...literal, ...to });
    return { from };
  };
  for (const [index, step] of plan.entries()) {
    const wanted = needsOf(step, defs.get(step.transition), now);
    const reasons = distinct(wanted.flatMap((each) => reasonsFor(each, true, now) ?? []));
    for (const literal of reasons) {
      links[index]?.needs.push({ ...literal, ...linked(literal, { to: index }) });
    }
    const { adds, removes } = outcome(step, now);
    for (const atom of removes) if (now.delete(atom)) madeBy.set(atom, index);
    for (const atom of adds) {
      if (now.has(atom)) continue;
      now.add(atom);
      madeBy.set(atom, index);
    }
  }
  for (const literal of distinct(goal)) {
    if (now.has(literal.atom) === literal.holds) linked(literal, {});
  }
  return links;
}

/** What is to hold for the step to be taken, and for what it does besides. */
function needsOf(
  { parameters, effects = [] }: GroundStep,
  def: TransitionDef | undefined,
  state: ReadonlySet<Atom>,
): Condition[] {
  const needs = def?.preconditions.map((each) => bindCondition(each, parameters)) ?? [];
  const fired = effects.filter(({ when }) => isMet(when, (atom) => state.has(atom)));
  return [...needs, ...fired.map(({ when }) => when)];
}

/** Literals that hold and by which the condition is what it `is` to be; undefined when it is not. */
function reasonsFor(
  condition: Condition,
  is: boolean,
  state: ReadonlySet<Atom>,
): readonly Literal[] | undefined {
  if ("atom" in condition) {
    const holds = condition.holds === is;
    return state.has(condition.atom) === holds ? [{ atom: condition.atom, holds }] : undefined;
  }
  if ("not" in condition) return reasonsFor(condition.not, !is, state);
  const [parts, isAll] = "and" in condition ? [condition.and, is] : [condition.or, !is];
  if (!isAll) {
    for (const part of parts) {
      const found = reasonsFor(part, is, state);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const found = parts.map((part) => reasonsFor(part, is, state));
  return found.every((each) => each !== undefined) ? found.flat() : undefined;
}

function distinct(literals: readonly Literal[]): Literal[] {
  return [...new Map(literals.map((each) => [`${each.holds} ${each.atom}`, each])).values()];
}
