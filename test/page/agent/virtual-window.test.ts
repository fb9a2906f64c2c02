import { expect, test } from "bun:test";
import fc from "fast-check";
import { isAtEnd, scrollToShow, visibleRows } from "../../../src/page/agent/virtual-window.ts";

const rowHeight = 20;
const viewport = fc
  .record({
    count: fc.nat(100_000),
    height: fc.integer({ min: 0, max: 2_000 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ count, height, part }) => {
    const scrollTop = Math.max(0, count * rowHeight - height) * part;
    return { scrollTop, height, rowHeight, count };
  });

test("visibleRows() holds every row in view, few others, and none that is not there", () => {
  fc.assert(
    fc.property(viewport, (view) => {
      const { first, end } = visibleRows(view);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(view.count);
      expect(end - first).toBeLessThanOrEqual(view.height / rowHeight + 20);
      const top = Math.floor(view.scrollTop / rowHeight);
      const bottom = Math.min(view.count, Math.ceil((view.scrollTop + view.height) / rowHeight));
      if (top < bottom) expect([first <= top, end >= bottom]).toEqual([true, true]);
    }),
  );
});

test("visibleRows() survives a list that shrank under the scroll", () => {
  expect(visibleRows({ scrollTop: 5_000, height: 400, rowHeight, count: 3 })).toEqual({
    first: 3,
    end: 3,
  });
  expect(visibleRows({ scrollTop: 0, height: 400, rowHeight, count: 0 })).toEqual({
    first: 0,
    end: 0,
  });
});

test("isAtEnd() is true within a row of the end and not further up", () => {
  const at = (scrollTop: number) => isAtEnd({ scrollTop, height: 400, rowHeight, count: 100 });
  expect([1_600, 1_580, 1_560, 0].map(at)).toEqual([true, true, false, false]);
});

test("scrollToShow() moves no further than it must", () => {
  const view = { scrollTop: 200, height: 100, rowHeight, count: 100 };
  expect([3, 10, 14, 15, 20].map((row) => scrollToShow(row, view))).toEqual([
    60, 200, 200, 220, 320,
  ]);
});
