/**
 * The whole way of a survey: part after part, each time the one to which the way round keep-outs is
 * shortest, the tracks of each in the order of the pattern, and the ways between them.
 */
import type { Pieces } from "../../../core/pieces.ts";
import { type Cell, cellsOf } from "./cells.ts";
import { orderOf, type Pattern } from "./order.ts";
import { distance, lengthOf, type Point, type Segment } from "./plane.ts";
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
    const next = yield* nearest(open, here, ways);
    if (next === undefined) return undefined;
    open.delete(next.cell);
    const flown = tracksOf(next, pattern);
    tracks.push(...flown);
    here = flown.at(-1)?.[1];
    yield;
  }
  return yield* joined(tracks, ways, from);
}

/** Beginnings looked at before one is chosen, times the corners that ways to them may bend at. */
const LOOKS_MAX = 20_000;
/** Of many corners so many are looked at all the same. */
const LOOKS_LEAST = 8;

/** A part, from its first track to its last or back, the first flown along its line or against. */
interface Entry {
  readonly cell: Cell;
  readonly isReversed: boolean;
  readonly isAgainst: boolean;
  /** Where its first track begins. */
  readonly at: Point;
}

/** The part to which the way is shortest, of those that begin near; undefined when there is none. */
function* nearest(
  cells: Iterable<Cell>,
  here: Point | undefined,
  ways: Ways,
): Pieces<Entry | undefined> {
  const entries = [...cells].flatMap(entriesOf);
  if (here === undefined) return entries[0];
  const straight = new Map(entries.map((entry) => [entry, distance(here, entry.at)]));
  const awayOf = (entry: Entry) => straight.get(entry) as number;
  const closest = entries.reduce((a, b) => (awayOf(b) < awayOf(a) ? b : a));
  if (ways.isFree(here, closest.at)) return closest;
  entries.sort((a, b) => awayOf(a) - awayOf(b));
  const near = entries.slice(0, Math.max(LOOKS_LEAST, LOOKS_MAX / ways.corners));
  // No way is shorter than a straight one: what lies beyond the first that is free is not asked about.
  const free = near.findIndex(({ at }) => ways.isFree(here, at));
  let best = near[free];
  let least = best === undefined ? Number.POSITIVE_INFINITY : awayOf(best);
  for (const entry of free === -1 ? near : near.slice(0, free)) {
    if (awayOf(entry) >= least) break;
    const between = yield* ways.between(here, entry.at, least);
    if (between === undefined) continue;
    const length = lengthOf([here, ...between, entry.at]);
    if (length < least) [best, least] = [entry, length];
  }
  return best;
}

function entriesOf(cell: Cell): Entry[] {
  return [false, true].flatMap((isReversed) => {
    const { ends } = cell.at(isReversed ? -1 : 0) as Track;
    return [false, true].map((isAgainst): Entry => {
      return { cell, isReversed, isAgainst, at: ends[isAgainst ? 1 : 0] };
    });
  });
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
