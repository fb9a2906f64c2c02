import { expect, test } from "bun:test";
import fc from "fast-check";
import { linesOf } from "../../src/core/log.ts";
import { Ring } from "../../src/local/ring.ts";

const LIMITS = { lines: 50, bytes: 4_096, blockBytes: 512 };
const START_MS = Date.parse("2026-11-21T12:00:00Z");
const lineText = (seq: number, message: string) =>
  `{"seq":${seq},"time":"${new Date(START_MS + seq * 10).toISOString()}","message":${JSON.stringify(message)}}`;
const text = (bytes: Uint8Array) => linesOf(new TextDecoder().decode(bytes));

// Goal: whatever comes, the ring holds the last lines without a hole, within both limits.
test("the ring keeps the last lines, whole and in order, within its limits", () => {
  const batches = fc.array(
    fc.array(fc.string({ unit: "binary", maxLength: 40 }), { minLength: 1, maxLength: 8 }),
  );
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 1e9 }), (all, firstSeq) => {
      const ring = new Ring(LIMITS);
      const model: string[] = [];
      for (const messages of all) {
        const first = firstSeq + model.length;
        const texts = messages.map((message, index) => lineText(first + index, message));
        const added = ring.add(first, texts);
        model.push(...texts);
        expect([added.first, added.last]).toEqual([first, first + texts.length - 1]);
        expect(text(added.bytes)).toEqual(texts);
        expect(ring.bytes).toBeLessThanOrEqual(LIMITS.bytes);
      }
      const kept: string[] = [];
      const oldest = ring.blockOf(0)?.first ?? firstSeq;
      for (let seq = oldest; ; ) {
        const block = ring.blockOf(seq);
        if (block === undefined) break;
        expect(block.first).toBe(seq);
        kept.push(...text(block.bytes));
        seq = block.last + 1;
      }
      expect(kept.length).toBe(ring.lines);
      expect(kept).toEqual(model.slice(model.length - kept.length));
      // What is gone had to go: one limit or the other was reached without it.
      if (kept.length < model.length) {
        expect(
          ring.lines >= LIMITS.lines || ring.bytes > LIMITS.bytes - 2 * LIMITS.blockBytes,
        ).toBe(true);
      }
    }),
  );
});

test("a line is found by its number, also one that is gone", () => {
  const ring = new Ring(LIMITS);
  for (let seq = 1; seq <= 500; seq += 1) ring.add(seq, [lineText(seq, "x")]);
  const oldest = ring.blockOf(1)?.first ?? 0;
  expect(oldest).toBeGreaterThan(400);
  expect(ring.blockOf(500)?.last).toBe(500);
  expect(ring.blockOf(501)).toBeUndefined();
});

test("a line is found by its time", () => {
  const ring = new Ring({ ...LIMITS, lines: 1_000, bytes: 1e6 });
  expect(ring.seqAt(0)).toBeUndefined();
  for (let seq = 1; seq <= 100; seq += 1) ring.add(seq, [lineText(seq, "x")]);
  expect(ring.seqAt(START_MS + 500)).toEqual({ seq: 50, isWithin: true });
  expect(ring.seqAt(START_MS + 495)).toEqual({ seq: 50, isWithin: true });
  expect(ring.seqAt(START_MS)).toEqual({ seq: 1, isWithin: false });
  expect(ring.seqAt(START_MS + 1_001)).toBeUndefined();
});

test("a batch larger than a block is kept whole", () => {
  const ring = new Ring(LIMITS);
  const texts = Array.from({ length: 20 }, (_, index) => lineText(index + 1, "x".repeat(100)));
  ring.add(1, texts);
  expect(text(ring.blockOf(1)?.bytes ?? new Uint8Array())).toEqual(texts);
});
