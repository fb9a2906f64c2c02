/** Reads what stands on the command line; each refusal says what would do. */
import { InvalidArgumentError } from "commander";
import { durationSeconds, shortDuration } from "../core/duration.ts";

/** Gathers a repeatable option. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, nonEmpty(value)];
}

/** Reads a decimal number of at least `least`. */
export function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < least || value > 1e9) {
      throw new InvalidArgumentError(`Give a number of at least ${least}.`);
    }
    return value;
  };
}

/** Reads a whole number of at least `least`. */
export function wholeFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < least) {
      throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
    }
    return value;
  };
}

const UNITS = { "": 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 } as const;

/** Reads a size of at least `least` bytes: `500000`, `64KiB`, `500MiB`, `1GiB`. */
export function bytesFrom(least: number): (text: string) => number {
  return (text) => {
    const [, digits = "", unit = ""] = /^(\d{1,15})([KMG]iB)?$/i.exec(text) ?? [];
    const value = Number(digits) * (UNITS[unit.toLowerCase() as keyof typeof UNITS] ?? 1);
    if (digits === "" || value < least) {
      throw new InvalidArgumentError(`Give at least ${least} bytes, such as 500MiB or 1GiB.`);
    }
    return value;
  };
}

/** Reads a time in whole seconds, 1 to `most`: `45s`, `30m`, `1d12h`, `7d`, `3600`. */
export function durationUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = durationSeconds(text);
    if (value !== undefined && value >= 1 && value <= most) return value;
    const longest = shortDuration(most);
    throw new InvalidArgumentError(`Give 1s to ${longest}, such as 4d, 12h, 30m or 45s.`);
  };
}

/** Reads a range of ports: `8500-8599`. */
export function ports(text: string): { readonly from: number; readonly to: number } {
  const [, from = "", to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  if (from === "" || range.from < 1 || range.to > 65_535 || range.from > range.to) {
    throw new InvalidArgumentError("Give a range of ports, such as 8500-8599.");
  }
  return range;
}

/** Reads a port; 0 lets the system choose. */
export function port(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= 65_535)) throw new InvalidArgumentError("Give a port, 0 to 65535.");
  return value;
}

/** Reads the permissions of a file as `chmod` writes them: `0660`. */
export function fileMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new InvalidArgumentError("Give permissions as chmod does, such as 0660.");
}

/** Reads seconds, or `off`: commander takes an undefined value for an empty text. */
export function lease(text: string): number | "off" {
  return text === "off" ? text : atLeast(0.1)(text);
}

/** Reads a switch. */
export function onOff(text: string): boolean {
  if (text !== "on" && text !== "off") throw new InvalidArgumentError('Say "on" or "off".');
  return text === "on";
}

/** Text that says something: an unset variable in a unit file must not pass for a choice. */
export function nonEmpty(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It is empty.");
  return text;
}
