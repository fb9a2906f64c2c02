import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { notesOf, outcomeOf } from "../../../src/page/agent/outcome.ts";
import {
  mergeAssignments,
  scaleFor,
  spansOf,
  thinned,
  tookMs,
} from "../../../src/page/agent/timeline.ts";
import type { AssignmentSummary } from "../../../src/wire/local.ts";

const iso = (seconds: number) => new Date(seconds * 1_000).toISOString();

function assignment(
  auditId: string,
  acceptedS: number,
  rest: Partial<AssignmentSummary> = {},
): AssignmentSummary {
  const told = { kind: "action", what: "move(a)", phase: "accepted", starts: 0 } as const;
  return { auditId, ...told, acceptedAt: iso(acceptedS), ...rest };
}
const done = (auditId: string, from: number, to: number) =>
  assignment(auditId, from, {
    ...{ phase: "delivered", success: true, starts: 1 },
    ...{ startedAt: iso(from), finishedAt: iso(to) },
  });

describe("mergeAssignments()", () => {
  test("is newest first, and what is heard replaces what was known", () => {
    const known = [assignment("b", 2), assignment("a", 1)];
    const heard = [assignment("c", 3), assignment("a", 1, { phase: "started" })];
    const merged = mergeAssignments(known, heard);
    expect(merged.map(({ auditId, phase }) => `${auditId} ${phase}`)).toEqual([
      "c accepted",
      "b accepted",
      "a started",
    ]);
  });

  test("keeps the newest thousand", () => {
    const many = Array.from({ length: 1_500 }, (_, n) => assignment(`a${n}`, n));
    const merged = mergeAssignments(many.slice(0, 800), many.slice(700));
    expect(merged).toHaveLength(1_000);
    expect([merged[0]?.auditId, merged.at(-1)?.auditId]).toEqual(["a1499", "a500"]);
  });
});

test("thinned() leaves a strip that looks the same, of few marks", () => {
  const short = fc.record({ at: fc.integer({ min: 0, max: 99_000 }), ms: fc.nat(3_000) });
  fc.assert(
    fc.property(fc.array(short, { maxLength: 400 }), (given) => {
      const all = given.map(({ at, ms }, n) => done(`a${n}`, at / 1_000, (at + ms) / 1_000));
      const spans = spansOf(all, { fromMs: 0, toMs: 100_000, lanesMax: 4 });
      const kept = thinned(spans);
      for (const span of spans.filter((each) => !kept.includes(each))) {
        const near = (each: (typeof kept)[number]) =>
          each.lane === span.lane && Math.abs(each.endsAt - span.endsAt) <= 0.01;
        expect(kept.some(near)).toBe(true);
      }
      const long = spans.filter(({ acceptedAt, endsAt }) => endsAt - acceptedAt > 0.011);
      expect(long.every((each) => kept.includes(each))).toBe(true);
    }),
  );
  const many = Array.from({ length: 1_000 }, (_, n) => done(`a${n}`, 30 + n / 1_000, 30));
  const spans = spansOf(many, { fromMs: 0, toMs: 100_000, lanesMax: 4 });
  expect(thinned(spans).length).toBeLessThan(20);
});

describe("spansOf()", () => {
  const strip = { fromMs: 0, toMs: 100_000, lanesMax: 50 };

  test("tells waiting from running, and lets what is open reach the present", () => {
    const waits = assignment("w", 50);
    const runs = assignment("r", 20, { phase: "started", startedAt: iso(40), starts: 1 });
    const [first, second] = spansOf([waits, runs], strip);
    expect(first).toMatchObject({ auditId: "r", acceptedAt: 0.2, startedAt: 0.4, endsAt: 1 });
    expect(first).toMatchObject({ isOpen: true, outcome: { word: "runs" } });
    expect(second).toMatchObject({ auditId: "w", acceptedAt: 0.5, endsAt: 1, lane: 1 });
    expect(second).not.toHaveProperty("startedAt");
  });

  test("cuts what reaches out and leaves out what is outside", () => {
    const spans = spansOf([done("in", -50, 30), done("out", -50, -10)], strip);
    expect(spans.map(({ auditId, acceptedAt, endsAt }) => [auditId, acceptedAt, endsAt])).toEqual([
      ["in", 0, 0.3],
    ]);
  });

  test("lays no two upon each other while there are lanes, and never leaves the last one", () => {
    const times = fc.array(fc.tuple(fc.nat(99), fc.integer({ min: 1, max: 30 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(times, fc.constantFrom(2, 50), (given, lanesMax) => {
        const all = given.map(([from, took], n) => done(`a${n}`, from, from + took));
        const spans = spansOf(mergeAssignments([], all), { ...strip, lanesMax });
        for (const [n, one] of spans.entries()) {
          expect(one.lane).toBeLessThan(lanesMax);
          if (lanesMax < 50) continue;
          const others = spans.slice(n + 1).filter(({ lane }) => lane === one.lane);
          for (const other of others) expect(other.acceptedAt).toBeGreaterThanOrEqual(one.endsAt);
        }
      }),
    );
  });
});

test("scaleFor() shows the latest sixteen in the least reach that does", () => {
  const each = (everyS: number) =>
    mergeAssignments(
      [],
      Array.from({ length: 40 }, (_, n) => done(`a${n}`, -n * everyS, 1 - n * everyS)),
    );
  const minutes = (everyS: number) => scaleFor(each(everyS), 0).reachMs / 60_000;
  expect([1, 15, 50, 200, 1_000, 9_999].map(minutes)).toEqual([0.5, 5, 15, 60, 360, 360]);
  expect(scaleFor([], 0).reachMs).toBe(30_000);
});

test("tookMs() runs on while it is open, and stands before the start", () => {
  expect(tookMs({}, 9_000)).toBeUndefined();
  expect(tookMs({ startedAt: iso(2) }, 9_000)).toBe(7_000);
  expect(tookMs({ startedAt: iso(2), finishedAt: iso(5) }, 9_000)).toBe(3_000);
  expect(tookMs({ startedAt: iso(2) }, 1_000)).toBe(0);
});

test("outcomeOf() has a word and a shape of its own for each outcome", () => {
  const cases = {
    waits: { phase: "accepted" },
    runs: { phase: "started" },
    cancelling: { phase: "started", cancelled: "in the way" },
    done: { phase: "delivered", success: true, cancelled: "too late" },
    cancelled: { phase: "finished", success: false, cancelled: "in the way" },
    failed: { phase: "refused", success: false },
  } as const;
  for (const [word, told] of Object.entries(cases)) expect(outcomeOf(told).word).toBe(word);
  const shapes = ["waits", "runs", "done", "cancelled", "failed"] as const;
  expect(new Set(shapes.map((word) => outcomeOf(cases[word]).shape)).size).toBe(shapes.length);
});

test("notesOf() names what the outcome alone hides", () => {
  expect(notesOf({ phase: "delivered", starts: 1 })).toEqual([]);
  const told = {
    phase: "refused",
    starts: 2,
    interruption: "rerun",
    code: "handler.timeout",
  } as const;
  expect(notesOf(told)).toEqual([
    "result refused",
    "cut off, rerun",
    "2 starts",
    "handler.timeout",
  ]);
});
