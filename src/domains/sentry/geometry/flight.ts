/**
 * The whole way of a survey: part after part, each time the one that begins nearest, the tracks of
 * each in the order of the pattern, and the ways between them.
 */
import type { Pieces } from "../../../core/pieces.ts";
import { type Cell, cellsOf } from "./cells.ts";
import { orderOf, type Pattern } from "./order.ts";
import { distance, type Point, type Segment } from "./plane.ts";
import type { Line, Track } from "./tracks.ts";
import type { Ways } from "./way.ts";

/** A stretch that is flown straight. */
export interface Flown {
  readonly to: Point;
  /** True along a track; false on the way to one. */
  readonly isTrack: boolean;
}
export interface Flight {
  readonly start: Point;
  readonly legs: readonly Flown[];
}

/** Undefined when a track cannot be reached, or when there is none. In pieces, a part or a track each. */
export function* flightOver(
  lines: readonly Line[],
  pattern: Pattern,
  ways: Ways,
  from: Point | undefined,
): Pieces<Flight | undefined> {
  const open = new Set(cellsOf(lines));
  const tracks: Segment[] = [];
  let here = from;
  while (open.size > 0) {
    const next = nearest(open, here);
    open.delete(next.cell);
    const flown = tracksOf(next, pattern);
    tracks.push(...flown);
    here = flown.at(-1)?.[1];
    yield;
  }
  return yield* joined(tracks, ways, from);
}

/** A part, from its first track to its last or back, the first flown along its line or against. */
interface Entry {
  readonly cell: Cell;
  readonly isReversed: boolean;
  readonly isAgainst: boolean;
}

function nearest(cells: Iterable<Cell>, here: Point | undefined): Entry {
  let best: Entry | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const cell of cells) {
    for (const isReversed of [false, true]) {
      for (const isAgainst of [false, true]) {
        const { ends } = cell.at(isReversed ? -1 : 0) as Track;
        const away = here === undefined ? 0 : distance(here, ends[isAgainst ? 1 : 0]);
        if (away < least) [best, least] = [{ cell, isReversed, isAgainst }, away];
      }
    }
  }
  return best as Entry;
}

/** Up one track and down the next. */
function tracksOf({ cell, isReversed, isAgainst }: Entry, pattern: Pattern): Segment[] {
  const ordered = isReversed ? [...cell].reverse() : cell;
  return orderOf(pattern, cell.length).map((number, index): Segment => {
    const [a, b] = (ordered[number] as Track).ends;
    return (index % 2 === 1) === isAgainst ? [a, b] : [b, a];
  });
}

function* joined(
  tracks: readonly Segment[],
  ways: Ways,
  from: Point | undefined,
): Pieces<Flight | undefined> {
  const [first] = tracks;
  if (first === undefined) return undefined;
  const start = from ?? first[0];
  const legs: Flown[] = [];
  let here = start;
  const go = (to: Point, isTrack: boolean) => {
    if (distance(here, to) > 0) legs.push({ to, isTrack });
    here = to;
  };
  for (const [begin, end] of tracks) {
    const between = yield* ways.between(here, begin);
    if (between === undefined) return undefined;
    for (const point of [...between, begin]) go(point, false);
    go(end, true);
    yield;
  }
  return { start, legs };
}
