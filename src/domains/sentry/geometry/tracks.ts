/**
 * Parallel tracks over a polygon: lines one swath apart, each long enough that it passes beside
 * every point of its strip, cut where a keep-out is near. What is left of a strip beside a keep-out
 * gets tracks of its own.
 */
import type { Pieces } from "../../../core/pieces.ts";
import { common, type Interval, without } from "./interval.ts";
import type { Point, Ring, Segment } from "./plane.ts";
import { extentOf, insideOf, nearTo } from "./strip.ts";

/** Lines that one survey may have. */
export const TRACKS_MAX = 5_000;
/** So often a strip is halved beside a keep-out: what is left open then is an eighth wide. */
const HALVINGS = 3;
/** Track lines keep this much more off than they must, in metres: positions are rounded later. */
export const SLACK_M = 1e-3;

/** Lines across a strip on which it is looked for something to survey. */
const LOOKS = 8;

/** What may stick out beyond the last swaths, of a swath: a rounded corner makes no line of its own. */
const OVERHANG = 1e-3;

export interface TrackSpec {
  /** Metres between lines: the width of the swath. */
  readonly width: number;
  /** Degrees from north, to the east. */
  readonly angle: number;
  readonly keepOuts: readonly Ring[];
  /** How far to stay away from them. */
  readonly clearance: number;
}

/** A part of a line that is flown straight. */
export interface Track {
  readonly ends: Segment;
  /** From where to where it goes along its line. */
  readonly along: Interval;
  /** False of what was put beside a keep-out, off the middle of its strip. */
  readonly isMiddle: boolean;
}
/** The tracks of one strip, as they come along it. */
export type Line = readonly Track[];

/** How many lines there would be. */
export function lineCount(
  ring: Ring,
  { angle, width }: Pick<TrackSpec, "angle" | "width">,
): number {
  const [low, high] = rangeOf(ring.map(turnedBy(angle)));
  return Math.max(1, Math.ceil((high - low) / width - OVERHANG));
}

/** In pieces, a line each. */
export function* tracksOver(ring: Ring, spec: TrackSpec): Pieces<Line[]> {
  const { angle, width, clearance } = spec;
  const turned = turnedBy(angle);
  const back = turnedBy(-angle);
  const zone = ring.map(turned);
  const keepOuts = spec.keepOuts.map((each) => each.map(turned));
  const [low, high] = rangeOf(zone);
  const count = lineCount(ring, spec);
  const first = (low + high - (count - 1) * width) / 2;
  const lines: Line[] = [];
  for (let index = 0; index < count; index += 1) {
    const middle = first + index * width;
    const near = keepOuts.filter((each) => isNear(each, middle, width / 2 + clearance));
    const cut = { zone, keepOuts: near, clearance: clearance + SLACK_M };
    const pieces = piecesIn(cut, [middle - width / 2, middle + width / 2], EVERYWHERE, HALVINGS);
    const line = pieces
      .sort((a, b) => a.along[0] - b.along[0])
      .map(({ across, along }): Track => {
        const ends = [back([across, along[0]]), back([across, along[1]])] as const;
        return { ends, along, isMiddle: across === middle };
      });
    lines.push(line);
    yield;
  }
  return lines;
}

const EVERYWHERE: Interval = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

interface Cut {
  readonly zone: Ring;
  readonly keepOuts: readonly Ring[];
  readonly clearance: number;
}
interface Piece {
  readonly across: number;
  readonly along: Interval;
}

/** The track of a strip; where a keep-out stops it, those of its halves. */
function piecesIn(cut: Cut, strip: Interval, within: Interval, halvings: number): Piece[] {
  const across = (strip[0] + strip[1]) / 2;
  const extent = extentOf(cut.zone, strip[0], strip[1]);
  const wanted = within === EVERYWHERE ? extent : common(extent, within);
  const blocked = cut.keepOuts.flatMap((ring) => nearTo(ring, across, cut.clearance));
  const free = without(wanted, blocked);
  // A track beside a keep-out that is shorter than the narrowest strip covers next to nothing.
  const least = halvings === HALVINGS ? 0 : (strip[1] - strip[0]) * 2 ** -halvings;
  const pieces = free
    .filter(([from, to]) => to - from >= least)
    .filter((along) => blocked.length === 0 || isWorthIt(cut, strip, along))
    .map((along): Piece => ({ across, along }));
  if (blocked.length === 0 || halvings === 0) return pieces;
  const left = without(wanted, free);
  for (const stretch of left) {
    pieces.push(...piecesIn(cut, [strip[0], across], stretch, halvings - 1));
    pieces.push(...piecesIn(cut, [across, strip[1]], stretch, halvings - 1));
  }
  return pieces;
}

/** False beside a keep-out when the track would pass nothing but what is kept out of, and no zone. */
function isWorthIt(
  { zone, keepOuts, clearance }: Cut,
  [low, high]: Interval,
  along: Interval,
): boolean {
  for (let look = 0.5; look < LOOKS; look += 1) {
    const across = low + (look / LOOKS) * (high - low);
    const within = common(insideOf(zone, across), along);
    const kept = keepOuts.flatMap((ring) => nearTo(ring, across, clearance));
    if (without(within, kept).length > 0) return true;
  }
  return false;
}

function isNear(ring: Ring, across: number, reach: number): boolean {
  const [low, high] = rangeOf(ring);
  return low <= across + reach + SLACK_M && high >= across - reach - SLACK_M;
}

function rangeOf(ring: Ring): Interval {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [x] of ring) [low, high] = [Math.min(low, x), Math.max(high, x)];
  return [low, high];
}

/** Turns the plane so that a line at this angle from north runs along y. */
function turnedBy(degrees: number): (point: Point) => Point {
  const radians = (degrees * Math.PI) / 180;
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
  return ([x, y]) => [x * cos - y * sin, x * sin + y * cos];
}
