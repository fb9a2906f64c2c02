// Goal: a plan that has to be in many places goes from one to the next in a good order, whatever
// it has to do there and however the places are joined.
// Method: places at random, and the same tour planned by hand: to the nearest each time, then two
// crossing ways uncrossed until none are (2-opt); for few places all orders are tried.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Atom, atom } from "../../src/core/atom.ts";
import { not } from "../../src/core/condition.ts";
import { fluent, objectType, transition } from "../../src/core/vocabulary.ts";
import { ground, literal } from "../../src/planner/ground.ts";
import { Heuristic } from "../../src/planner/heuristic.ts";
import { linksOf } from "../../src/planner/links.ts";
import { Pace } from "../../src/planner/pace.ts";
import { findPlan, type Problem } from "../../src/planner/plan.ts";
import { search } from "../../src/planner/search.ts";
import { costOf as costOfPlan, pack, solves } from "../../src/planner/task.ts";
import { inBetterOrder } from "../../src/planner/tour.ts";
import { validatePlan } from "../../src/planner/validate.ts";
import { wanted } from "./rooms.ts";
import { fakeClock } from "./tasks.ts";

type Metres = readonly (readonly number[])[];

const clock = fakeClock();
const place = objectType("place");
const at = fluent("at", { place });
const road = fluent("road", { from: place }, { to: place });
const visited = fluent("visited", { place });
const dirty = fluent("dirty", { place });
const name = (index: number) => `p${index}`;
const seen = (count: number) =>
  wanted(...Array.from({ length: count }, (_, index) => atom("visited", [name(index + 1)])));

const go = transition("go", {
  params: { from: place, to: place },
  preconditions: (p) => [at(p.from)],
  adds: (p) => [at(p.to), visited(p.to)],
  removes: (p) => [at(p.from)],
});
const drive = transition("drive", {
  params: { from: place, to: place },
  preconditions: (p) => [at(p.from), road(p.from, p.to)],
  adds: (p) => [at(p.to)],
  removes: (p) => [at(p.from)],
});
const clean = transition("clean", {
  params: { place },
  preconditions: (p) => [at(p.place), dirty(p.place)],
  removes: (p) => [dirty(p.place)],
});
const look = transition("look", {
  params: { place },
  preconditions: (p) => [at(p.place), not(visited(p.place))],
  adds: (p) => [visited(p.place)],
});

/** The vehicle is at place 0; going costs the way, all else 1. */
function problem(metres: Metres, goal: Problem["goal"], more: Partial<Problem> = {}): Problem {
  const { transitions = [go.def], state = new Set() } = more;
  const index = (text = "") => Number(text.slice(1));
  return {
    ...{ transitions, goal, fluents: [at, road, visited, dirty].map(({ def }) => def) },
    objects: metres.map((_, each) => ({ name: name(each), type: "place", fields: {} })),
    state: new Set([atom("at", [name(0)]), ...state]),
    cost: ({ parameters: { from, to } }) =>
      from === undefined ? 1 : (metres[index(from)]?.[index(to)] ?? 0),
  };
}

async function costOf(asked: Problem): Promise<number> {
  const { plan, cost } = await findPlan(asked, { clock });
  expect(validatePlan(asked, plan ?? [])).toMatchObject({ valid: true });
  return cost ?? Number.NaN;
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function scattered(seed: number, count: number): Metres {
  const next = random(seed);
  const spots = Array.from({ length: count + 1 }, () => [1000 * next(), 1000 * next()] as const);
  return spots.map(([x, y]) => spots.map(([u, v]) => Math.hypot(x - u, y - v)));
}

const length = (metres: Metres, order: readonly number[]) =>
  order.slice(1).reduce((sum, to, index) => sum + way(metres, order[index], to), 0);
const way = (metres: Metres, from = 0, to = 0) => metres[from]?.[to] ?? 0;

function byHand(metres: Metres): number {
  let order = [0];
  const left = new Set(metres.keys());
  for (left.delete(0); left.size > 0; ) {
    const [nearest = 0] = [...left].sort(
      (a, b) => way(metres, order.at(-1), a) - way(metres, order.at(-1), b),
    );
    left.delete(nearest);
    order.push(nearest);
  }
  for (let isBetter = true; isBetter; ) {
    isBetter = false;
    for (let from = 1; from < order.length; from++) {
      for (let to = from + 2; to <= order.length; to++) {
        const run = order.slice(from, to).reverse();
        const turned = order.toSpliced(from, run.length, ...run);
        if (length(metres, turned) >= length(metres, order) - 1e-6) continue;
        order = turned;
        isBetter = true;
      }
    }
  }
  return length(metres, order);
}

function shortest(metres: Metres): number {
  const from = (here: number, left: readonly number[]): number =>
    left.length === 0
      ? 0
      : Math.min(
          ...left.map(
            (next) =>
              way(metres, here, next) +
              from(
                next,
                left.filter((each) => each !== next),
              ),
          ),
        );
  return from(0, [...metres.keys()].slice(1));
}

/** Rows of crossings, each joined to its neighbours, and the ways between any two of them. */
function streets(side: number, seed: number) {
  const next = random(seed);
  const spots = [...Array(side * side).keys()];
  const roads: Atom[] = [];
  const direct = spots.map((from) => spots.map((to) => (from === to ? 0 : Infinity)));
  for (const from of spots) {
    for (const to of [from % side === side - 1 ? side * side : from + 1, from + side]) {
      if (to >= side * side) continue;
      const metres = 10 + Math.floor(90 * next());
      for (const [a, b] of [
        [from, to],
        [to, from],
      ] as const) {
        roads.push(atom("road", [name(a), name(b)]));
        (direct[a] as number[])[b] = metres;
      }
    }
  }
  const ways = direct.map((row) => [...row]);
  for (const via of spots) {
    for (const from of spots) {
      for (const to of spots) {
        const row = ways[from] as number[];
        row[to] = Math.min(way(ways, from, to), way(ways, from, via) + way(ways, via, to));
      }
    }
  }
  return { roads, direct, ways };
}

test.each([12, 20, 30])(
  "findPlan() visits %d places on no longer a way than one planned by hand",
  async (count) => {
    for (const seed of [1, 2, 3, 4]) {
      const metres = scattered(seed, count);
      const cost = await costOf(problem(metres, seen(count)));
      expect(cost, `seed ${seed}`).toBeLessThanOrEqual(byHand(metres) * 1.000_001);
    }
  },
  60_000,
);

test("findPlan() visits few places in the best of all orders", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 7 }), fc.nat(), async (count, seed) => {
      const metres = scattered(seed, count);
      const cost = await costOf(problem(metres, seen(count)));
      expect(cost).toBeCloseTo(shortest(metres), 3);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("findPlan() takes the dirt of the town by the shortest streets", async () => {
  const { roads, direct, ways } = streets(6, 5);
  const stops = [0, 5, 30, 35, 14, 21, 8, 27, 17, 3, 32, 19];
  const dirt = stops.slice(1).map((stop) => atom("dirty", [name(stop)]));
  const asked = problem(
    direct,
    dirt.map((each) => ({ atom: each, holds: false })),
    { transitions: [drive.def, clean.def], state: new Set([...roads, ...dirt]) },
  );
  const metres = stops.map((from) => stops.map((to) => way(ways, from, to)));
  expect(await costOf(asked)).toBeLessThanOrEqual(byHand(metres) + dirt.length);
});

test("findPlan() looks once at each place and is back at the end", async () => {
  const count = 15;
  const metres = scattered(9, count);
  const state = new Set(
    [...metres.keys()].flatMap((from) =>
      [...metres.keys()].map((to) => atom("road", [name(from), name(to)])),
    ),
  );
  const there = problem(metres, seen(count), {
    ...{ transitions: [drive.def, look.def], state },
  });
  const back = { ...there, goal: [...wanted(atom("at", [name(0)])), ...there.goal] };
  expect(await costOf(there)).toBeLessThanOrEqual(byHand(metres) + count + 0.001);
  // The way back is no longer than the longest there is.
  expect(await costOf(back)).toBeLessThanOrEqual(
    byHand(metres) + count + Math.max(...(metres[0] ?? [])),
  );
});

test("inBetterOrder() makes of a plan one that is no dearer, however little it may look at", async () => {
  const { roads, direct } = streets(5, 3);
  const dirt = [3, 20, 24, 7, 11].map((stop) => atom("dirty", [name(stop)]));
  const goal = dirt.map((each) => ({ atom: each, holds: false }));
  const state = new Set([...roads, ...dirt]);
  const pace = new Pace(clock, 1e9);
  const grounding = await ground(
    problem(direct, goal, { transitions: [drive.def, clean.def], state }),
    pace,
  );
  const { atoms } = grounding;
  const wants = dirt.map((each) => literal(atoms.number(atoms.pattern(each)), false));
  const task = await pack(grounding, wants, pace);
  const heuristic = new Heuristic(task, await linksOf(task, pace));
  const plan = (await search(task, heuristic, pace, 10_000)) ?? [];
  expect(solves(task, plan)).toBe(true);
  const costs: number[] = [];
  for (const workMax of [0, 1, 10, 100, 300, 1_000, 3_000, 10_000]) {
    const better = await inBetterOrder(task, plan, workMax, pace);
    expect(solves(task, better)).toBe(true);
    costs.push(costOfPlan(task, better));
  }
  expect(Math.max(...costs)).toBeLessThanOrEqual(costOfPlan(task, plan));
  expect(costs.at(-1)).toBeLessThan(costOfPlan(task, plan));
});
