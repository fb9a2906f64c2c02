/**
 * A few keep-outs and the points just outside their corners: every shortest way bends only there.
 * Searched by A*; whether two points see each other is looked up when a way over them is the best
 * so far, and kept.
 */
import type { Pieces } from "../../../core/pieces.ts";
import type { Obstacle } from "./obstacle.ts";
import { distance, edgesOf, type Point, type Ring, signedArea } from "./plane.ts";
import { Queue } from "./queue.ts";
import { SLACK_M } from "./tracks.ts";

/** Each corner is gone round in turns of at most so many radians. */
const TURN_MAX = Math.PI / 4;

export class Maze {
  readonly #obstacles: readonly Obstacle[];
  readonly #nodes: readonly Point[];
  readonly #seen = new Map<number, boolean>();

  /** `all` are the keep-outs that a node must be clear of. */
  constructor(obstacles: readonly Obstacle[], clearance: number, all: readonly Obstacle[]) {
    this.#obstacles = obstacles;
    this.#nodes = obstacles
      .flatMap(({ ring }) => roundPoints(ring, clearance + SLACK_M))
      .filter((node) => !all.some((each) => each.stops(node, node)));
  }

  /** The points between two; undefined when there is no way, or none shorter than `within`. */
  *between(from: Point, to: Point, within: number): Pieces<Point[] | undefined> {
    const count = this.#nodes.length;
    const [start, goal] = [count, count + 1];
    const at = (index: number) =>
      index === start ? from : index === goal ? to : (this.#nodes[index] as Point);
    const toGoal = Float64Array.from({ length: count + 2 }, (_, index) => distance(at(index), to));
    const before = new Int32Array(count + 2).fill(-1);
    const queue = new Queue();
    // What is queued is a way to a node by way of another, not yet known to be free.
    queue.push({ rank: toGoal[start] as number, length: 0, node: start, by: start });
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { node, by, length, rank } = next;
      if (rank >= within) return undefined;
      if (before[node] !== -1) continue;
      yield;
      if (node !== start && !this.#sees(by, node, at)) continue;
      before[node] = by;
      if (node === goal) return this.#wayTo(goal, start, before);
      for (let other = 0; other < count + 2; other += 1) {
        if (before[other] !== -1) continue;
        const reached = length + distance(at(node), at(other));
        const rank = reached + (toGoal[other] as number);
        if (rank >= within) continue;
        queue.push({
          rank,
          length: reached,
          node: other,
          by: node,
        });
      }
    }
    return undefined;
  }

  #wayTo(goal: number, start: number, before: Int32Array): Point[] {
    const way: Point[] = [];
    for (let index = before[goal] as number; index !== start; index = before[index] as number) {
      way.unshift(this.#nodes[index] as Point);
    }
    return way;
  }

  #sees(one: number, other: number, at: (index: number) => Point): boolean {
    const count = this.#nodes.length;
    const [from, to] = [at(one), at(other)];
    if (one >= count || other >= count) {
      return !this.#obstacles.some((each) => each.stopsLeaving(from, to));
    }
    const key = Math.min(one, other) * count + Math.max(one, other);
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const isFree = !this.#obstacles.some((each) => each.stops(from, to));
    this.#seen.set(key, isFree);
    return isFree;
  }
}

/**
 * Points round the outward corners, so far out that the way from one to the next stays `clearance`
 * away: the corners of a polygon drawn round the arc. Inward corners are never on a shortest way.
 */
function roundPoints(ring: Ring, clearance: number): Point[] {
  const corners = signedArea(ring) > 0 ? ring : [...ring].reverse();
  const edges = edgesOf(corners);
  return corners.flatMap(([x, y], index): Point[] => {
    const [[px, py]] = edges.at(index - 1) ?? [[x, y]];
    const [, [nx, ny]] = edges[index] ?? [[], [x, y]];
    const before = Math.atan2(y - py, x - px);
    const turned = normal(Math.atan2(ny - y, nx - x) - before);
    if (turned <= 0) return [];
    const steps = Math.max(1, Math.ceil(turned / TURN_MAX));
    const radius = clearance / Math.cos(turned / steps / 2);
    // To the right of the edge is outside; the arc turns as the ring does.
    const first = before - Math.PI / 2;
    return Array.from({ length: steps }, (_, step): Point => {
      const angle = first + ((step + 0.5) / steps) * turned;
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    });
  });
}

/** The same angle, above -pi and up to pi. */
function normal(angle: number): number {
  if (angle > Math.PI) return angle - 2 * Math.PI;
  return angle <= -Math.PI ? angle + 2 * Math.PI : angle;
}
