// Goal: nothing is let go too early, whatever the clock says; what is let go is never run again.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { emptyResult, failedResult } from "../../src/core/assignment.ts";
import {
  asksTheSame,
  compacted,
  type Entry,
  type Fact,
  fold,
  keyOf,
} from "../../src/core/entry.ts";
import { fateOf, IDS_MAX, KEPT_MS, SANE_CLOCK_MS } from "../../src/core/retention.ts";
import { action, belief, id } from "../support/fake-ports.ts";

const times = fc.oneof(fc.nat(100_000), fc.integer({ min: SANE_CLOCK_MS, max: 2 ** 42 }));
const closed = fc.record({ isCompacted: fc.boolean(), atMs: times, newer: fc.nat(2 * IDS_MAX) });
const keeps = fc.nat(20_000);

test("fateOf(): what is among the newest goes only when two sane clocks say it is old", () => {
  fc.assert(
    fc.property(closed, keeps, times, (each, keep, nowMs) => {
      fc.pre(each.newer < (each.isCompacted ? IDS_MAX : keep));
      const isOld = each.atMs >= SANE_CLOCK_MS && nowMs >= SANE_CLOCK_MS + KEPT_MS;
      if (fateOf(each, keep, nowMs) === "keep") return;
      expect(isOld && nowMs - each.atMs > KEPT_MS).toBe(true);
    }),
  );
});

test("fateOf(): a clock that was never set, then or now, changes nothing", () => {
  fc.assert(
    fc.property(closed, keeps, fc.nat(100_000), times, (each, keep, insaneMs, otherMs) => {
      const byRank = fateOf({ ...each, atMs: otherMs }, keep, otherMs);
      expect(fateOf(each, keep, insaneMs)).toBe(byRank);
      expect(fateOf({ ...each, atMs: insaneMs }, keep, otherMs)).toBe(byRank);
    }),
  );
});

test("fateOf(): content goes first, then the audit id; both go when they are many or old", () => {
  const nowMs = SANE_CLOCK_MS + 3 * KEPT_MS;
  const fate = (isCompacted: boolean, newer: number, ageMs: number) =>
    fateOf({ isCompacted, newer, atMs: nowMs - ageMs }, 10, nowMs);
  expect([fate(false, 9, KEPT_MS), fate(false, 10, 0)]).toEqual(["keep", "compact"]);
  expect([fate(false, 0, KEPT_MS + 1), fate(true, 0, KEPT_MS + 1)]).toEqual(["compact", "forget"]);
  expect([fate(true, IDS_MAX - 1, 0), fate(true, IDS_MAX, 0)]).toEqual(["keep", "forget"]);
});

const key = keyOf(id("a"));
const story = (assignment: ReturnType<typeof action>, success: boolean): Fact[] => [
  { type: "accepted", atMs: 1, key, assignment, via: "servant-1" },
  { type: "started", atMs: 2, key },
  {
    type: "finished",
    atMs: 3,
    key,
    result: success ? emptyResult(id("a"), true, "x") : failedResult(id("a"), "handler.threw", "x"),
  },
  { type: "delivered", atMs: 4, key },
];

test("compacted(): keeps how it ended, its times, and what it was asked", () => {
  for (const success of [true, false]) {
    const asked = action("a", { start: "room_one" });
    const entry = story(asked, success).reduce<Entry | undefined>(fold, undefined);
    const kept = entry && compacted(entry, 4);
    const small = fold(undefined, kept as Fact) as Entry;
    expect(small).toMatchObject({ phase: "delivered", acceptedAtMs: 1, finishedAtMs: 3 });
    expect(small.result).toMatchObject({ success, message: expect.stringContaining("compacted") });
    expect(small.result?.code).toBe(success ? (undefined as never) : "handler.threw");
    expect(asksTheSame(small, asked)).toBe(true);
    expect(asksTheSame(small, action("a", { start: "room_two" }))).toBe(false);
    expect(asksTheSame(small, belief("a"))).toBe(false);
    expect(compacted(small, 4)).toEqual(kept as never); // again: nothing more is lost
  }
});

test("compacted(): only what is closed, and an observation is not told as one any more", () => {
  const facts = story(belief("a"), true);
  const entry = facts.reduce<Entry | undefined>(fold, undefined) as Entry;
  expect(fold(undefined, compacted(entry, 4) as Fact)?.result).toMatchObject({ unchecked: true });
  for (const length of [1, 2, 3]) {
    const open = facts.slice(0, length).reduce<Entry | undefined>(fold, undefined) as Entry;
    expect(compacted(open, 4)).toBeUndefined();
  }
});
