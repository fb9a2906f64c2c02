import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AuditId } from "../../../src/core/assignment.ts";
import { type Level, levels, sources } from "../../../src/core/events.ts";
import { canonicalFilter, matches, type NumberedLine } from "../../../src/core/log.ts";
import { gapText, indexOf, isGap, LogBook, numberOf } from "../../../src/page/agent/log-book.ts";

function line(seq: number, told: { level?: Level; message?: string } = {}): NumberedLine {
  const { level = "info", message = `line ${seq}` } = told;
  return { seq, time: "2026-05-11T15:00:00.000Z", level, source: "plugin", message, fields: {} };
}
const run = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => line(from + n));
const numbers = (book: LogBook) => book.shown.map(numberOf);

describe("LogBook", () => {
  test("takes a line once, however often a reconnect brings it", () => {
    const book = new LogBook();
    book.add(run(1, 5));
    book.add(run(3, 7));
    expect(numbers(book)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test("shows a gap where its lines would be, with their count, whatever the filter", () => {
    const book = new LogBook();
    book.filterBy({ level: "error" });
    book.add(run(1, 2));
    book.addGap({ from: 3, to: 12, dropped: 7 });
    book.add([line(13, { level: "error" })]);
    expect(book.shown.map((row) => (isGap(row) ? gapText(row.gap) : row.message))).toEqual([
      "7 lines are missing here (3 to 12)",
      "line 13",
    ]);
  });

  test("shows a jump in the numbers as a gap of unknown size", () => {
    const book = new LogBook();
    book.add([line(4), line(900)]);
    const told = book.shown.filter(isGap).map(({ gap }) => gapText(gap));
    expect(told).toEqual([
      "lines may be missing here: the agent was killed, or keeps them no longer (5 to 899)",
    ]);
    expect([book.found, book.size]).toEqual([2, 2]); // a gap is no line
  });

  test("leaves out a gap that dropped nothing, or that lies before what is here", () => {
    const book = new LogBook();
    book.add(run(1, 9));
    book.addGap({ from: 2, to: 5, dropped: 4 });
    book.addGap({ from: 10, to: 20, dropped: 0 });
    expect(book.shown.filter(isGap)).toEqual([]);
  });

  test("begins where the kept log begins, and then offers nothing earlier", () => {
    const book = new LogBook();
    book.add(run(50, 60));
    expect(book.hasEarlier).toBe(true);
    book.clear();
    book.addGap({ from: 1, to: 49 });
    book.add(run(50, 60));
    expect(book.shown.filter(isGap)).toEqual([]);
    expect(book.hasEarlier).toBe(false);
  });

  test("shows the older lines of an assignment while it is the one that is wanted", () => {
    const of = (auditId: string, seq: number) => ({ ...line(seq), auditId: auditId as AuditId });
    const book = new LogBook(1_000);
    book.add([line(100), of("a1", 101), of("a2", 102)]);
    book.filterBy({ auditId: "a1" as AuditId });
    book.addOlder("a1", [of("a1", 7), of("a1", 8), of("a1", 101)]);
    expect(numbers(book)).toEqual([7, 8, 101]);
    book.filterBy({ auditId: "a1" as AuditId, text: "line 8" });
    expect(numbers(book)).toEqual([8]);
    book.filterBy({ auditId: "a1" as AuditId });
    book.add(run(103, 9_000)); // line 101 is no longer among the latest
    expect([numbers(book), book.evicted]).toEqual([[7, 8, 101], 0]);
    book.filterBy({});
    expect(numbers(book)[0]).toBe(book.first);
  });

  test("keeps a bounded number of lines and says how many shown ones left", () => {
    const book = new LogBook(1_000);
    book.filterBy({ text: "7" });
    const seen = () => numbers(book).length + book.evicted;
    for (let from = 1; from <= 30_000; from += 100) book.add(run(from, from + 99));
    expect(book.size).toBeLessThan(1_000 + 5_000 + 100);
    expect(book.shown.every((row) => numberOf(row) > 30_000 - 6_100)).toBe(true);
    expect(seen()).toBe(run(1, 30_000).filter(({ message }) => message.includes("7")).length);
  });

  test("shows after any mix of lines and filters what the filter lets through of all it has", () => {
    const filter = fc.record(
      {
        level: fc.constantFrom(...levels),
        sources: fc.uniqueArray(fc.constantFrom(...sources)),
        text: fc.constantFrom("", "a", "B", "ab"),
      },
      { requiredKeys: [] },
    );
    const told = fc.record({
      level: fc.constantFrom(...levels),
      message: fc.constantFrom("a", "Ab", "c"),
    });
    const steps = fc.array(fc.oneof(fc.array(told), filter), { maxLength: 20 });
    fc.assert(
      fc.property(steps, (given) => {
        const book = new LogBook();
        const all: NumberedLine[] = [];
        let chosen = {};
        for (const step of given) {
          if (Array.isArray(step)) {
            const lines = step.map((each, n) => line(all.length + n + 1, each));
            book.add(lines);
            all.push(...lines);
          } else {
            chosen = step;
            book.filterBy(step);
          }
        }
        const wanted = all.filter((each) => matches(canonicalFilter(chosen), each));
        expect(numbers(book)).toEqual(wanted.map(({ seq }) => seq));
      }),
    );
  });
});

test("indexOf() finds a line, or where it would be", () => {
  const rows = [line(2), line(4), { gap: { from: 5, to: 8, dropped: 4 } }, line(9)];
  expect([1, 2, 3, 4, 5, 7, 9, 10].map((seq) => indexOf(rows, seq))).toEqual([
    0, 0, 1, 1, 2, 3, 3, 4,
  ]);
});
