/**
 * The shortest way round keep-outs. The straight way is tried first, then a way round what stands in
 * it, then round what stands in that one too: most keep-outs are never asked about.
 */
import type { Pieces } from "../../../core/pieces.ts";
import { Maze } from "./maze.ts";
import { Obstacle } from "./obstacle.ts";
import type { Point, Ring } from "./plane.ts";

export class Ways {
  readonly #obstacles: readonly Obstacle[];
  readonly #clearance: number;
  /** Of all keep-outs together. */
  readonly corners: number;
  readonly #mazes = new Map<string, Maze>();

  constructor(keepOuts: readonly Ring[], clearance: number) {
    this.#obstacles = keepOuts.map((ring) => new Obstacle(ring, clearance));
    this.#clearance = clearance;
    this.corners = keepOuts.reduce((sum, ring) => sum + ring.length, 0);
  }

  /**
   * The points between `from` and `to` that lead round every keep-out: none when the straight way
   * does; undefined when there is no way, or none shorter than `within` metres. An end that is nearer to a keep-out than the clearance,
   * but outside, may be left and reached.
   */
  *between(from: Point, to: Point, within = Number.POSITIVE_INFINITY): Pieces<Point[] | undefined> {
    const met = new Set<number>();
    let way: Point[] = [];
    for (;;) {
      const points = [from, ...way, to];
      const known = met.size;
      for (const [index, obstacle] of this.#obstacles.entries()) {
        if (!met.has(index) && isMet(obstacle, points)) met.add(index);
      }
      if (met.size === known) return way;
      const round = yield* this.#maze([...met].sort((a, b) => a - b)).between(from, to, within);
      if (round === undefined) return undefined;
      way = round;
    }
  }

  /** True when the straight way meets none of them. */
  isFree(from: Point, to: Point): boolean {
    return !this.#obstacles.some((each) => each.stopsLeaving(from, to));
  }

  #maze(numbers: readonly number[]): Maze {
    const key = numbers.join(" ");
    const known = this.#mazes.get(key);
    if (known !== undefined) return known;
    const obstacles = numbers.map((number) => this.#obstacles[number] as Obstacle);
    const maze = new Maze(obstacles, this.#clearance, this.#obstacles);
    this.#mazes.set(key, maze);
    return maze;
  }
}

function isMet(obstacle: Obstacle, points: readonly Point[]): boolean {
  return points.slice(1).some((to, index) => obstacle.stopsLeaving(points[index] as Point, to));
}
