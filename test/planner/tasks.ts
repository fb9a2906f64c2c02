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

/** Typed tasks with negative conditions, constants, and fluents that default to true. */
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
    return {
      name: `t${index}`,
      params,
      preconditions: patterns(4).map((each) => ({ atom: each, holds: int(0, 2) > 0 })),
      adds: patterns(3),
      removes: patterns(2),
    };
  });
  const defaults = new Map(fluents.map((each) => [each.name, each.default]));
  const state = new Set(
    atoms.filter((each) => (int(0, 4) === 0) !== defaults.get(atomParts(each).fluent)),
  );
  // Goals that some step might reach, and now and then any other.
  const effects = everyStep({ transitions, objects }).flatMap(({ step }): Literal[] => [
    ...step.adds.map((each) => ({ atom: each, holds: true })),
    ...step.removes.map((each) => ({ atom: each, holds: false })),
  ]);
  const open = effects.filter((each) => state.has(each.atom) !== each.holds);
  const goal: Literal[] = many(1, 4, () =>
    int(0, 9) > 0 && open.length > 0 ? pick(open) : { atom: pick(atoms), holds: int(0, 1) > 0 },
  );
  const refused = new Set(many(0, 2, () => pick(atoms)));
  const keepOut = int(0, 2) === 0;
  const allowed = (step: GroundStep) => !step.adds.some((added) => refused.has(added));
  return { transitions, fluents, objects, state, goal, ...(keepOut ? { allowed } : {}) };
});

/** Every ground step of every transition. */
export function everyStep({ transitions, objects }: Pick<Problem, "transitions" | "objects">) {
  return transitions.flatMap((def) =>
    tuples(def.params, objects).map((tuple) => {
      const values = new Map(def.params.map(({ name }, at) => [`?${name}`, tuple[at] ?? ""]));
      const filled = (text: Atom) => {
        const { fluent, args } = atomParts(text);
        return atom(
          fluent,
          args.map((arg) => values.get(arg) ?? arg),
        );
      };
      const adds = [...new Set(def.adds.map(filled))];
      const step: GroundStep = {
        transition: def.name,
        parameters: Object.fromEntries(def.params.map(({ name }, at) => [name, tuple[at] ?? ""])),
        adds,
        removes: [...new Set(def.removes.map(filled))].filter((each) => !adds.includes(each)),
      };
      const needs = def.preconditions.map((each) => bindCondition(each, step.parameters));
      return { step, needs };
    }),
  );
}

export function after(state: ReadonlySet<Atom>, { adds, removes }: GroundStep): Set<Atom> {
  return new Set([...state].filter((each) => !removes.includes(each)).concat(adds));
}

export function holds(state: ReadonlySet<Atom>, wanted: readonly Condition[]): boolean {
  return wanted.every((each) => isMet(each, (atom) => state.has(atom)));
}

/** The length of a shortest plan by breadth-first search over sets; undefined without one. */
export function shortestPlan(problem: Problem): number | undefined {
  const steps = everyStep(problem).filter(({ step }) => problem.allowed?.(step) !== false);
  const seen = new Set<string>();
  let layer: ReadonlySet<Atom>[] = [problem.state];
  for (let length = 0; layer.length > 0; length++) {
    if (layer.some((state) => holds(state, problem.goal))) return length;
    const next: ReadonlySet<Atom>[] = [];
    for (const state of layer) {
      for (const { step, needs } of steps) {
        if (!holds(state, needs)) continue;
        const successor = after(state, step);
        const key = [...successor].sort().join(" ");
        if (seen.has(key)) continue;
        seen.add(key);
        next.push(successor);
      }
    }
    layer = next;
  }
  return undefined;
}
