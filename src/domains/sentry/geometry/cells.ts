/**
 * The parts of a survey that can be flown line after line: a part ends where its line comes apart or
 * meets another, at a keep-out or where the zone is not convex. A zone without either is one part.
 */
import type { Line, Track } from "./tracks.ts";

/** Tracks side by side, in order across. */
export type Cell = readonly Track[];

export function cellsOf(lines: readonly Line[]): Cell[] {
  const cells: Track[][] = [];
  const cellOf = new Map<Track, Track[]>();
  for (const [index, line] of lines.entries()) {
    const before = index === 0 ? [] : (lines[index - 1] ?? []);
    for (const track of line) {
      const [only, ...more] = beside(track, before);
      const isOnly = only !== undefined && more.length === 0 && beside(only, line).length === 1;
      const cell = isOnly ? cellOf.get(only) : undefined;
      if (cell === undefined) {
        const opened = [track];
        cells.push(opened);
        cellOf.set(track, opened);
      } else {
        cell.push(track);
        cellOf.set(track, cell);
      }
    }
  }
  return cells;
}

/** The tracks of another line that run beside this one; what lies beside a keep-out is by itself. */
function beside({ along: [from, to], isMiddle }: Track, line: Line): Track[] {
  if (!isMiddle) return [];
  return line.filter((other) => other.isMiddle && other.along[0] <= to && from <= other.along[1]);
}
