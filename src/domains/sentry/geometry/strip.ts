/**
 * A polygon and the strip that one track covers. Here the tracks run along y (`along`) and lie side
 * by side in x (`across`).
 */
import { type Interval, merged } from "./interval.ts";
import { edgesOf, type Point, type Ring, type Segment } from "./plane.ts";

/** Where the line x = `across` is inside the polygon. */
export function insideOf(ring: Ring, across: number): Interval[] {
  const crossings: number[] = [];
  for (const [[ax, ay], [bx, by]] of edgesOf(ring)) {
    // Half open: a corner on the line counts for one of its edges only.
    if (ax > across === bx > across) continue;
    crossings.push(ay + ((across - ax) / (bx - ax)) * (by - ay));
  }
  crossings.sort((a, b) => a - b);
  return crossings.flatMap((from, index): Interval[] =>
    index % 2 === 0 ? [[from, crossings[index + 1] ?? from]] : [],
  );
}

/**
 * How far along the polygon has something between two lines: a track over these stretches passes
 * beside every point of it. From any point inside, the way across ends at an edge of the polygon or
 * at one of the lines, so these alone are looked at.
 */
export function extentOf(ring: Ring, low: number, high: number): Interval[] {
  const edges = edgesOf(ring).flatMap((edge): Interval[] => {
    const clipped = clip(edge, low, high);
    return clipped === undefined ? [] : [clipped];
  });
  return merged([...insideOf(ring, low), ...insideOf(ring, high), ...edges]);
}

/** The part of an edge between two lines, as far as it goes along. */
function clip([[ax, ay], [bx, by]]: Segment, low: number, high: number): Interval | undefined {
  if (Math.max(ax, bx) < low || Math.min(ax, bx) > high) return undefined;
  const at = (across: number) =>
    ax === bx ? undefined : ay + ((across - ax) / (bx - ax)) * (by - ay);
  const ends = [
    ax >= low && ax <= high ? ay : undefined,
    bx >= low && bx <= high ? by : undefined,
    Math.min(ax, bx) < low ? at(low) : undefined,
    Math.max(ax, bx) > high ? at(high) : undefined,
  ].filter((end) => end !== undefined);
  return [Math.min(...ends), Math.max(...ends)];
}

/** Where the line x = `across` is nearer to the polygon than `clearance`. */
export function nearTo(ring: Ring, across: number, clearance: number): Interval[] {
  const beside = edgesOf(ring).flatMap((edge): Interval[] => {
    const near = nearToSegment(edge, across, clearance);
    return near === undefined ? [] : [near];
  });
  return merged([...insideOf(ring, across), ...beside]);
}

/** A capsule is convex: a line has one stretch in it, from the circles' and the sides' outermost. */
function nearToSegment([a, b]: Segment, across: number, clearance: number): Interval | undefined {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = Math.hypot(dx, dy);
  const found = [...inCircle(a, across, clearance), ...inCircle(b, across, clearance)];
  if (length > 0) {
    const [nx, ny] = [(-dy / length) * clearance, (dx / length) * clearance];
    for (const sign of [1, -1]) {
      const side: Segment = [
        [a[0] + sign * nx, a[1] + sign * ny],
        [b[0] + sign * nx, b[1] + sign * ny],
      ];
      if (Math.min(side[0][0], side[1][0]) > across) continue;
      if (Math.max(side[0][0], side[1][0]) < across) continue;
      found.push(...(clip(side, across, across) ?? []));
    }
  }
  return found.length === 0 ? undefined : [Math.min(...found), Math.max(...found)];
}

function inCircle([x, y]: Point, across: number, radius: number): number[] {
  const squared = radius * radius - (across - x) * (across - x);
  return squared < 0 ? [] : [y - Math.sqrt(squared), y + Math.sqrt(squared)];
}
