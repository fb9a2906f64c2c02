/** In which order parallel tracks are flown: the patterns of Fields2Cover. */

export const PATTERNS = ["Boustrophedon", "Snake", "Spiral"] as const;
export type Pattern = (typeof PATTERNS)[number];

/** Tracks in one batch of a spiral. */
export const SPIRAL_BATCH = 6;

/** The numbers of `count` tracks as they are flown. */
export function orderOf(pattern: Pattern, count: number): number[] {
  const all = Array.from({ length: count }, (_, index) => index);
  if (pattern === "Boustrophedon") return all;
  if (pattern === "Snake") {
    // Every other line out, the rest on the way back: wider turns than from line to line.
    return [...all.filter((n) => n % 2 === 0), ...all.filter((n) => n % 2 === 1).reverse()];
  }
  const batches = Array.from({ length: Math.ceil(count / SPIRAL_BATCH) }, (_, batch) =>
    all.slice(batch * SPIRAL_BATCH, (batch + 1) * SPIRAL_BATCH),
  );
  return batches.flatMap(inwards);
}

/** The first, the last, the second, the last but one, and so on. */
function inwards(batch: readonly number[]): number[] {
  return batch.map((_, index) => batch.at(index % 2 === 0 ? index / 2 : -(index + 1) / 2) ?? 0);
}
