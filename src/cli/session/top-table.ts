/** The table of `agent session top`: what fits of it, widest first. */
import type { SessionUseAnswer } from "../../client/answers.ts";
import { shortDuration } from "../../core/duration.ts";
import { ageS, idleS, totalsOf } from "../../wire/session-figures.ts";
import { type Paint, printable } from "../output.ts";

export type Order = "memory" | "cpu" | "age" | "idle" | "owner" | "label";

/** One look at the gateway. */
export interface Look {
  readonly sessions: readonly SessionUseAnswer[];
  /** Percent of one processor, by session; empty at the first look. */
  readonly shares: ReadonlyMap<string, number>;
}

export interface Frame {
  readonly columns: number;
  /** Lines that there is room for; absent: all are told. */
  readonly rows?: number;
  readonly order: Order;
  readonly paint: Paint;
}

interface Column {
  readonly head: string;
  readonly cell: (session: SessionUseAnswer, shares: Look["shares"]) => string;
  readonly isNumber: boolean;
  /** Where there is little room the highest goes first; 0 stays. */
  readonly dispensable: number;
}

const column = (head: string, dispensable: number, cell: Column["cell"]): Column => ({
  ...{ head, cell, dispensable },
  isNumber: !["SESSION", "OWNER", "LABEL", "STATUS"].includes(head),
});
const COLUMNS: readonly Column[] = [
  column("LABEL", 0, ({ label }) => label ?? ""),
  column("OWNER", 2, ({ owner_username }) => owner_username ?? ""),
  column("STATUS", 1, ({ status }) => status),
  column("SESSION", 9, ({ session_id }) => session_id.slice(0, 8)),
  column("AGE", 7, (session) => seconds(ageS(session))),
  column("IDLE", 4, (session) => seconds(idleS(session))),
  column("EXPIRES", 6, ({ expires_in_s }) => seconds(expires_in_s)),
  column("MEMORY", 3, ({ memory_bytes }) => mebibytes(memory_bytes)),
  column("CPU%", 5, ({ session_id }, shares) => shares.get(session_id)?.toFixed(1) ?? "-"),
  column("TIME", 10, ({ cpu_s }) => (cpu_s === undefined ? "-" : `${cpu_s.toFixed(1)}s`)),
  column("REQS", 5.5, ({ in_flight }) => String(in_flight ?? "-")),
  column("PORT", 8, ({ url }) => /:(\d+)\/?$/.exec(String(url ?? ""))?.[1] ?? "-"),
];
/** What only admins are told. */
const FOR_ADMINS = ["MEMORY", "CPU%", "TIME", "REQS"];
/** Of a label so many characters at least. */
const LABEL_MIN = 8;
const GAP = "  ";

/** Totals, heads, and a line for each session; each as wide as there is room, at most. */
export function topLines(look: Look, { columns, rows, order, paint }: Frame): string[] {
  const { sessions, shares } = look;
  const isTold = sessions.some(({ in_flight }) => in_flight !== undefined);
  const told = COLUMNS.filter(({ head }) => isTold || !FOR_ADMINS.includes(head));
  const known = told.filter(({ head }) => head !== "CPU%" || shares.size > 0);
  const cells = sorted(look, order).map((session) =>
    known.map(({ cell }) => printable(cell(session, shares))),
  );
  const { shown, widths } = fitted(known, cells, columns);
  const laid = (row: readonly string[]) =>
    shown
      .map((at, place) => padded(row[at] ?? "", widths[place] ?? 0, known[at]?.isNumber === true))
      .join(GAP)
      .trimEnd();
  const heads = known.map(({ head }) => head);
  const room = rows === undefined ? cells.length : Math.max(1, rows - 2);
  const isCut = cells.length > room;
  const status = known.findIndex(({ head }) => head === "STATUS");
  const lines = cells.slice(0, isCut ? room - 1 : room).map((row) => {
    const line = laid(row);
    return row[status] === "running" ? line : paint.red(line);
  });
  const rest = isCut ? [paint.dim(`${cells.length - lines.length} more`)] : [];
  return [cut(totalsText(look, isTold), columns), paint.bold(laid(heads)), ...lines, ...rest];
}

function totalsText({ sessions, shares }: Look, isTold: boolean): string {
  const { count, dead, owners, memoryBytes, cpuPercent, inFlight } = totalsOf(sessions, shares);
  const cpu = shares.size === 0 ? [] : [`CPU ${cpuPercent.toFixed(1)}%`];
  return [
    `${count} ${count === 1 ? "session" : "sessions"}`,
    ...(dead === 0 ? [] : [`${dead} dead`]),
    ...(isTold ? [`memory ${mebibytes(memoryBytes)}`, ...cpu] : []),
    ...(isTold ? [`${inFlight} in flight`, `${owners} ${owners === 1 ? "owner" : "owners"}`] : []),
  ].join(", ");
}

/** Leaves columns out until the rest fits, then shortens labels. */
function fitted(
  known: readonly Column[],
  cells: readonly (readonly string[])[],
  room: number,
): { readonly shown: readonly number[]; readonly widths: readonly number[] } {
  const wide = known.map(({ head }, at) =>
    Math.max(...[head, ...cells.map((row) => row[at] ?? "")].map((text) => Bun.stringWidth(text))),
  );
  let shown = known.map((_, at) => at);
  const least = (at: number) => (at === 0 ? Math.min(LABEL_MIN, wide[0] ?? 0) : (wide[at] ?? 0));
  const needed = () =>
    shown.reduce((sum, at) => sum + least(at), 0) + GAP.length * (shown.length - 1);
  while (needed() > room && shown.length > 1) {
    const worst = shown.reduce((a, b) => (dispensable(known, b) > dispensable(known, a) ? b : a));
    shown = shown.filter((at) => at !== worst);
  }
  const spare = Math.max(0, room - needed());
  const widths = shown.map((at) => Math.min(wide[at] ?? 0, least(at) + (at === 0 ? spare : 0)));
  return { shown, widths: shown.length === 1 ? [Math.min(wide[0] ?? 0, room)] : widths };
}

function dispensable(columns: readonly Column[], at: number): number {
  return columns[at]?.dispensable ?? 0;
}

function sorted({ sessions, shares }: Look, order: Order): readonly SessionUseAnswer[] {
  const by: Record<Order, (session: SessionUseAnswer) => number | string> = {
    memory: ({ memory_bytes }) => -(memory_bytes ?? 0),
    cpu: ({ session_id, cpu_s }) =>
      -(shares.size === 0 ? (cpu_s ?? 0) : (shares.get(session_id) ?? 0)),
    age: (session) => -(ageS(session) ?? 0),
    idle: (session) => idleS(session),
    owner: ({ owner_username }) => owner_username ?? "",
    label: ({ label }) => label ?? "",
  };
  const value = by[order];
  // Equal ones stay as the gateway has them, the oldest first.
  return sessions.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (typeof left === "string") return left.localeCompare(String(right));
    return left - Number(right);
  });
}

function padded(text: string, width: number, isNumber: boolean): string {
  const fits = cut(text, width);
  const space = " ".repeat(Math.max(0, width - Bun.stringWidth(fits)));
  return isNumber ? space + fits : fits + space;
}

/** Wide characters count as the two places that they take. */
export function cut(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let kept = "";
  for (const { segment } of graphemes.segment(text)) {
    if (Bun.stringWidth(kept + segment) >= width) break;
    kept += segment;
  }
  return `${kept}…`;
}
const graphemes = new Intl.Segmenter();

function seconds(value: number | undefined): string {
  return value === undefined ? "-" : shortDuration(value);
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? "-" : `${(bytes / 2 ** 20).toFixed(1)}M`;
}
