/** A grounded problem, and the way from a goal to a checked plan for it. */
import type { Literal } from "../core/condition.ts";
import { assert } from "../core/errors.ts";
import { blocked } from "./explain.ts";
import { type Grounding, ground, literal, toGroundStep } from "./ground.ts";
import { Heuristic } from "./heuristic.ts";
import { improve } from "./improve.ts";
import { type Exclusions, exclusions } from "./invariants.ts";
import { linksOf } from "./links.ts";
import type { Pace } from "./pace.ts";
import type { Blocked, GroundStep, Problem } from "./problem.ts";
import { search } from "./search.ts";
import { shorten } from "./shorten.ts";
import { pack } from "./task.ts";
import { validatePlan } from "./validate.ts";

export interface Found {
  readonly plan: readonly GroundStep[];
  readonly cost: number;
}

export class Solver {
  readonly #problem: Problem;
  readonly #grounding: Grounding;
  readonly #excludes: Exclusions;
  readonly #pace: Pace;
  readonly #nodesMax: number;

  private constructor(
    problem: Problem,
    grounding: Grounding,
    excludes: Exclusions,
    limits: { readonly pace: Pace; readonly nodesMax: number },
  ) {
    this.#problem = problem;
    this.#grounding = grounding;
    this.#excludes = excludes;
    this.#pace = limits.pace;
    this.#nodesMax = limits.nodesMax;
  }

  /** @throws {OutOfTime} {OutOfMemory} {ServantError} as `ground` does. */
  static async of(problem: Problem, pace: Pace, nodesMax: number): Promise<Solver> {
    const grounding = await ground(problem, pace);
    const { atoms } = grounding;
    const wanted = problem.goal
      .filter(({ holds }) => holds)
      .map(({ atom }) => atoms.number(atoms.pattern(atom)));
    const excludes = await exclusions(grounding, wanted, pace);
    return new Solver(problem, grounding, excludes, { pace, nodesMax });
  }

  /** The parts of a goal that cannot be had, as far as that shows without a search. */
  obstacles(goal: readonly Literal[]): Blocked[] {
    const obstacles: Blocked[] = [];
    const taken = new Map<string, Literal>();
    for (const wanted of goal) {
      const number = this.#number(wanted);
      if (!this.#grounding.canBe(literal(number, wanted.holds))) {
        obstacles.push(blocked(this.#problem, this.#grounding, wanted));
        continue;
      }
      const keys = [`=${number}`, ...(wanted.holds ? this.#excludes(number) : [])];
      const rival = keys.map((key) => taken.get(key)).find((each) => each && !isSame(each, wanted));
      if (rival === undefined) for (const key of keys) taken.set(key, wanted);
      else {
        const detail = `it excludes ${spell(rival)}, the two never hold together`;
        obstacles.push({ ...wanted, why: "mutex", detail });
      }
    }
    return obstacles;
  }

  /**
   * A plan for a goal without obstacles; undefined when every state was seen and there is none.
   *
   * @throws {OutOfTime} when no plan was found in time.
   * @throws {OutOfMemory} when the search has no room for more states.
   */
  async solve(goal: readonly Literal[]): Promise<Found | undefined> {
    const literals = goal.map((wanted) => literal(this.#number(wanted), wanted.holds));
    const pace = this.#pace;
    const task = await pack(this.#grounding, literals, pace);
    if (pace.due()) await pace.rest();
    const heuristic = new Heuristic(task, await linksOf(task, pace));
    if (pace.due()) await pace.rest();
    const found = await search(task, heuristic, pace, this.#nodesMax);
    if (found === undefined) return undefined;
    const first = await shorten(task, found, pace);
    const last = await shorten(task, await improve(task, first, heuristic, pace), pace);
    const plan = last.map((index) => {
      const operator = task.operators[index];
      assert(operator !== undefined, "a plan is made of known operators");
      const { schema, binding, cost } = operator;
      return { ...toGroundStep(this.#grounding.atoms, schema, binding), cost };
    });
    const validation = validatePlan({ ...this.#problem, goal }, plan);
    assert(validation.valid, `a found plan is valid: ${JSON.stringify(validation)}`);
    return { plan, cost: validation.cost };
  }

  /** A plan for a goal, or what stands against it as far as that shows without a search. */
  async tryFor(goal: readonly Literal[]): Promise<Found | { readonly obstacle?: Blocked }> {
    const [obstacle] = this.obstacles(goal);
    return obstacle === undefined ? ((await this.solve(goal)) ?? {}) : { obstacle };
  }

  #number({ atom }: Literal): number {
    const { atoms } = this.#grounding;
    return atoms.number(atoms.pattern(atom));
  }
}

export function spell({ atom, holds }: Literal): string {
  return holds ? atom : `not ${atom}`;
}

export function isSame(a: Literal, b: Literal): boolean {
  return a.atom === b.atom && a.holds === b.holds;
}
