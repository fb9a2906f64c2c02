// Goal: a journal stays small over years, and lets go of nothing that is still needed.
// Method: steps of compaction on a real file, against the rule; then a journal that does it by itself.
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { emptyResult } from "../../src/core/assignment.ts";
import { type Entry, type Fact, fold, keyOf } from "../../src/core/entry.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { KEPT_MS, SANE_CLOCK_MS } from "../../src/core/retention.ts";
import { openJournal } from "../../src/system/journal.ts";
import { Compaction } from "../../src/system/journal-compaction.ts";
import { JournalStore } from "../../src/system/journal-store.ts";
import { action, id } from "../support/fake-ports.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "journal-compaction-"));
  path = join(folder, "journal.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true }));

const END = ["unfinished", "waiting", "delivered", "refused", "asked again"] as const;
type End = (typeof END)[number];
interface Drawn {
  readonly end: End;
  readonly atMs: number;
}
const nowMs = SANE_CLOCK_MS + 3 * KEPT_MS;

function facts(auditId: string, { end, atMs }: Drawn): Fact[] {
  const head = { atMs, key: keyOf(id(auditId)) };
  const accepted = { ...head, type: "accepted", assignment: action(auditId), via: "s" } as const;
  const finished = { ...head, type: "finished", result: emptyResult(id(auditId), true) } as const;
  const closed = { ...head, type: "delivered" } as const;
  switch (end) {
    case "unfinished":
      return [accepted];
    case "waiting":
      return [accepted, finished];
    case "delivered":
      return [accepted, finished, closed];
    case "refused":
      return [accepted, finished, { ...head, type: "refused", code: "backend.rejected" }];
    case "asked again":
      return [accepted, finished, closed, { ...head, type: "repeated", via: "s" }];
  }
}

/** Compacts until nothing is due. */
function compactAll(keep: number, atMs: number, isCrowded = false): void {
  const db = new Database(path);
  const store = new JournalStore(db);
  const compaction = new Compaction(store, keep);
  for (let step = 0; compaction.isDue(0) || (isCrowded && step < 50); step += 1) {
    db.run("BEGIN");
    compaction.step(atMs, 0, isCrowded);
    db.run("COMMIT");
    expect(step).toBeLessThan(1_000);
  }
  store.close();
  db.close();
}

async function write(all: readonly Drawn[]): Promise<void> {
  rmSync(path, { force: true });
  const journal = openJournal(path, { origin: "http://home" });
  await journal.append(all.flatMap((drawn, index) => facts(`a${index}`, drawn)));
  await journal.close();
}

/** Each entry as it is found; its content is gone when it has a fingerprint. */
async function found(count: number): Promise<(Entry | undefined)[]> {
  const journal = openJournal(path, { origin: "http://home" });
  const keys = Array.from({ length: count }, (_, index) => keyOf(id(`a${index}`)));
  const stories = await Promise.all(keys.map((key) => journal.story(key)));
  await journal.close();
  return stories.map((story) => story.reduce<Entry | undefined>(fold, undefined));
}

test("content goes beyond the newest and with age; what is open stays whole", async () => {
  const drawn = fc.record({
    end: fc.constantFrom(...END),
    atMs: fc.constantFrom(0, 5_000, nowMs - KEPT_MS - 1, nowMs - KEPT_MS, nowMs - 1, nowMs),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(drawn, { maxLength: 12 }), fc.nat(4), async (all, keep) => {
      await write(all);
      compactAll(keep, nowMs);
      for (const [index, entry] of (await found(all.length)).entries()) {
        const { end, atMs } = all[index] as Drawn;
        const newer = all.slice(index + 1).filter((other) => other.end === end).length;
        const isClosed = end === "delivered" || end === "refused";
        const isOld = atMs === nowMs - KEPT_MS - 1;
        expect(entry?.fingerprint !== undefined).toBe(isClosed && (newer >= keep || isOld));
        const phases: Record<string, string> = { unfinished: "accepted", delivered: "delivered" };
        expect(entry?.phase as string).toBe(phases[end] ?? (end === "refused" ? end : "finished"));
      }
    }),
    { numRuns: 60 },
  );
}, 30_000);

test("audit ids go 30 days after their content, by a sane clock", async () => {
  await write([
    { end: "delivered", atMs: nowMs },
    { end: "waiting", atMs: nowMs },
  ]);
  compactAll(0, 5_000); // compacted in 1970: its age is not known from here on
  compactAll(0, nowMs + 9 * KEPT_MS);
  expect((await found(2)).map((entry) => entry?.phase)).toEqual(["delivered", "finished"]);
  await write([
    { end: "delivered", atMs: nowMs },
    { end: "waiting", atMs: nowMs },
  ]);
  compactAll(0, nowMs);
  compactAll(0, nowMs + KEPT_MS);
  expect((await found(2)).map((entry) => entry?.phase)).toEqual(["delivered", "finished"]);
  compactAll(0, nowMs + KEPT_MS + 1);
  expect((await found(2)).map((entry) => entry?.phase)).toEqual([undefined, "finished"]);
});

test("when room is short deliveries become small, then forgotten; nothing else is touched", async () => {
  const ends = END.map((end): Drawn => ({ end, atMs: nowMs }));
  await write(ends);
  compactAll(1_000, nowMs, true);
  const phases = (await found(ends.length)).map((entry) => entry?.phase);
  expect(phases).toEqual(["accepted", "finished", undefined, "refused", "finished"]);
});

test("an audit id that comes again after compaction does not run: it is answered", async () => {
  await write([{ end: "delivered", atMs: nowMs }]);
  compactAll(0, nowMs);
  const journal = openJournal(path, { origin: "http://home" });
  const ledger = await Ledger.open(journal);
  const match = await ledger.match(action("a0"));
  if (match.is !== "known") throw new Error("it would run again");
  expect(await ledger.match(action("a0", { end: "elsewhere" }))).toMatchObject({ is: "reused" });
  const { key } = match.entry;
  await ledger.reopen(match.entry, { type: "repeated", atMs: nowMs, key, via: "servant-2" });
  const again = await Ledger.open(journal);
  const { entries } = await again.readBacklog(0, 9);
  expect(entries).toMatchObject([{ via: "servant-2", result: { success: true } }]);
  again.recordDelivered({ type: "delivered", atMs: nowMs, key });
  await journal.close();
  compactAll(0, nowMs);
  expect((await found(1))[0]).toMatchObject({ phase: "delivered", result: { success: true } });
});

test("a journal compacts by itself while nothing else is to be done, and stays within its quota", async () => {
  const quotaBytes = 1024 * 1024;
  const journal = openJournal(path, { origin: "http://home", keep: 10, quotaBytes });
  const all = Array.from({ length: 200 }, () => ({ end: "delivered", atMs: Date.now() }) as const);
  await journal.append(all.flatMap((drawn, index) => facts(`a${index}`, drawn)));
  const isSmall = async () => (await journal.story(keyOf(id("a189"))))[0]?.type === "compacted";
  while (!(await isSmall())) await Bun.sleep(20);
  expect((await journal.story(keyOf(id("a190")))).map(({ type }) => type)).not.toContain(
    "compacted",
  );
  // Deliveries give way to new work, however many were to be kept.
  let refusals = 0;
  for (let index = 0; index < 300; index += 1) {
    const [accepted, finished, delivered] = facts(`b${index}`, { end: "delivered", atMs: 1 });
    const large = { ...accepted, assignment: action(`b${index}`, { text: "x".repeat(12_000) }) };
    for (;;) {
      const failure = await journal.append([large as Fact]).catch((cause: unknown) => cause);
      if (failure === undefined) break;
      expect(failure).toMatchObject({ code: "journal.full" });
      refusals += 1;
      await Bun.sleep(5);
    }
    await journal.append([finished as Fact, delivered as Fact]); // what reports finds room
  }
  expect(refusals).toBeGreaterThan(0);
  await journal.close();
  expect(Bun.file(path).size).toBeLessThanOrEqual(quotaBytes);
}, 30_000);
