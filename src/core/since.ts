/** Points in the past, as programs and people give them. */

const UNIT_MS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

/** Epoch milliseconds of ISO 8601 (UTC unless it says otherwise) or an age such as `10m`, `1h30m`. */
export function sinceMs(text: string, nowMs: number): number | undefined {
  const trimmed = text.trim();
  if (/^(?:\d+(?:\.\d+)?[smhd])+$/.test(trimmed)) {
    const parts = [...trimmed.matchAll(/([\d.]+)([smhd])/g)];
    return (
      nowMs - parts.reduce((sum, [, n, unit = ""]) => sum + Number(n) * (UNIT_MS[unit] ?? 0), 0)
    );
  }
  const iso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.exec(
    trimmed,
  );
  if (iso === null) return undefined;
  const isLocal = trimmed.includes("T") && iso[1] === undefined;
  const atMs = Date.parse(isLocal ? `${trimmed}Z` : trimmed);
  return Number.isNaN(atMs) ? undefined : atMs;
}
