// Goal: the fold promises to tolerate whatever a journal may hold: facts twice, facts that come
// too late, facts of entries it does not know. Method: fast-check over lists of facts.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { emptyResult } from "../../src/core/assignment.ts";
import { type Entry, type Fact, fold, keyOf, type Phase } from "../../src/core/entry.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { action, id, ORIGIN } from "../support/fake-ports.ts";
import { MemoryDisk, MemoryJournal } from "../support/memory-journal.ts";

const RUNS = { numRuns: 300 };
const TYPES = ["accepted", "started", "finished", "delivered", "refused", "repeated"] as const;

const fact = (auditId: string) =>
  fc.record({ type: fc.constantFrom(...TYPES), atMs: fc.nat(99), via: fc.nat(9) }).map((drawn) => {
    const { type, atMs } = drawn;
    const head = { atMs, key: keyOf(id(auditId)) };
    const via = `servant-${drawn.via}`;
    if (type === "accepted") return { ...head, type, assignment: action(auditId), via } as Fact;
    if (type === "finished") {
      return { ...head, type, result: emptyResult(id(auditId), atMs % 2 === 0, via) } as Fact;
    }
    if (type === "refused") return { ...head, type, code: "backend.rejected" } as Fact;
    return (type === "repeated" ? { ...head, type, via } : { ...head, type }) as Fact;
  });
const facts = fc.array(fact("a"), { maxLength: 12 });
const folded = (of: readonly Fact[]) => of.reduce<Entry | undefined>(fold, undefined);

test("fold(): a fact right after itself changes nothing", () => {
  fc.assert(
    fc.property(facts, (all) => {
      expect(folded(all.flatMap((each) => [each, each]))).toEqual(folded(all) as Entry);
    }),
    RUNS,
  );
});

test("fold(): an assignment, its first result and its times never change again", () => {
  fc.assert(
    fc.property(facts, facts, (before, after) => {
      const entry = folded(before);
      const later = folded([...before, ...after]);
      if (entry === undefined) return;
      expect(later?.assignment).toEqual(entry.assignment);
      if (entry.result !== undefined) expect(later?.result).toEqual(entry.result);
      if (entry.startedAtMs !== undefined) expect(later?.startedAtMs).toBe(entry.startedAtMs);
      expect(later?.acceptedAtMs).toBe(entry.acceptedAtMs);
    }),
    RUNS,
  );
});

test("fold(): a phase only goes on, but for a result that is asked for again", () => {
  const order: Phase[] = ["accepted", "started", "finished", "delivered", "refused"];
  fc.assert(
    fc.property(facts, fact("a"), (before, next) => {
      const from = folded(before);
      const to = folded([...before, next]);
      if (from === undefined || to === undefined || next.type === "repeated") return;
      expect(order.indexOf(to.phase)).toBeGreaterThanOrEqual(order.indexOf(from.phase));
      const isClosed = to.phase === "delivered" || to.phase === "refused";
      expect(isClosed || to.phase === "finished").toBe(to.result !== undefined);
    }),
    RUNS,
  );
});

test("fold(): a story written down twice ends as it ended", () => {
  fc.assert(
    fc.property(facts, (all) => {
      const once = folded(all);
      // Only a story that a servant can write: what closes comes after what it closes.
      fc.pre(once !== undefined && all[0]?.type === "accepted" && once.result !== undefined);
      fc.pre(all.findIndex(({ type }) => type === "finished") < firstClosing(all));
      expect(folded([...all, ...all])?.phase).toBe(once?.phase as Phase);
    }),
    RUNS,
  );
});

function firstClosing(all: readonly Fact[]): number {
  const at = all.findIndex(({ type }) => ["delivered", "refused", "repeated"].includes(type));
  return at === -1 ? all.length : at;
}

test("a ledger shows the same after a restart, whatever was recorded in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fact("a"), fact("b"), fact("c")), { maxLength: 30 }),
      async (all) => {
        const disk = new MemoryDisk();
        const live = await Ledger.open(new MemoryJournal(disk, ORIGIN));
        for (const each of all) {
          const entry = await live.find(each.key);
          // match() keeps a known assignment from being accepted again.
          if (each.type === "accepted" && entry !== undefined) continue;
          const isClosed = entry?.phase === "delivered" || entry?.phase === "refused";
          if (each.type === "repeated" && entry !== undefined && isClosed) {
            await live.reopen(entry, each);
          } else await live.record([each]);
        }
        const again = await Ledger.open(new MemoryJournal(disk, ORIGIN));
        const byKey = async (ledger: Ledger) => {
          const { entries } = await ledger.readBacklog(0, 100);
          const all: Entry[] = [...ledger.openEntries(), ...entries];
          return all.sort((a, b) => (a.key < b.key ? -1 : 1));
        };
        expect(await byKey(again)).toEqual(await byKey(live));
        expect(again.undelivered).toBe(live.undelivered);
      },
    ),
    RUNS,
  );
});
