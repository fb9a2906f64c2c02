/** A small world with a script: a cart that sweeps lanes, each a row of spots in a line. */

import { atomParts } from "../../src/core/atom.ts";
import type { Legs, Scene, StepDef } from "../../src/core/domain.ts";
import { domain, fluent, objectType, step, transition, when } from "../../src/core/vocabulary.ts";

export const spot = objectType("spot", { x: "number" });
export const lane = objectType("lane", { first: "number", legs: "number" });
export const base = spot("base", { x: 0 });
export const depot = spot("depot", { x: -5 });
export const north = lane("north", { first: 10, legs: 3 });
export const south = lane("south", { first: 20, legs: 2 });

export const at = fluent("at", { spot });
export const swept = fluent("swept", { lane });
export const patrolled = fluent("patrolled");
export const muddy = fluent("muddy");
export const dirty = fluent("dirty");
export const noEntry = fluent("no_entry", { spot });
export const lost = fluent("lost");

export const go = transition("go", {
  params: { start: spot, end: spot },
  preconditions: (p) => [at(p.start)],
  adds: (p) => [at(p.end)],
  removes: (p) => [at(p.start)],
  effects: () => [when(muddy(), { adds: [dirty()] })],
  cost: (each, scene) =>
    Math.abs(xOf(scene, each.parameters.end) - xOf(scene, each.parameters.start)),
  // It drives along a line: it passes whatever lies between.
  enters: (each, place, scene) => {
    const [from, to] = [xOf(scene, each.parameters.start), xOf(scene, each.parameters.end)];
    const x = xOf(scene, place.name);
    return x >= Math.min(from, to) && x <= Math.max(from, to) && from !== x;
  },
});
export const sweep = transition("sweep", {
  params: { lane },
  adds: (p) => [swept(p.lane)],
  script: { legs },
});
/** A script of scripts, as data. */
export const patrol = transition("patrol", {
  adds: () => [patrolled()],
  script: () => [step(sweep, { lane: north }), step(sweep, { lane: south })],
});
/** A script that leads back to itself: only code can. */
export const wander = transition("wander", {
  adds: () => [lost()],
  script: { legs: () => ({ objects: [], steps: [{ transition: "wander", parameters: {} }] }) },
});

export const patrolling = domain("patrolling", {
  transitions: [go, sweep, patrol, wander],
  fluents: [noEntry],
  types: [spot, lane],
});

/** From where the cart is to the lane's first spot, then from each to the next. */
function legs({ parameters }: StepDef, scene: Scene): Legs {
  const name = parameters.lane ?? "";
  const { first = 0, legs: count = 0 } = scene.object(name)?.fields ?? {};
  const spots = Array.from({ length: Number(count) + 1 }, (_, index) => ({
    name: `${name}_${index}`,
    type: "spot",
    fields: { x: Number(first) + index },
  }));
  const here = [...scene.state].map(atomParts).find(({ fluent: of }) => of === "at")?.args[0];
  const names = [here ?? spots[0]?.name ?? "", ...spots.map((each) => each.name)];
  return {
    objects: spots,
    steps: names.slice(1).map((end, index) => ({
      transition: "go",
      parameters: { start: names[index] ?? "", end },
    })),
  };
}

function xOf(scene: Scene, name: string | undefined): number {
  return Number(scene.object(name ?? "")?.fields.x);
}
