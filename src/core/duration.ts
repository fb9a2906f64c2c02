/** Durations as people write and read them: `2d`, `1h30m`, `45s`; a plain number is seconds. */

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** Whole seconds of `4d`, `1d12h`, `1h 30m`, `45s` or `600`; undefined of anything else. */
export function durationSeconds(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (/^\d{1,12}$/.test(trimmed)) return Number(trimmed);
  if (
    trimmed === "" ||
    !/^(?:\d{1,9}d)?\s*(?:\d{1,9}h)?\s*(?:\d{1,9}m)?\s*(?:\d{1,9}s)?$/.test(trimmed)
  ) {
    return undefined;
  }
  let seconds = 0;
  for (const [unit, size] of UNITS) {
    seconds += Number(new RegExp(`(\\d+)${unit}`).exec(trimmed)?.[1] ?? 0) * size;
  }
  return seconds;
}

/** Its two largest units: `2d`, `1d23h`, `59m59s`, `0s`. What `durationSeconds` reads. */
export function shortDuration(seconds: number): string {
  let left = Math.max(0, Math.floor(seconds));
  const parts = UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(left / size);
    left %= size;
    return [{ unit, count }];
  });
  const first = parts.findIndex(({ count }) => count > 0);
  if (first === -1) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(({ count }) => count > 0)
    .map(({ unit, count }) => `${count}${unit}`)
    .join("");
}
