/** Times as people give them to `--since`. */
import { InvalidArgumentError } from "commander";

const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/**
 * Epoch seconds of an epoch number, ISO-8601 (UTC unless it says otherwise), a clock time as the
 * log prints it (`14:03`, local, the last time it was that late) or an age (`30m ago`, `1h30m`).
 *
 * @throws {InvalidArgumentError} for anything else
 */
export function parseSince(text: string, now: Date): number {
  const trimmed = text.trim();
  const nowS = now.getTime() / 1_000;
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  const age = /^((?:\d+(?:\.\d+)?\s*[smhd]\s*)+)(?:ago)?$/.exec(trimmed)?.[1];
  if (age !== undefined) return nowS - ageS(age);
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(trimmed);
  if (clock !== null) {
    const [, hours, minutes, seconds = "0"] = clock;
    const then = new Date(now);
    then.setHours(Number(hours), Number(minutes), Number(seconds), 0);
    if (then > now) then.setDate(then.getDate() - 1);
    return then.getTime() / 1_000;
  }
  const iso = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.exec(
    trimmed,
  );
  const time = iso === null ? Number.NaN : isoMs(trimmed, iso[1] !== undefined);
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      "Give epoch seconds, ISO-8601 (2026-05-11T14:03Z), a clock time (14:03) or an age (30m ago).",
    );
  }
  return time / 1_000;
}

function ageS(text: string): number {
  const parts = text.matchAll(/(\d+(?:\.\d+)?)\s*([smhd])/g);
  return [...parts].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_S[unit ?? ""] ?? 0),
    0,
  );
}

function isoMs(text: string, hasZone: boolean): number {
  const joined = text.replace(" ", "T");
  return Date.parse(hasZone || !joined.includes("T") ? joined : `${joined}Z`);
}
