/**
 * Grounds a problem by relaxed reachability: only steps that could happen if nothing ever got
 * lost are made. A negative condition counts as met once its atom is false at the start or some
 * reachable step removes it; a conditional effect counts once all of its conditions are met.
 */
import type { Atom } from "../core/atom.ts";
import { bindCondition } from "../core/condition.ts";
import { ServantError } from "../core/errors.ts";
import { Atoms, type Pattern } from "./atoms.ts";
import { bindings } from "./join.ts";
import { OutOfMemory, type Pace } from "./pace.ts";
import type { GroundStep, Problem } from "./problem.ts";
import { type LiteralPatterns, type Schema, toSchemas } from "./schema.ts";

/** Ground steps kept at most: about 200 MB of them. */
export const GROUND_STEPS_MAX = 300_000;
/** The clock is asked once in so many bindings: asking costs as much as a binding. */
const BINDINGS_PER_LOOK = 64;

/** A literal over atom numbers: twice the atom when it is to hold, and one more when not. */
export const literal = (atom: number, holds: boolean) => 2 * atom + (holds ? 0 : 1);

/** What comes about where every condition holds, both as literals. */
export interface Rule {
  readonly needs: readonly number[];
  /** What it removes comes first: among all that happens in a step, what is added wins. */
  readonly makes: readonly number[];
}
/** A ground step; effects that change nothing, whatever the state, are left out. */
export interface Operator extends Rule {
  readonly schema: Schema;
  readonly binding: readonly number[];
  readonly cost: number;
  readonly effects: readonly Rule[];
}

export interface Grounding {
  readonly atoms: Atoms;
  readonly schemas: readonly Schema[];
  readonly operators: readonly Operator[];
  /** Numbers of the atoms that hold at the start. */
  readonly initial: readonly number[];
  /** True of a literal that holds at the start or that a reachable step makes. */
  readonly canBe: (literal: number) => boolean;
  /** What `allowed` said of a step that would have made the literal. */
  readonly refusal: (literal: number) => string | undefined;
}

/**
 * @throws {OutOfTime} when the pace says so.
 * @throws {OutOfMemory} beyond `GROUND_STEPS_MAX` steps.
 * @throws {ServantError} `domain.invalid` for conditions that branch too much or a cost that is none.
 */
export async function ground(problem: Problem, pace: Pace): Promise<Grounding> {
  const reachability = new Reachability(problem);
  let looks = 0;
  for (const made of reachability.run()) {
    looks += 1;
    if (looks % BINDINGS_PER_LOOK === 0 && pace.due()) await pace.rest();
    if (made > GROUND_STEPS_MAX) {
      throw new OutOfMemory(`There are more than ${GROUND_STEPS_MAX} possible steps`);
    }
  }
  return reachability;
}

/** The step as the outside names it. */
export function toGroundStep(atoms: Atoms, schema: Schema, binding: readonly number[]): GroundStep {
  const instances = (patterns: readonly Pattern[]) => {
    const texts = patterns.map((pattern) => atoms.text(atoms.number(pattern, binding)));
    return distinct(texts);
  };
  const parameters: Record<string, string> = {};
  for (const [at, { name }] of schema.params.entries()) {
    parameters[name] = atoms.nameOf(binding[at] as number);
  }
  const adds = instances(schema.adds);
  const removes = instances(schema.removes).filter((removed) => !adds.includes(removed));
  const step = { transition: schema.def.name, parameters, adds, removes };
  if (schema.def.effects === undefined || schema.def.effects.length === 0) return step;
  const bind = (texts: readonly Atom[]) =>
    instances(
      texts.map((text) =>
        atoms.pattern(
          text,
          schema.params.map(({ name }) => name),
        ),
      ),
    );
  const effects = schema.def.effects.map(({ when, adds: gained, removes: lost }) => ({
    when: bindCondition(when, parameters),
    adds: bind(gained),
    removes: bind(lost),
  }));
  return { ...step, effects };
}

class Reachability implements Grounding {
  readonly atoms: Atoms;
  readonly schemas: readonly Schema[];
  readonly operators: Operator[] = [];
  readonly initial: readonly number[];
  readonly #problem: Problem;
  /** Atoms that can hold, in the order in which they are to be joined. */
  readonly #reached: number[];
  /** By literal: 1 once it can be. An atom that is not listed is false at the start. */
  readonly #isPossible: (1 | undefined)[] = [];
  readonly #isInitial: ReadonlySet<number>;
  /** What is to happen once a literal can be. */
  readonly #waiting = new Map<number, (() => void)[]>();
  /** What waited and may happen now. One thing leads to another: a queue has room for them all. */
  readonly #woken: (() => void)[] = [];
  readonly #refusals = new Map<number, string>();
  #made = 0;

  constructor(problem: Problem) {
    const atoms = new Atoms(problem.objects);
    this.#problem = problem;
    this.atoms = atoms;
    this.initial = [...problem.state].map((text) => atoms.number(atoms.pattern(text)));
    this.#isInitial = new Set(this.initial);
    this.#reached = [...this.#isInitial];
    for (const atom of this.#reached) this.#isPossible[literal(atom, true)] = 1;
    this.schemas = problem.transitions.flatMap((def) => toSchemas(atoms, def));
  }

  readonly canBe = (wanted: number) =>
    this.#isPossible[wanted] === 1 || ((wanted & 1) === 1 && !this.#isInitial.has(wanted >> 1));

  readonly refusal = (wanted: number) => this.#refusals.get(wanted);

  /** Yields the number of operators made so far, often. */
  *run(): Generator<number> {
    for (const schema of this.schemas) yield* this.#instantiate(schema);
    // The walk includes what it appends.
    for (const atom of this.#reached) {
      this.atoms.reach(atom);
      for (const schema of this.schemas) yield* this.#instantiate(schema, atom);
    }
  }

  *#instantiate(schema: Schema, reached?: number): Generator<number> {
    for (const binding of bindings(this.atoms, schema, reached)) {
      if (binding !== undefined) this.#consider(schema, binding);
      yield this.#made;
    }
  }

  #consider(schema: Schema, binding: readonly number[]): void {
    const needs = this.#literals(schema, binding);
    if (isTorn(needs)) return;
    const added = this.#numbers(schema.adds, binding);
    const lost = this.#numbers(schema.removes, binding).filter((atom) => !added.includes(atom));
    const removes = lost
      .map((atom) => literal(atom, false))
      .filter((each) => !needs.includes(each));
    const adds = added.map((atom) => literal(atom, true));
    const effects = this.#effects(schema, binding, needs, adds);
    // What holds before the step needs no adding: no effect can remove what the step adds anyway.
    const gains = adds.filter((each) => !needs.includes(each));
    const makes = [...removes, ...gains];
    if (makes.length + effects.length === 0) return; // changes nothing
    const all = effects.length === 0 ? makes : [...makes, ...effects.flatMap((each) => each.makes)];
    const cost = this.#costUnlessRefused(schema, binding, all);
    if (cost === undefined) return;
    this.#made += 1;
    this.#await(needs, () => {
      const fired: Rule[] = [];
      this.operators.push({ schema, binding, cost, needs, makes, effects: fired });
      this.#enable(makes);
      for (const effect of effects) {
        this.#await(effect.needs, () => {
          fired.push(effect);
          this.#enable(effect.makes);
        });
      }
    });
    for (let next = this.#woken.pop(); next !== undefined; next = this.#woken.pop()) next();
  }

  /** The conditional effects that can change anything, without what the step needs anyway. */
  #effects(
    { effects }: Schema,
    binding: readonly number[],
    base: readonly number[],
    adds: readonly number[],
  ): Rule[] {
    return effects.flatMap((effect) => {
      const all = [...base, ...this.#literals(effect, binding)];
      if (isTorn(all)) return [];
      const gained = this.#numbers(effect.adds, binding).map((atom) => literal(atom, true));
      const lost = this.#numbers(effect.removes, binding).map((atom) => literal(atom, false));
      const gains = gained.filter((each) => !adds.includes(each));
      const losses = lost.filter((each) => !adds.includes(each ^ 1) && !gained.includes(each ^ 1));
      const needs = [...new Set(all.slice(base.length))].filter((each) => !base.includes(each));
      return gains.length + losses.length === 0 ? [] : [{ needs, makes: [...losses, ...gains] }];
    });
  }

  /** What the step costs; undefined when it is not allowed, which is remembered. */
  #costUnlessRefused(schema: Schema, binding: readonly number[], makes: readonly number[]) {
    const { allowed, cost } = this.#problem;
    if (allowed === undefined && cost === undefined) return checkedCost(schema, undefined);
    const step = toGroundStep(this.atoms, schema, binding);
    const verdict = allowed?.(step) ?? true;
    if (verdict === true) return checkedCost(schema, cost?.(step));
    for (const made of makes) {
      if (!this.#refusals.has(made)) this.#refusals.set(made, verdict || "it is not allowed");
    }
    return undefined;
  }

  /** Does it once all of the literals can be. */
  #await(needs: readonly number[], act: () => void): void {
    const missing = needs.find((each) => !this.canBe(each));
    if (missing === undefined) {
      act();
      return;
    }
    const retry = () => this.#await(needs, act);
    const waiting = this.#waiting.get(missing);
    if (waiting === undefined) this.#waiting.set(missing, [retry]);
    else waiting.push(retry);
  }

  #enable(makes: readonly number[]): void {
    for (const made of makes) {
      if (this.#isPossible[made] === 1) continue;
      this.#isPossible[made] = 1;
      if ((made & 1) === 0) this.#reached.push(made >> 1);
      this.#woken.push(...(this.#waiting.get(made) ?? []));
      this.#waiting.delete(made);
    }
  }

  #numbers(patterns: readonly Pattern[], binding: readonly number[]): number[] {
    const numbers = patterns.map((pattern) => this.atoms.number(pattern, binding));
    return distinct(numbers);
  }

  #literals({ positive, negative }: LiteralPatterns, binding: readonly number[]): number[] {
    return [
      ...this.#numbers(positive, binding).map((atom) => literal(atom, true)),
      ...this.#numbers(negative, binding).map((atom) => literal(atom, false)),
    ];
  }
}

/** The items, each once; most lists are short and have no item twice. */
function distinct<T>(items: T[]): T[] {
  return items.some((item, at) => items.indexOf(item) < at) ? [...new Set(items)] : items;
}

function isTorn(literals: readonly number[]): boolean {
  return literals.some((each) => (each & 1) === 1 && literals.includes(each - 1));
}

function checkedCost({ def }: Schema, asked: number | undefined): number {
  const cost = asked ?? def.cost ?? 1;
  if (cost >= 0 && cost < Number.POSITIVE_INFINITY) return cost;
  throw new ServantError(
    "domain.invalid",
    `Cannot plan with "${def.name}": a step of it costs ${cost}, not a number of zero or more`,
  );
}
