/** Sliding tiles, two of which are to change places: possible for no arrangement of the rest. */
import { atom } from "../../src/core/atom.ts";
import { fluent, objectType, transition } from "../../src/core/vocabulary.ts";
import type { Problem } from "../../src/planner/plan.ts";
import { wanted } from "./rooms.ts";

const tile = objectType("tile");
const place = objectType("place");
const on = fluent("on", { tile }, { place });
const free = fluent("free", { place });
const beside = fluent("beside", { a: place }, { b: place });
const slide = transition("slide", {
  params: { tile, from: place, to: place },
  preconditions: (p) => [on(p.tile, p.from), beside(p.from, p.to), free(p.to)],
  adds: (p) => [on(p.tile, p.to), free(p.from)],
  removes: (p) => [on(p.tile, p.from), free(p.to)],
});

export function tilesSwapped(rows: number, columns: number): Problem {
  const cells = rows * columns;
  const names = (type: string, count: number) =>
    Array.from({ length: count }, (_, at) => ({ name: `${type}_${at}`, type, fields: {} }));
  const places = Array.from({ length: cells }, (_, at) => at);
  const pairs = places.flatMap((a) => [
    ...((a + 1) % columns === 0 ? [] : [[a, a + 1]]),
    ...(a + columns < cells ? [[a, a + columns]] : []),
  ]);
  const sides = pairs.flatMap(([a, b]) => [
    atom("beside", [`place_${a}`, `place_${b}`]),
    atom("beside", [`place_${b}`, `place_${a}`]),
  ]);
  const lies = (at: number, where: number) => atom("on", [`tile_${at}`, `place_${where}`]);
  const tiles = places.slice(1);
  return {
    transitions: [slide.def],
    fluents: [on.def, free.def, beside.def],
    objects: [...names("tile", cells), ...names("place", cells)],
    state: new Set([...sides, atom("free", ["place_0"]), ...tiles.map((at) => lies(at, at))]),
    goal: wanted(
      lies(1, 2),
      lies(2, 1),
      atom("free", ["place_0"]),
      ...tiles.slice(2).map((at) => lies(at, at)),
    ),
  };
}
