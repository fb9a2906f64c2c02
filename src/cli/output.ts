/** What commands print on stdout: JSON for programs, tables and marks for people. */
import { printable } from "../core/printable.ts";

export { printable };

/** The part of a terminal that is used. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Output {
  write(text: string): void;
  /** Prints a line. */
  line(text: string): void;
  /** Prints a JSON document as the Python client does. */
  json(value: unknown): void;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly paint: Paint;
}

export type Paint = Readonly<Record<"bold" | "dim" | "green" | "red" | "yellow", Style>>;
type Style = (text: string) => string;

/** The output of a stream; colours only on a terminal and never with NO_COLOR. */
export function openOutput(
  stream: Stream,
  env: Readonly<Record<string, string | undefined>>,
): Output {
  const isTerminal = stream.isTTY === true;
  const line = (text: string) => void stream.write(`${text}\n`);
  return {
    write: (text) => void stream.write(text),
    line,
    json: (value) => line(JSON.stringify(value, null, 2)),
    isTerminal,
    columns: stream.columns || 80, // a terminal that does not know its width says 0
    paint: paintWith(isTerminal && !env.NO_COLOR && env.TERM !== "dumb"),
  };
}

function paintWith(colours: boolean): Paint {
  const style = (code: number): Style =>
    colours ? (text) => `\u001b[${code}m${text}\u001b[0m` : (text) => text;
  return { bold: style(1), dim: style(2), green: style(32), red: style(31), yellow: style(33) };
}

/** Tells a person what does not stop the command. */
export function warn(line: string): void {
  process.stderr.write(`agent: ${line}\n`);
}

/** Rows under headings, each column as wide as its widest cell. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string {
  const cells = rows.map((row) => headings.map((_, column) => printable(row[column] ?? "")));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const laid = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [paint.bold(laid(headings)), ...cells.map(laid)].join("\n");
}

/** A duration as people say it: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function durationText(measuredMs: number): string {
  const ms = Math.max(0, measuredMs); // between two times of a clock that was set back
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The day of a time where we are: `2026-11-20`. */
export function dayText(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 10);
}
