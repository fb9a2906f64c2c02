/**
 * A keep-out as it is asked about thousands of times: whether a straight way comes near it. Most of
 * its edges are told apart by their side of the way alone.
 */
import {
  type Box,
  boxOf,
  distanceToRing,
  isApart,
  isInside,
  type Point,
  type Ring,
  segmentDistance,
} from "./plane.ts";

export class Obstacle {
  readonly ring: Ring;
  readonly #box: Box;
  readonly #xs: Float64Array;
  readonly #ys: Float64Array;
  readonly #clearance: number;

  constructor(ring: Ring, clearance: number) {
    this.ring = ring;
    this.#clearance = clearance;
    this.#box = boxOf(ring, clearance);
    this.#xs = Float64Array.from(ring, ([x]) => x);
    this.#ys = Float64Array.from(ring, ([, y]) => y);
  }

  /** True when the way enters it or comes nearer than the clearance. */
  stops(from: Point, to: Point): boolean {
    if (isApart(this.#box, [from, to])) return false;
    return this.#comesNear(from, to) || isInside(this.ring, from);
  }

  /** As `stops`, but an end that is too near already only has to stay outside. */
  stopsLeaving(from: Point, to: Point): boolean {
    if (!this.stops(from, to)) return false;
    // Told by the box of most ways: exact distances to all of the ring take a hundred times as long.
    if (!this.stops(from, from) && !this.stops(to, to)) return true;
    const { ring } = this;
    const ends = Math.min(distanceToRing([from, from], ring), distanceToRing([to, to], ring));
    const isTooNear = ends > 0 && ends < this.#clearance;
    return !(isTooNear && distanceToRing([from, to], ring) >= ends / 2);
  }

  #comesNear(from: Point, to: Point): boolean {
    const [ax, ay] = from;
    const [dx, dy] = [to[0] - ax, to[1] - ay];
    const length = Math.hypot(dx, dy);
    const [ux, uy] = length === 0 ? [1, 0] : [dx / length, dy / length];
    const [xs, ys, margin] = [this.#xs, this.#ys, this.#clearance];
    const last = xs.length - 1;
    let [beforeX, beforeY] = [xs[last] as number, ys[last] as number];
    let beside = ux * (beforeY - ay) - uy * (beforeX - ax);
    let along = ux * (beforeX - ax) + uy * (beforeY - ay);
    for (let index = 0; index <= last; index += 1) {
      const x = xs[index] as number;
      const y = ys[index] as number;
      const nextBeside = ux * (y - ay) - uy * (x - ax);
      const nextAlong = ux * (x - ax) + uy * (y - ay);
      const isFar =
        (beside > margin && nextBeside > margin) ||
        (beside < -margin && nextBeside < -margin) ||
        (along < -margin && nextAlong < -margin) ||
        (along > length + margin && nextAlong > length + margin);
      if (!isFar) {
        const edge = [
          [beforeX, beforeY],
          [x, y],
        ] as const;
        if (segmentDistance([from, to], edge) < margin) return true;
      }
      [beforeX, beforeY, beside, along] = [x, y, nextBeside, nextAlong];
    }
    return false;
  }
}
