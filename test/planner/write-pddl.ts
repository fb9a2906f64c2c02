/** Writes a `Problem` as PDDL, for planners that know nothing else. Keep-outs cannot be written. */
import { type Atom, atomParts } from "../../src/core/atom.ts";
import type { Condition } from "../../src/core/condition.ts";
import type { ArgDef, ObjectDef, TransitionDef } from "../../src/core/domain.ts";
import { groundStep } from "../../src/core/outcome.ts";
import type { Problem } from "../../src/planner/plan.ts";
import type { PddlTexts } from "./pddl-tasks.ts";
import { tuples } from "./tasks.ts";

export function writePddl(name: string, problem: Problem): PddlTexts {
  const { transitions, fluents, objects, state, goal } = problem;
  const types = [...new Set(objects.map(({ type }) => type))];
  const texts = JSON.stringify(transitions);
  const usesNames = objects.some((object) => texts.includes(object.name));
  // A definition may name any object: all of them are constants then.
  const declared = objects.map(typedObject).join(" ");
  const prices = problem.cost === undefined ? [] : pricesOf(problem);
  const functions = transitions.map(({ name: of, params }) => `(cost-of-${of} ${typed(params)})`);
  return {
    domain: `(define (domain ${name})
  (:requirements :adl :action-costs)
  (:types ${types.join(" ")} - object)
  (:constants ${usesNames ? declared : ""})
  (:predicates ${fluents.map((each) => `(${each.name} ${typed(each.args)})`).join(" ")})
  (:functions ${prices.length === 0 ? "" : `${functions.join(" ")} - number`} (total-cost) - number)
${transitions.map((def) => action(def, prices.length > 0)).join("\n")})
`,
    problem: `(define (problem ${name}) (:domain ${name})
  (:objects ${usesNames ? "" : declared})
  (:init (= (total-cost) 0) ${[...prices, ...[...state].map(spelled)].join("\n    ")})
  (:goal ${formula({ and: goal })})
  (:metric minimize (total-cost)))
`,
  };
}

function action({ name, params, ...def }: TransitionDef, isPriced: boolean): string {
  const price = isPriced
    ? `(${[`cost-of-${name}`, ...params.map((each) => `?${each.name}`)].join(" ")})`
    : (def.cost ?? 1);
  const effects = [
    ...simple(def),
    ...(def.effects ?? []).map(
      (each) => `(when ${formula(each.when)} (and ${simple(each).join(" ")}))`,
    ),
    `(increase (total-cost) ${price})`,
  ];
  return `  (:action ${name}
    :parameters (${typed(params)})
    :precondition ${formula({ and: def.preconditions })}
    :effect (and ${effects.join(" ")}))`;
}

function simple({ adds, removes }: { adds: readonly Atom[]; removes: readonly Atom[] }): string[] {
  return [...adds.map(spelled), ...removes.map((each) => `(not ${spelled(each)})`)];
}

function formula(condition: Condition): string {
  if ("atom" in condition) {
    return condition.holds ? spelled(condition.atom) : `(not ${spelled(condition.atom)})`;
  }
  if ("not" in condition) return `(not ${formula(condition.not)})`;
  const [word, parts] = "and" in condition ? ["and", condition.and] : ["or", condition.or];
  return `(${[word, ...parts.map(formula)].join(" ")})`;
}

function spelled(text: string): string {
  const { fluent, args } = atomParts(text);
  return `(${[fluent, ...args].join(" ")})`;
}

function typed(args: readonly ArgDef[]): string {
  return args.map(({ name, type }) => `?${name} - ${type}`).join(" ");
}

function typedObject({ name, type }: ObjectDef): string {
  return `${name} - ${type}`;
}

/** What every step costs. */
function pricesOf({ transitions, objects, cost }: Problem): string[] {
  return transitions.flatMap((def) =>
    tuples(def.params, objects).map((tuple) => {
      const values = def.params.map(({ name }, at) => [name, tuple[at] ?? ""]);
      const price = cost?.(groundStep(def, Object.fromEntries(values)));
      return `(= (${[`cost-of-${def.name}`, ...tuple].join(" ")}) ${price})`;
    }),
  );
}
