/**
 * Grounds a problem by relaxed reachability: only steps that could happen if nothing ever got
 * lost are made. A negative precondition counts as met once its atom is false at the start or
 * some reachable step removes it.
 */
import type { Atom } from "../core/atom.ts";
import { type Literal, waysToHold } from "../core/condition.ts";
import type { TransitionDef } from "../core/domain.ts";
import { groundStep } from "../core/outcome.ts";
import { Atoms, type Pattern } from "./atoms.ts";
import { bindings, type Schema } from "./join.ts";
import { OutOfMemory, type Pace } from "./pace.ts";
import type { GroundStep, Problem } from "./problem.ts";

/** Ground steps kept at most: about 200 MB of them. */
export const GROUND_STEPS_MAX = 300_000;
/** The clock is asked once in so many bindings: asking costs as much as a binding. */
const BINDINGS_PER_LOOK = 64;

/** A ground step over atom numbers; effects that its preconditions imply are left out. */
export interface Operator {
  readonly schema: GroundSchema;
  readonly binding: readonly number[];
  readonly positive: readonly number[];
  readonly negative: readonly number[];
  readonly adds: readonly number[];
  readonly removes: readonly number[];
}

export interface Grounding {
  readonly atoms: Atoms;
  readonly operators: readonly Operator[];
  readonly initial: ReadonlySet<number>;
  /** True of an atom that holds at the start or that a reachable step adds. */
  readonly canHold: (atom: number) => boolean;
  /** True of an atom that is false at the start or that a reachable step removes. */
  readonly canFail: (atom: number) => boolean;
}

export interface GroundSchema extends Schema {
  readonly def: TransitionDef;
  readonly negative: readonly Pattern[];
  readonly adds: readonly Pattern[];
  readonly removes: readonly Pattern[];
}

/**
 * @throws {OutOfTime} when the pace says so.
 * @throws {OutOfMemory} beyond `GROUND_STEPS_MAX` steps.
 */
export async function ground(problem: Problem, pace: Pace): Promise<Grounding> {
  const reachability = new Reachability(problem);
  let looks = 0;
  for (const made of reachability.run()) {
    looks += 1;
    if (looks % BINDINGS_PER_LOOK === 0 && pace.due()) await pace.rest();
    if (made > GROUND_STEPS_MAX) {
      throw new OutOfMemory(`more than ${GROUND_STEPS_MAX} possible steps`);
    }
  }
  return reachability;
}

/** The step as the outside names it. */
export function toGroundStep(
  atoms: Atoms,
  { def, params }: GroundSchema,
  binding: readonly number[],
): GroundStep {
  const named = params.map(({ name }, at) => [name, atoms.nameOf(binding[at] as number)]);
  return groundStep(def, Object.fromEntries(named));
}

class Reachability implements Grounding {
  readonly atoms: Atoms;
  readonly operators: Operator[] = [];
  readonly initial: ReadonlySet<number>;
  readonly #schemas: readonly GroundSchema[];
  readonly #allowed: Problem["allowed"];
  /** Atoms that can hold, in the order in which they are to be joined. */
  readonly #reached: Set<number>;
  readonly #removed = new Set<number>();
  /** Operators by an atom that is still to become false. */
  readonly #waiting = new Map<number, Operator[]>();
  #made = 0;

  constructor(problem: Problem) {
    const atoms = new Atoms(problem.objects);
    this.atoms = atoms;
    this.initial = new Set([...problem.state].map((text) => atoms.number(atoms.pattern(text))));
    this.#reached = new Set(this.initial);
    this.#allowed = problem.allowed;
    this.#schemas = problem.transitions.flatMap((def) => toSchemas(atoms, def));
  }

  readonly canHold = (atom: number) => this.#reached.has(atom);
  readonly canFail = (atom: number) => !this.initial.has(atom) || this.#removed.has(atom);

  /** Yields the number of operators made so far, often. */
  *run(): Generator<number> {
    for (const schema of this.#schemas) yield* this.#instantiate(schema);
    // A set is walked in the order of insertion and includes what the walk inserts.
    for (const atom of this.#reached) {
      this.atoms.reach(atom);
      for (const schema of this.#schemas) yield* this.#instantiate(schema, atom);
    }
  }

  *#instantiate(schema: GroundSchema, reached?: number): Generator<number> {
    for (const binding of bindings(this.atoms, schema, reached)) {
      if (binding !== undefined) this.#consider(schema, binding);
      yield this.#made;
    }
  }

  #consider(schema: GroundSchema, binding: readonly number[]): void {
    const numbers = (patterns: readonly Pattern[]) =>
      patterns.map((pattern) => this.atoms.number(pattern, binding));
    const positive = numbers(schema.positive);
    const negative = numbers(schema.negative);
    if (negative.some((atom) => positive.includes(atom))) return;
    const added = numbers(schema.adds);
    const adds = added.filter((atom) => !positive.includes(atom));
    const removes = numbers(schema.removes).filter(
      (atom) => !added.includes(atom) && !negative.includes(atom),
    );
    if (adds.length === 0 && removes.length === 0) return; // changes nothing
    if ((this.#allowed?.(toGroundStep(this.atoms, schema, binding)) ?? true) !== true) return;
    this.#made += 1;
    this.#admit([{ schema, binding, positive, negative, adds, removes }]);
  }

  /** Takes operators in, or lets them wait for an atom to become false. */
  #admit(ready: Operator[]): void {
    for (let operator = ready.pop(); operator !== undefined; operator = ready.pop()) {
      const missing = operator.negative.find((atom) => !this.canFail(atom));
      if (missing !== undefined) {
        const waiting = this.#waiting.get(missing);
        if (waiting === undefined) this.#waiting.set(missing, [operator]);
        else waiting.push(operator);
        continue;
      }
      this.operators.push(operator);
      for (const atom of operator.adds) this.#reached.add(atom);
      for (const atom of operator.removes) {
        this.#removed.add(atom);
        ready.push(...(this.#waiting.get(atom) ?? []));
        this.#waiting.delete(atom);
      }
    }
  }
}

/** One schema for each way in which the preconditions can hold. */
function toSchemas(atoms: Atoms, def: TransitionDef): GroundSchema[] {
  return waysToHold({ and: def.preconditions }).map((way) => toSchema(atoms, def, way));
}

function toSchema(atoms: Atoms, def: TransitionDef, way: readonly Literal[]): GroundSchema {
  const bound = def.params.filter(({ optional }) => optional !== true);
  const params = bound.map(({ name }) => name);
  const patterns = (texts: readonly Atom[]) => texts.map((text) => atoms.pattern(text, params));
  const conditions = (holds: boolean) =>
    patterns(way.filter((each) => each.holds === holds).map((each) => each.atom));
  return {
    def,
    params: bound,
    positive: conditions(true),
    negative: conditions(false),
    adds: patterns(def.adds),
    removes: patterns(def.removes),
  };
}
