/**
 * The lines of the log that this page has, and which of them pass its filter. The stream brings
 * every line and the filter is applied here: another filter shows at once what came before.
 */
import { canonicalFilter, type LogFilter, matches, type NumberedLine } from "../../core/log.ts";

/** How many lines are kept: the oldest leave. */
export const LINES_MAX = 100_000;
/** They leave by so many at once: moving the rest costs the same for one as for a thousand. */
const EVICTED_AT_ONCE = 5_000;

/** Lines that never came. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Absent when nobody knows. */
  readonly dropped?: number | undefined;
}

/** A gap stands where its lines would. It passes every filter: what is not there may matter. */
export type Row = NumberedLine | { readonly gap: Gap };

export function isGap(row: Row): row is { readonly gap: Gap } {
  return "gap" in row;
}

/** The number of a row's line, or of a gap's first one. */
export function numberOf(row: Row): number {
  return isGap(row) ? row.gap.from : row.seq;
}

export class LogBook {
  readonly #linesMax: number;
  #rows: Row[] = [];
  #shown: Row[] = [];
  #filter: LogFilter = {};
  #last = 0;
  #evicted = 0;
  #isFromStart = false;
  /** How many of the rows are gaps: those pass every filter. */
  #gaps = 0;
  /** What one assignment logged before the oldest line that is here. */
  #older: { readonly auditId: string; readonly lines: readonly NumberedLine[] } | undefined;

  constructor(linesMax = LINES_MAX) {
    this.#linesMax = linesMax;
  }

  /** All that pass the filter, oldest first. */
  get shown(): readonly Row[] {
    return this.#shown;
  }
  /** How many lines are here, shown or not. */
  get size(): number {
    return this.#rows.length - this.#gaps + (this.#older?.lines.length ?? 0);
  }
  /** How many lines are shown. */
  get found(): number {
    return this.#shown.length - this.#gaps;
  }
  /** When the oldest line that is here was logged, of all assignments. */
  get beginsAt(): string | undefined {
    return this.#rows.find((row): row is NumberedLine => !isGap(row))?.time;
  }
  /** The number of the last line, 0 before the first. */
  get last(): number {
    return this.#last;
  }
  /** The number of the oldest line that is here; undefined when there is none. */
  get first(): number | undefined {
    const [row] = this.#rows;
    return row && numberOf(row);
  }
  /** Whether there may be earlier lines, and room for them. */
  get hasEarlier(): boolean {
    const { first } = this;
    if (first === undefined || first <= 1 || this.#isFromStart) return false;
    return this.#rows.length < this.#linesMax;
  }
  /** How many shown rows have left at the top so far: what a view scrolls by to stand still. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Takes lines in their order; what is here already is left out, a jump in number is a gap. */
  add(lines: readonly NumberedLine[]): void {
    for (const line of lines) {
      if (line.seq <= this.#last) continue;
      // After a kill numbers are left out, lest one is given twice: a jump says not how many.
      if (this.#last > 0 && line.seq > this.#last + 1) {
        this.#push({ gap: { from: this.#last + 1, to: line.seq - 1 } });
      }
      this.#push(line);
      this.#last = line.seq;
    }
    this.#evict();
  }

  addGap(gap: Gap): void {
    if (gap.to <= this.#last || gap.dropped === 0) return;
    // What is gone before the first line that is here is no hole in it: it is where the log begins.
    if (this.#last === 0 && gap.dropped === undefined) this.#isFromStart = true;
    else this.#push({ gap });
    this.#last = gap.to;
    this.#evict();
  }

  /** Forgets everything: another log begins, or a longer stretch of this one comes. */
  clear(): void {
    this.#rows = [];
    this.#shown = [];
    this.#last = 0;
    this.#gaps = 0;
    this.#older = undefined;
    this.#isFromStart = false;
  }

  /** Takes what one assignment logged before the lines that are here; that of another leaves. */
  addOlder(auditId: string, rows: readonly Row[]): void {
    const before = this.#older?.auditId === auditId ? this.#older.lines : [];
    const first = this.first ?? Number.POSITIVE_INFINITY;
    const from = before.at(-1)?.seq ?? 0;
    const more = rows.filter(
      (row): row is NumberedLine =>
        !isGap(row) && row.auditId === auditId && row.seq > from && row.seq < first,
    );
    this.#older = { auditId, lines: [...before, ...more].slice(-this.#linesMax) };
    this.#refilter();
  }

  filterBy(filter: LogFilter): void {
    this.#filter = canonicalFilter(filter);
    if (this.#filter.auditId !== this.#older?.auditId) this.#older = undefined;
    this.#refilter();
  }

  #refilter(): void {
    const rows = [...(this.#older?.lines ?? []), ...this.#rows];
    this.#shown = rows.filter((row) => this.#passes(row));
  }

  #passes(row: Row): boolean {
    return isGap(row) || matches(this.#filter, row);
  }

  #push(row: Row): void {
    this.#rows.push(row);
    if (isGap(row)) this.#gaps += 1;
    if (this.#passes(row)) this.#shown.push(row);
  }

  #evict(): void {
    if (this.#rows.length < this.#linesMax + EVICTED_AT_ONCE) return;
    const leaving = this.#rows.slice(0, this.#rows.length - this.#linesMax);
    this.#rows = this.#rows.slice(leaving.length);
    this.#gaps -= leaving.filter(isGap).length;
    const before = this.#shown.length;
    if (this.#older !== undefined) this.addOlder(this.#older.auditId, leaving);
    else this.#shown = this.#shown.slice(indexOf(this.#shown, this.first ?? 0));
    this.#evicted += before - this.#shown.length;
  }
}

/** Where a line stands among these rows, or would: the index of the first one not before it. */
export function indexOf(rows: readonly Row[], seq: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row !== undefined && numberOf(row) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `1,234 lines are missing here (17 to 1250)` */
export function gapText({ from, to, dropped }: Gap): string {
  if (dropped === undefined)
    return `lines may be missing here: the agent was killed, or keeps them no longer (${from} to ${to})`;
  const amount = dropped === 1 ? "1 line is" : `${dropped.toLocaleString("en-US")} lines are`;
  return `${amount} missing here (${from} to ${to})`;
}
