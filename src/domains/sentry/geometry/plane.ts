/** Points, segments and rings in a plane of metres: x runs east, y north. */

export type Point = readonly [x: number, y: number];
export type Segment = readonly [from: Point, to: Point];
/** The corners of a polygon in order, the first one not repeated. */
export type Ring = readonly Point[];

export function edgesOf(ring: Ring): Segment[] {
  return ring.map((from, index) => [from, ring[(index + 1) % ring.length] ?? from]);
}

/** Square metres; below zero when the corners run clockwise. */
export function signedArea(ring: Ring): number {
  const [ox = 0, oy = 0] = ring[0] ?? [];
  return edgesOf(ring).reduce(
    (sum, [[ax, ay], [bx, by]]) => sum + ((ax - ox) * (by - oy) - (bx - ox) * (ay - oy)) / 2,
    0,
  );
}

export function distance([ax, ay]: Point, [bx, by]: Point): number {
  return Math.hypot(bx - ax, by - ay);
}

/** The length of the way through these points. */
export function lengthOf(points: readonly Point[]): number {
  return points
    .slice(1)
    .reduce((sum, point, index) => sum + distance(points[index] ?? point, point), 0);
}

/** True of a point inside; of one on the edge it may be either. */
export function isInside(ring: Ring, [x, y]: Point): boolean {
  let inside = false;
  let [ax, ay] = ring.at(-1) ?? [0, 0];
  for (const [bx, by] of ring) {
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
    [ax, ay] = [bx, by];
  }
  return inside;
}

/** Twice the area of the triangle: above zero when c lies to the left of the way from a to b. */
export function turn([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): number {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

/** True when they have a point in common. */
export function doMeet([a, b]: Segment, [c, d]: Segment): boolean {
  const [atC, atD] = [turn(a, b, c), turn(a, b, d)];
  const [atA, atB] = [turn(c, d, a), turn(c, d, b)];
  if (atC > 0 !== atD > 0 && atA > 0 !== atB > 0 && atC * atD < 0 && atA * atB < 0) return true;
  return (
    (atC === 0 && isWithin([a, b], c)) ||
    (atD === 0 && isWithin([a, b], d)) ||
    (atA === 0 && isWithin([c, d], a)) ||
    (atB === 0 && isWithin([c, d], b))
  );
}

/** Of a point on the line through the segment: true when it is on the segment. */
function isWithin([[ax, ay], [bx, by]]: Segment, [x, y]: Point): boolean {
  return (
    Math.min(ax, bx) <= x && x <= Math.max(ax, bx) && Math.min(ay, by) <= y && y <= Math.max(ay, by)
  );
}

export function distanceToSegment([ax, ay]: Point, [[bx, by], [cx, cy]]: Segment): number {
  const [dx, dy] = [cx - bx, cy - by];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : ((ax - bx) * dx + (ay - by) * dy) / squared;
  const at = Math.min(1, Math.max(0, along));
  return Math.hypot(ax - bx - at * dx, ay - by - at * dy);
}

export function segmentDistance(one: Segment, other: Segment): number {
  if (doMeet(one, other)) return 0;
  return Math.min(
    distanceToSegment(one[0], other),
    distanceToSegment(one[1], other),
    distanceToSegment(other[0], one),
    distanceToSegment(other[1], one),
  );
}

export type Box = readonly [west: number, south: number, east: number, north: number];

/** The smallest box round the points, and a margin. */
export function boxOf(points: readonly Point[], margin = 0): Box {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    [west, east] = [Math.min(west, x), Math.max(east, x)];
    [south, north] = [Math.min(south, y), Math.max(north, y)];
  }
  return [west - margin, south - margin, east + margin, north + margin];
}

/** True when the segment lies to one side of the box. */
export function isApart([west, south, east, north]: Box, [[ax, ay], [bx, by]]: Segment): boolean {
  return (
    (ax < west && bx < west) ||
    (ax > east && bx > east) ||
    (ay < south && by < south) ||
    (ay > north && by > north)
  );
}

/** True when the segment touches or enters the polygon, or passes nearer than `margin`. */
export function comesNear(segment: Segment, ring: Ring, margin: number): boolean {
  if (isInside(ring, segment[0])) return true;
  const box = boxOf(segment, margin);
  return ring.some((from, index) => {
    const edge: Segment = [from, ring[index + 1] ?? (ring[0] as Point)];
    return !isApart(box, edge) && segmentDistance(segment, edge) < margin;
  });
}

/** How far the segment stays from the polygon; 0 when it touches or enters it. */
export function distanceToRing(segment: Segment, ring: Ring): number {
  if (isInside(ring, segment[0])) return 0;
  return edgesOf(ring).reduce(
    (least, edge) => (least === 0 ? 0 : Math.min(least, segmentDistance(segment, edge))),
    Number.POSITIVE_INFINITY,
  );
}

/** Two edges of the ring that meet where they should not; undefined when there are none. */
export function crossing(ring: Ring): readonly [number, number] | undefined {
  const edges = edgesOf(ring);
  for (const [first, one] of edges.entries()) {
    for (let second = first + 1; second < edges.length; second += 1) {
      const other = edges[second] as Segment;
      const isNext = second === first + 1;
      const isAround = first === 0 && second === edges.length - 1;
      if (isNext || isAround) {
        // Neighbours share a corner: they cross when the one runs back over the other.
        const [a, b, c] = isNext ? [one[0], one[1], other[1]] : [other[0], other[1], one[1]];
        if (turn(a, b, c) === 0 && runsBack(a, b, c)) return [first, second];
      } else if (doMeet(one, other)) return [first, second];
    }
  }
  return undefined;
}

function runsBack([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): boolean {
  return (bx - ax) * (cx - bx) + (by - ay) * (cy - by) < 0;
}
