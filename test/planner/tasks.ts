/** Small random planning tasks, and what is true of them found in the most stupid way. */
import fc from "fast-check";
import { type Atom, atom, atomParts } from "../../src/core/atom.ts";
import { bindCondition, type Condition, isMet, type Literal } from "../../src/core/condition.ts";
import type { ArgDef, FluentDef, TransitionDef } from "../../src/core/domain.ts";
import type { Clock } from "../../src/core/ports.ts";
import type { GroundStep, Problem } from "../../src/planner/plan.ts";

const TYPES = ["cat", "dog"] as const;
/** Beyond so many ground atoms the brute-force search would take too long. */
const ATOMS_MAX = 12;

const unbiased = (min: number, max: number) => fc.noBias(fc.integer({ min, max }));

/** Real turns of the event loop, and a time that passes only when `tickMs` says so. */
export function fakeClock(tickMs = 0): Clock & { readonly sleeps: () => number } {
  let nowMs = 0;
  let sleeps = 0;
  return {
    now: () => nowMs,
    monotonic: () => {
      nowMs += tickMs;
      return nowMs;
    },
    sleep: async () => {
      sleeps += 1;
      await new Promise((resolve) => setImmediate(resolve));
    },
    sleeps: () => sleeps,
  };
}

/** Every way to fill the parameters. */
export function tuples(args: readonly ArgDef[], objects: Problem["objects"]): string[][] {
  let made: string[][] = [[]];
  for (const { type } of args) {
    const names = objects.filter((each) => each.type === type).map(({ name }) => name);
    made = made.flatMap((tuple) => names.map((name) => [...tuple, name]));
  }
  return made;
}

/**
 * Typed tasks with constants, fluents that default to true, conditions of and, or and not,
 * conditional effects, costs (zero too) and keep-outs.
 */
export const problems: fc.Arbitrary<Problem> = fc.gen().map((draw) => {
  // Without fast-check's leaning to the ends of a range, which makes most tasks trivial.
  const int = (min: number, max: number) => draw(unbiased, min, max);
  const pick = <T>(from: readonly T[]) => from[int(0, from.length - 1)] as T;
  const many = <T>(min: number, max: number, make: (index: number) => T) =>
    Array.from({ length: int(min, max) }, (_, index) => make(index));
  const args = (max: number): ArgDef[] =>
    many(0, max, (index) => ({ name: `p${index}`, type: pick(TYPES) }));

  const objects = TYPES.flatMap((type) =>
    many(1, 2, (index) => ({ name: `${type}${index}`, type, fields: {} })),
  );
  const fluents: FluentDef[] = [];
  const atoms: Atom[] = [];
  for (const name of ["f", "g", "h", "k"]) {
    const fluent = { name, args: args(2), default: int(0, 3) === 0 };
    const made = tuples(fluent.args, objects).map((tuple) => atom(name, tuple));
    if (atoms.length + made.length > ATOMS_MAX) continue;
    fluents.push(fluent);
    atoms.push(...made);
  }
  const transitions: TransitionDef[] = many(2, 7, (index) => {
    const params = args(3);
    const fitting = (type: string) => [
      ...params.filter((each) => each.type === type).map(({ name }) => `?${name}`),
      ...(int(0, 3) === 0 ? objects : []).filter((each) => each.type === type).map((o) => o.name),
    ];
    const patterns = (max: number) =>
      many(0, max, () => pick(fluents)).flatMap((fluent) => {
        const choices = fluent.args.map(({ type }) => fitting(type));
        return choices.some((choice) => choice.length === 0)
          ? []
          : [atom(fluent.name, choices.map(pick))];
      });
    const literals = (max: number): Condition[] =>
      patterns(max).map((each) => ({ atom: each, holds: int(0, 2) > 0 }));
    const condition = (depth: number): Condition => {
      const kind = int(0, depth === 0 ? 0 : 3);
      if (kind === 0) return literals(1)[0] ?? { and: [] };
      if (kind === 1) return { not: condition(depth - 1) };
      const parts = many(0, 3, () => condition(depth - 1));
      return kind === 2 ? { and: parts } : { or: parts };
    };
    const nested = int(0, 2) === 0 ? [condition(2)] : [];
    const effects = (int(0, 1) === 0 ? many(1, 3, () => int(0, 3)) : []).map((kind) => ({
      when: kind === 0 ? condition(2) : { and: literals(2) },
      adds: patterns(2),
      removes: patterns(2),
    }));
    return {
      name: `t${index}`,
      params,
      preconditions: [...literals(nested.length > 0 ? 2 : 4), ...nested],
      adds: patterns(effects.length > 0 ? 1 : 3),
      removes: patterns(2),
      ...(effects.length === 0 ? {} : { effects }),
      ...(int(0, 1) === 0 ? {} : { cost: int(0, 4) }),
    };
  });
  const defaults = new Map(fluents.map((each) => [each.name, each.default]));
  const state = new Set(
    atoms.filter((each) => (int(0, 4) === 0) !== defaults.get(atomParts(each).fluent)),
  );
  // Goals that some step might reach, and now and then any other.
  const effects = everyStep({ transitions, objects }).flatMap(({ step }): Literal[] => [
    ...[step, ...(step.effects ?? [])].flatMap(({ adds, removes }) => [
      ...adds.map((each) => ({ atom: each, holds: true })),
      ...removes.map((each) => ({ atom: each, holds: false })),
    ]),
  ]);
  const open = effects.filter((each) => state.has(each.atom) !== each.holds);
  const goal: Literal[] = many(1, 4, () =>
    int(0, 9) > 0 && open.length > 0 ? pick(open) : { atom: pick(atoms), holds: int(0, 1) > 0 },
  );
  const refused = new Set(many(0, 2, () => pick(atoms)));
  const keepOut = int(0, 2) === 0;
  const allowed = (step: GroundStep) => !step.adds.some((added) => refused.has(added));
  const cost = ({ parameters }: GroundStep) => Object.values(parameters).join("").length % 3;
  return {
    ...{ transitions, fluents, objects, state, goal },
    ...(keepOut ? { allowed } : {}),
    ...(int(0, 3) === 0 ? { cost } : {}),
  };
});

/** Every ground step of every transition, with what it needs. */
export function everyStep({ transitions, objects }: Pick<Problem, "transitions" | "objects">) {
  return transitions.flatMap((def) =>
    tuples(def.params, objects).map((tuple) => {
      const values = new Map(def.params.map(({ name }, at) => [`?${name}`, tuple[at] ?? ""]));
      const filled = (texts: readonly Atom[]) => [
        ...new Set(
          texts.map((text) => {
            const { fluent, args } = atomParts(text);
            return atom(
              fluent,
              args.map((arg) => values.get(arg) ?? arg),
            );
          }),
        ),
      ];
      const parameters = Object.fromEntries(
        def.params.map(({ name }, at) => [name, tuple[at] ?? ""]),
      );
      const adds = filled(def.adds);
      const effects = def.effects?.map((effect) => ({
        when: bindCondition(effect.when, parameters),
        adds: filled(effect.adds),
        removes: filled(effect.removes),
      }));
      const step: GroundStep = {
        ...{ transition: def.name, parameters, adds },
        removes: filled(def.removes).filter((each) => !adds.includes(each)),
        ...(effects === undefined ? {} : { effects }),
      };
      const needs = def.preconditions.map((each) => bindCondition(each, step.parameters));
      return { step, needs, ownCost: def.cost };
    }),
  );
}

export function after(state: ReadonlySet<Atom>, step: GroundStep): Set<Atom> {
  const { adds, removes, effects = [] } = step;
  const happening = [{ adds, removes }, ...effects.filter(({ when }) => holds(state, [when]))];
  const lost = happening.flatMap((each) => each.removes);
  const gained = happening.flatMap((each) => each.adds);
  return new Set([...state].filter((each) => !lost.includes(each)).concat(gained));
}

export function holds(state: ReadonlySet<Atom>, wanted: readonly Condition[]): boolean {
  return wanted.every((each) => isMet(each, (atom) => state.has(atom)));
}

/** What a cheapest plan costs, by Dijkstra's search over sets; undefined when there is no plan. */
export function cheapestPlan(problem: Problem): number | undefined {
  const steps = everyStep(problem)
    .filter(({ step }) => (problem.allowed?.(step) ?? true) === true)
    .map((each) => ({ ...each, price: problem.cost?.(each.step) ?? each.ownCost ?? 1 }));
  const keyOf = (state: ReadonlySet<Atom>) => [...state].sort().join(" ");
  const closed = new Set<string>();
  // Costs are small whole numbers: the states of each cost in a list of their own.
  const open: ReadonlySet<Atom>[][] = [[problem.state]];
  for (let cost = 0; cost < open.length; cost++) {
    for (const state of open[cost] ?? []) {
      const key = keyOf(state);
      if (closed.has(key)) continue;
      closed.add(key);
      if (holds(state, problem.goal)) return cost;
      for (const { step, needs, price } of steps) {
        if (!holds(state, needs)) continue;
        while (open.length <= cost + price) open.push([]);
        open[cost + price]?.push(after(state, step));
      }
    }
  }
  return undefined;
}
