/**
 * Reads PDDL (typed STRIPS and much of ADL, with action costs) as a `Problem`, and writes plans the way
 * other planners do.
 *
 * @example
 * const task = readPddl(new PddlSource("a.pddl", domain), new PddlSource("b.pddl", problem));
 * const { plan } = await findPlan(task.problem, { clock });
 * if (plan !== null) print(planText(task, plan)); // (move a b) ... ; cost = 3 (unit cost)
 */
import { type Atom, atom } from "../../core/atom.ts";
import type { Condition, Literal } from "../../core/condition.ts";
import type { TransitionDef } from "../../core/domain.ts";
import type { GroundStep, Problem } from "../problem.ts";
import { type Amount, amountOf } from "./amount.ts";
import type { Parameter } from "./formula.ts";
import { EQUALS } from "./names.ts";
import type { Source } from "./source.ts";
import { type Action, readTask, type Task } from "./task.ts";
import { type Flat, flatten } from "./types.ts";

export { Source as PddlSource, TEXT_MAX } from "./source.ts";

/** The step that ends a plan whose goal is more than a list of atoms, and the atom that it makes true. */
const GOAL = ":goal";

export interface PddlTask {
  /** The name of the domain, and that of the problem. */
  readonly domain: string;
  readonly name: string;
  readonly problem: Problem;
  /** False when every action costs 1. */
  readonly hasCosts: boolean;
  /** What a person reads for a step; undefined for one that no PDDL action stands for. */
  readonly actionOf: (step: GroundStep) => PddlAction | undefined;
  /** A planner's words without the names that stand in no text. */
  readonly wordsOf: (detail: string) => string;
}
export interface PddlAction {
  readonly action: string;
  readonly arguments: readonly string[];
}

/**
 * The problem that a domain and a problem in PDDL make.
 *
 * @throws {ServantError} `pddl.malformed`, `pddl.unsupported`, with line and column.
 */
export function readPddl(domainText: Source, problemText: Source): PddlTask {
  const task = readTask(domainText, problemText);
  const { names, actions, goalParameters, hasCosts } = task;
  const wanted = [...actions.flatMap(({ parameters }) => parameters), ...goalParameters];
  const taken = wanted.map(({ types }) => types);
  const flat = flatten(names.types, names.objects, taken);
  const goal = goalOf(task, flat);
  const transitions = actions.map((each) => toTransition(task, flat, each));
  const equal = names.comparesObjects ? [...names.objects.keys()] : [];
  const declared = new Map(actions.map((each) => [each.name, each.declared]));
  return {
    domain: task.domain,
    name: task.name,
    hasCosts,
    problem: {
      transitions: [...transitions, ...goal.transitions],
      fluents: [...[...names.predicates.keys(), GOAL].map(toFluent)],
      objects: [...names.objects.keys()].map((name) => ({
        name,
        type: flat.typeOf(name),
        fields: {},
      })),
      state: new Set([
        ...task.state,
        ...equal.map((name) => atom(EQUALS, [name, name])),
        ...flat.atoms(),
        ...goal.state,
      ]),
      goal: goal.literals,
      ...pricesOf(task),
    },
    wordsOf: (detail) => detail.replaceAll(GOAL, "the goal"),
    actionOf: ({ transition, parameters }) => {
      const count = declared.get(transition);
      if (count === undefined) return undefined;
      return { action: transition, arguments: Object.values(parameters).slice(0, count) };
    },
  };
}

/** A plan as a file that other planners and validators read. */
export function planText(task: PddlTask, plan: readonly GroundStep[], cost: number): string {
  const lines = plan.flatMap((step) => {
    const shown = task.actionOf(step);
    return shown === undefined ? [] : [`(${[shown.action, ...shown.arguments].join(" ")})`];
  });
  const kind = task.hasCosts ? "general" : "unit";
  return `${[...lines, `; cost = ${cost} (${kind} cost)`].join("\n")}\n`;
}

/** Only its name matters: what may stand in it was checked where it stands. */
function toFluent(name: string) {
  return { name, args: [], default: false };
}

function toTransition({ hasCosts }: Task, flat: Flat, action: Action): TransitionDef {
  const { name, parameters, precondition, effects } = action;
  const { params, tests } = bound(flat, parameters);
  const { adds, removes, conditional, costs } = effects;
  const fixed = costs.filter((each) => typeof each === "number").reduce((a, b) => a + b, 0);
  return {
    name,
    params,
    preconditions: [...tests, ...partsOf(precondition)],
    adds,
    removes,
    ...(conditional.length === 0 ? {} : { effects: conditional }),
    ...(hasCosts ? { cost: fixed } : {}),
  };
}

function bound(flat: Flat, parameters: readonly Parameter[]) {
  const params = parameters.map(({ name, types }) => ({ ...flat.ofParameter(types), name }));
  const tests = params.flatMap(({ name, test }): Literal[] =>
    test === undefined ? [] : [{ atom: atom(test, [name]), holds: true }],
  );
  return { params: params.map(({ name, type }) => ({ name: name.slice(1), type })), tests };
}

function partsOf(condition: Condition): readonly Condition[] {
  return "and" in condition ? condition.and : [condition];
}

/** A goal that is more than literals is what one last step needs, which costs nothing. */
function goalOf({ goal, goalParameters }: Task, flat: Flat) {
  const parts = partsOf(goal);
  const literals = parts.filter((part): part is Literal => "atom" in part);
  const isPlain = literals.length === parts.length && goalParameters.length === 0;
  if (isPlain && parts.length > 0) return { transitions: [], state: [], literals };
  const reached = atom(GOAL);
  const { params, tests } = bound(flat, goalParameters);
  const preconditions = [...tests, ...parts];
  const last = { name: GOAL, params, preconditions, adds: [reached], removes: [], cost: 0 };
  return {
    transitions: [last],
    // A goal that asks for nothing is reached.
    state: isPlain && parts.length === 0 ? [reached] : [],
    literals: [{ atom: reached, holds: true }],
  };
}

/** Costs that depend on a step's parameters; a step whose cost has no value cannot be taken. */
function pricesOf({ actions, hasCosts, values }: Task): Pick<Problem, "cost" | "allowed"> {
  const byAction = new Map(actions.map(({ name, effects }) => [name, effects.costs]));
  const isFixed = [...byAction.values()].flat().every((each) => typeof each === "number");
  if (!hasCosts || isFixed) return {};
  const priceOf = ({ transition, parameters }: GroundStep) => {
    const amounts = (byAction.get(transition) ?? []).map((each: Amount) =>
      amountOf(each, values as ReadonlyMap<Atom, number>, parameters),
    );
    return amounts.reduce((sum, each) => (sum ?? 0) + (each ?? Number.NaN), 0) ?? 0;
  };
  return {
    cost: priceOf,
    allowed: (step) => !Number.isNaN(priceOf(step)) || "the problem gives its cost no value",
  };
}
