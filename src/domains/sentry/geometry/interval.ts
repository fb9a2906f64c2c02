/** Stretches of a line, from less to more. */

export type Interval = readonly [from: number, to: number];

/** The stretches in order, those that overlap or touch as one. */
export function merged(intervals: readonly Interval[]): Interval[] {
  const whole: [number, number][] = [];
  for (const [from, to] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const last = whole.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else whole.push([from, to]);
  }
  return whole;
}

/** What the first ones cover and the others do not; what is left without length is left out. */
export function without(intervals: readonly Interval[], others: readonly Interval[]): Interval[] {
  const holes = merged(others);
  return merged(intervals).flatMap(([from, to]) => {
    const left: Interval[] = [];
    let at = from;
    for (const [holeFrom, holeTo] of holes) {
      if (holeTo <= at || holeFrom >= to) continue;
      if (holeFrom > at) left.push([at, holeFrom]);
      at = Math.max(at, holeTo);
    }
    // A stretch that is a point from the start stays, unless a hole has it.
    const isWhole = at === from && !holes.some(([a, b]) => a <= from && from <= b);
    if (at < to || (from === to && isWhole)) left.push([at, to]);
    return left;
  });
}

/** What both cover. */
export function common(intervals: readonly Interval[], [from, to]: Interval): Interval[] {
  return intervals.flatMap(([a, b]): Interval[] =>
    Math.max(a, from) < Math.min(b, to) ? [[Math.max(a, from), Math.min(b, to)]] : [],
  );
}
