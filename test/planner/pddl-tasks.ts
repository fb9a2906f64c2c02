/**
 * Small random tasks in PDDL: a tree of types, constants, equality, negative and disjunctive
 * conditions, quantifiers, conditional effects, costs that are numbers or depend on objects. Each is
 * small enough for a search that sees every state.
 */

import { type Atom, atom } from "../../src/core/atom.ts";
import { bindCondition } from "../../src/core/condition.ts";
import { groundStep } from "../../src/core/outcome.ts";
import { PddlSource, readPddl } from "../../src/planner/pddl/read.ts";
import type { Problem } from "../../src/planner/plan.ts";
import { Dice } from "./dice.ts";
import { after, holds, tuples } from "./tasks.ts";

export interface PddlTexts {
  readonly domain: string;
  readonly problem: string;
}

/** Each type with what it is besides; `object` is the root. */
const TYPES = {
  object: [],
  animal: ["object"],
  cat: ["animal", "object"],
  dog: ["animal", "object"],
};
type Type = keyof typeof TYPES | "toy";
const ALL: readonly Type[] = ["object", "animal", "cat", "dog", "toy"];
/** More ground atoms make too many states. */
const ATOMS_MAX = 18;

interface Named {
  readonly name: string;
  readonly type: Type;
}
interface Predicate {
  readonly name: string;
  readonly args: readonly Type[];
}

/** The task of a seed: the same seed gives the same texts. */
export function pddlTask(seed: number): PddlTexts {
  return new Maker(seed).task();
}

function isA(own: Type, wanted: Type): boolean {
  if (own === wanted || wanted === "object") return true;
  return own !== "toy" && (TYPES[own] as readonly string[]).includes(wanted);
}

class Maker {
  readonly #seed: number;
  readonly #dice: Dice;
  readonly #objects: readonly Named[];
  readonly #constants: readonly Named[];
  readonly #predicates: readonly Predicate[];
  readonly #hasCosts: boolean;

  constructor(seed: number) {
    this.#seed = seed;
    this.#dice = new Dice(seed);
    const many = (type: Type, least: number, most: number) =>
      Array.from({ length: this.#dice.int(least, most) }, (_, at) => ({
        name: `${type}${at}`,
        type,
      }));
    this.#objects = [...many("cat", 1, 2), ...many("dog", 0, 1), ...many("toy", 0, 2)];
    this.#constants = this.#dice.int(0, 1) === 0 ? [] : this.#objects.slice(0, 1);
    this.#hasCosts = this.#dice.int(0, 1) === 0;
    const predicates: Predicate[] = [];
    let atoms = 0;
    for (const name of ["p", "q", "r", "s", "t", "u"]) {
      const args = this.#dice.many(0, 2, () => this.#dice.pick(ALL));
      const count = args.reduce((product, type) => product * this.#of(type).length, 1);
      if (atoms + count > ATOMS_MAX) continue;
      atoms += count;
      predicates.push({ name, args });
    }
    this.#predicates = predicates;
  }

  task(): PddlTexts {
    const actions = this.#dice.many(5, 10, (at) => this.#action(at)).join("\n");
    const plain = this.#objects.slice(this.#constants.length);
    const atoms = this.#predicates.flatMap(({ name, args }) =>
      this.#tuples(args).map((tuple) => `(${[name, ...tuple].join(" ")})`),
    );
    const state = atoms.filter(() => this.#dice.int(0, 1) === 0);
    const prices = this.#objects.map(({ name }) => `(= (price ${name}) ${this.#dice.int(0, 4)})`);
    const domain = `(define (domain random-${this.#seed})
  (:requirements :adl :action-costs)
  (:types cat dog - animal animal toy - object)
  (:constants ${typedNames(this.#constants)})
  (:predicates ${this.#predicates.map(declared).join(" ")})
  (:functions (price ?x - object) - number (total-cost) - number)
${actions})
`;
    const withGoal = (goal: string) => ({
      domain,
      problem: `(define (problem random-${this.#seed}) (:domain random-${this.#seed})
  (:objects ${typedNames(plain)})
  (:init (= (total-cost) 0) ${prices.join(" ")}
    ${state.join(" ")})
  (:goal ${goal})
  ${this.#hasCosts ? "(:metric minimize (total-cost))" : ""})
`,
    });
    return withGoal(this.#goal(withGoal, atoms));
  }

  /** What became different on a random walk, so that it can be had; often with something else besides. */
  #goal(withGoal: (goal: string) => PddlTexts, atoms: readonly string[]): string {
    const { domain, problem } = withGoal("(and)");
    const task = readPddl(new PddlSource("domain", domain), new PddlSource("problem", problem));
    const state = this.#walk(task.problem);
    const literal = (text: string, holds: boolean) => (holds ? text : `(not ${text})`);
    const holdsIn = (where: ReadonlySet<Atom>, text: string) => where.has(atomOf(text));
    const changed = atoms.filter((a) => holdsIn(state, a) !== holdsIn(task.problem.state, a));
    const reached = this.#dice.many(2, 5, () =>
      this.#dice.pick(changed.length > 0 ? changed : atoms),
    );
    const parts = reached.map((a) => literal(a, holdsIn(state, a)));
    if (changed.length === 0 || this.#dice.int(0, 1) === 0) {
      const other = this.#dice.pick(atoms);
      parts.push(literal(other, !holdsIn(task.problem.state, other)));
    }
    if (this.#dice.int(0, 9) === 0) parts.push(this.#formula([]));
    return `(and ${parts.join(" ")})`;
  }

  /** The state after a few random steps. */
  #walk({ transitions, objects, state }: Problem): ReadonlySet<Atom> {
    const steps = transitions.flatMap((def) =>
      tuples(def.params, objects).map((tuple) => {
        const values = Object.fromEntries(
          def.params.map(({ name }, at) => [name, tuple[at] ?? ""]),
        );
        const needs = def.preconditions.map((each) => bindCondition(each, values));
        return { needs, step: groundStep(def, values) };
      }),
    );
    let now = state;
    for (let left = this.#dice.int(5, 30); left > 0; left--) {
      const here = now;
      const possible = steps.filter(({ needs }) => holds(here, needs));
      if (possible.length === 0) return now;
      now = after(now, this.#dice.pick(possible).step);
    }
    return now;
  }

  #action(at: number): string {
    const params = this.#dice.many(0, 3, (index) => ({
      name: `?x${index}`,
      type: this.#dice.pick(ALL),
    }));
    const conditions = this.#dice.many(1, 3, () => this.#formula(params));
    const price =
      params[0] && this.#dice.int(0, 1) === 0 ? `(price ${params[0].name})` : this.#dice.int(0, 5);
    const effects = [
      ...this.#dice.many(1, 2, () => this.#literal(params, 3)),
      ...this.#dice.many(0, 2, () => this.#conditional(params)),
      ...(this.#dice.int(0, 9) > 0 ? [`(increase (total-cost) ${price})`] : []),
    ];
    return `  (:action a${at} :parameters (${typedNames(params)})
    :precondition (and ${conditions.join(" ")})
    :effect (and ${effects.join(" ")}))`;
  }

  #conditional(scope: readonly Named[]): string {
    const variable: Named = { name: "?e", type: this.#dice.pick(ALL) };
    const isForall = this.#dice.int(0, 2) === 0;
    const inside = isForall ? [...scope, variable] : scope;
    const when = this.#dice.many(1, 2, () => this.#formula(inside)).join(" ");
    const effects = this.#dice.many(1, 2, () => this.#literal(inside, 3)).join(" ");
    const body = `(when (and ${when}) (and ${effects}))`;
    return isForall ? `(forall (?e - ${variable.type}) ${body})` : body;
  }

  /** One part of a condition; often plain. Empty when nothing fits. */
  #formula(scope: readonly Named[]): string {
    const literal = () => this.#literal(scope, 3);
    const pair = (word: string) => {
      const [first, second] = [literal(), literal()];
      return first === "" || second === "" ? first || second : `(${word} ${first} ${second})`;
    };
    switch (this.#dice.int(0, 11)) {
      case 0:
        return pair("or");
      case 1:
        return pair("imply");
      case 2: {
        const [a, b] = [...scope, ...this.#constants].slice(-2);
        return a && b ? `(not (= ${a.name} ${b.name}))` : literal();
      }
      case 3:
      case 4: {
        const bound: Named = { name: "?f", type: this.#dice.pick(ALL) };
        const inner = this.#literal([...scope, bound], 3);
        const quantifier = this.#dice.int(0, 2) === 0 ? "forall" : "exists";
        return inner && `(${quantifier} (?f - ${bound.type}) ${inner})`;
      }
      default:
        return literal();
    }
  }

  /** One in `negativeIn` is negative. Empty when no predicate fits. */
  #literal(scope: readonly Named[], negativeIn: number): string {
    const { name, args } = this.#dice.pick(this.#predicates);
    const terms = args.map((type) => {
      // The newest variable first: a quantifier over what nothing names is none.
      const fitting = [...scope].reverse().filter((term) => isA(term.type, type));
      const constants = this.#constants.filter((term) => isA(term.type, type));
      const isConstant = fitting.length === 0 || this.#dice.int(0, 4) === 0;
      const from = isConstant && constants.length > 0 ? constants : fitting;
      return from.length === 0 ? undefined : from[this.#dice.int(0, 1) === 0 ? 0 : from.length - 1];
    });
    if (terms.includes(undefined)) return "";
    const atom = `(${[name, ...terms.map((term) => term?.name)].join(" ")})`;
    return this.#dice.int(1, negativeIn) === 1 ? `(not ${atom})` : atom;
  }

  #of(type: Type): readonly Named[] {
    return this.#objects.filter((object) => isA(object.type, type));
  }

  #tuples(args: readonly Type[]): string[][] {
    return args.reduce<string[][]>(
      (sofar, type) => sofar.flatMap((t) => this.#of(type).map(({ name }) => [...t, name])),
      [[]],
    );
  }
}

function atomOf(text: string): Atom {
  const [name = "", ...args] = text.slice(1, -1).split(" ");
  return atom(name, args);
}

function declared({ name, args }: Predicate): string {
  return `(${[name, ...args.map((type, at) => `?a${at} - ${type}`)].join(" ")})`;
}

function typedNames(all: readonly Named[]): string {
  return all.map(({ name, type }) => `${name} - ${type}`).join(" ");
}
