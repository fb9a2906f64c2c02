// Goal: a fleet that lost its backend comes back to it by itself, spread out, and is served rightly.
// Method: a thousand times the real agent and adapter, in two processes, before the compiled
// backend, which is killed and started again on its port with its state. A short outage, so that
// the waits are short: `npm run storm` is the whole thing.
import { expect, test } from "bun:test";
import { storm } from "../support/storm.ts";

const SERVANTS = 1_000;

test("a thousand servants come back to a backend that was killed, none is lost or mistaken", async () => {
  const report = await storm({ servants: SERVANTS, outageMs: 300, withinMs: 60_000 });
  expect(report).toMatchObject({ live: SERVANTS, registrations: SERVANTS, waiting: 0, ended: [] });
  expect([report.answered, report.asked]).toEqual([100, 100]);
  expect(report.delivered).toBeGreaterThanOrEqual(100);
  expect(report.hostMemoryMiB).toBeLessThan(300);
}, 90_000);
