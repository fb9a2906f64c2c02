/** Writes a `Problem` as PDDL, for planners that know nothing else. Keep-outs cannot be written. */
import { type Atom, atomParts } from "../../src/core/atom.ts";
import type { Condition } from "../../src/core/condition.ts";
import type { ArgDef, TransitionDef } from "../../src/core/domain.ts";
import { groundStep } from "../../src/core/outcome.ts";
import type { Problem } from "../../src/planner/plan.ts";
import type { PddlTexts } from "./pddl-tasks.ts";
import { tuples } from "./tasks.ts";

export function writePddl(name: string, problem: Problem): PddlTexts {
  const { transitions, fluents, objects, state, goal } = problem;
  const types = [...new Set(objects.map(({ type }) => type))];
  const texts = JSON.stringify(transitions);
  // A definition may name any object: all of them are constants then.
  const usesNames = objects.some((object) => texts.includes(object.name));
  const named = objects.map((object) => `${object.name} - ${object.type}`).join(" ");
  const costs = costsOf(problem);
  // Planners of plain STRIPS refuse what they do not know even where it says nothing.
  const isPlain = costs === "unit" && !/"effects"|"or"|"not"|"holds":false/.test(texts);
  const facts = [...state].map(spelled);
  if (costs !== "unit") facts.push("(= (total-cost) 0)", ...pricesOf(problem));
  return {
    domain: define(`domain ${name}`, [
      `(:requirements ${isPlain ? ":strips :typing" : ":adl :action-costs"})`,
      `(:types ${types.join(" ")} - object)`,
      usesNames ? `(:constants ${named})` : "",
      `(:predicates ${fluents.map((each) => `(${each.name} ${typed(each.args)})`).join(" ")})`,
      costs === "unit" ? "" : `(:functions ${functions(problem).join(" ")} - number)`,
      ...transitions.map((def) => action(def, costs)),
    ]),
    problem: define(`problem ${name}`, [
      `(:domain ${name})`,
      usesNames ? "" : `(:objects ${named})`,
      `(:init ${facts.join("\n    ")})`,
      `(:goal ${formula({ and: goal })})`,
      costs === "unit" ? "" : "(:metric minimize (total-cost))",
    ]),
  };
}

function define(what: string, sections: readonly string[]): string {
  const lines = sections.filter((section) => section !== "").map((section) => `  ${section}\n`);
  return `(define (${what})\n${lines.join("")})\n`;
}

/** Every step costs 1, each transition says its own, or the problem is asked. */
type Costs = "unit" | "own" | "asked";

function costsOf({ cost, transitions }: Problem): Costs {
  if (cost !== undefined) return "asked";
  return transitions.every((def) => def.cost === undefined) ? "unit" : "own";
}

function functions({ transitions, cost }: Problem): string[] {
  const asked = transitions.map(({ name, params }) => `(cost-of-${name} ${typed(params)})`);
  return [...(cost === undefined ? [] : asked), "(total-cost)"];
}

function action({ name, params, ...def }: TransitionDef, costs: Costs): string {
  const asked = `(${[`cost-of-${name}`, ...params.map((each) => `?${each.name}`)].join(" ")})`;
  const price = costs === "asked" ? asked : (def.cost ?? 1);
  const effects = [
    ...simple(def),
    ...(def.effects ?? []).map(
      (each) => `(when ${formula(each.when)} (and ${simple(each).join(" ")}))`,
    ),
    ...(costs === "unit" ? [] : [`(increase (total-cost) ${price})`]),
  ];
  return `(:action ${name}
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

/** What every step costs, where that is asked. */
function pricesOf({ transitions, objects, cost }: Problem): string[] {
  if (cost === undefined) return [];
  return transitions.flatMap((def) =>
    tuples(def.params, objects).map((tuple) => {
      const values = def.params.map(({ name }, at) => [name, tuple[at] ?? ""]);
      const price = cost(groundStep(def, Object.fromEntries(values)));
      return `(= (${[`cost-of-${def.name}`, ...tuple].join(" ")}) ${price})`;
    }),
  );
}
