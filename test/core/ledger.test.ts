// Goal: what the ledger shows is what the journal holds, before and after any restart.
import { beforeEach, describe, expect, test } from "bun:test";
import { type Assignment, emptyResult } from "../../src/core/assignment.ts";
import { describeAssignment, type EntryKey, type Fact, keyOf } from "../../src/core/entry.ts";
import { ServantError } from "../../src/core/errors.ts";
import { FRESH_MAX, Ledger } from "../../src/core/ledger.ts";
import { action, belief, id, idle, ORIGIN } from "../support/fake-ports.ts";
import { MemoryDisk, MemoryJournal } from "../support/memory-journal.ts";

let disk: MemoryDisk;
let ledger: Ledger;
let atMs: number;

const open = async () => {
  ledger = await Ledger.open(new MemoryJournal(disk, ORIGIN));
  return ledger;
};
/** A new process on what the disk kept. */
const restart = async () => {
  disk.cutPower();
  return await open();
};
beforeEach(async () => {
  disk = new MemoryDisk();
  atMs = 1_000;
  await open();
});

const key = (auditId: string) => keyOf(id(auditId));
const accepted = (auditId: string): Fact => ({
  type: "accepted",
  atMs: atMs++,
  key: key(auditId),
  assignment: action(auditId),
  via: "servant-1",
});
const started = (auditId: string): Fact => ({ type: "started", atMs: atMs++, key: key(auditId) });
const finished = (auditId: string): Fact => ({
  type: "finished",
  atMs: atMs++,
  key: key(auditId),
  result: emptyResult(id(auditId), true),
});
const delivered = (auditId: string) =>
  ({ type: "delivered", atMs: atMs++, key: key(auditId) }) as const;
const repeated = (auditId: string) =>
  ({ type: "repeated", atMs: atMs++, key: key(auditId), via: "servant-2" }) as const;
/** What waits for the backend: in memory first, then in the journal alone. */
const waiting = async () => {
  const { entries } = await ledger.readBacklog(0, 100);
  expect(entries).toHaveLength(ledger.backlog);
  expect(ledger.undelivered).toBe([...ledger.fresh()].length + entries.length);
  return [...ledger.fresh(), ...entries];
};
const waitingIds = async () => (await waiting()).map(({ assignment }) => `${assignment.auditId}`);
const fillDisk = () => {
  disk.rowsMax = disk.rows.length;
};
const makeRoom = () => {
  disk.rowsMax = Number.POSITIVE_INFINITY;
};

describe("record()", () => {
  test("shows a fact only once it is durable", async () => {
    disk.isSlow = true;
    const recording = ledger.record([accepted("a")]);
    await idle();
    expect([...ledger.openEntries()]).toEqual([]);
    disk.flush();
    await recording;
    expect([...ledger.openEntries()].map(({ phase }) => phase)).toEqual(["accepted"]);
  });

  test("shows nothing of what a full disk refused", async () => {
    fillDisk();
    await expect(ledger.record([accepted("a")])).rejects.toMatchObject({ code: "journal.full" });
    expect([...ledger.openEntries()]).toEqual([]);
    expect(ledger.isFull).toBe(false);
    expect(await ledger.match(action("a"))).toMatchObject({ is: "new" });
  });

  test("passes on any failure but a full disk, reports included", async () => {
    disk.broken = new ServantError("journal.damaged", "Cannot write");
    await expect(ledger.recordReport([accepted("a")])).rejects.toBe(disk.broken);
    expect(ledger.isFull).toBe(false);
  });
});

describe("match()", () => {
  test("knows an assignment in every phase, also before it is durable", async () => {
    expect(await ledger.match(action("a"))).toEqual({ is: "new", key: key("a") });
    disk.isSlow = true;
    const recording = ledger.record([accepted("a")]);
    expect(await ledger.match(action("a"))).toMatchObject({ is: "known" });
    disk.isSlow = false;
    disk.flush();
    await recording;
    for (const fact of [started("a"), finished("a"), delivered("a")]) {
      await ledger.record([fact]);
      expect(await ledger.match(action("a"))).toMatchObject({ entry: { phase: fact.type } });
    }
    await restart();
    expect(await ledger.match(action("a"))).toMatchObject({ entry: { phase: "delivered" } });
  });

  test("gives another content under a known audit id its own entry, the same one each time", async () => {
    await ledger.record([accepted("a"), finished("a"), delivered("a")]);
    const other = action("a", { end: "room_two" });
    const match = await ledger.match(other);
    if (match.is !== "reused") throw new Error(`it is ${match.is}`);
    expect(match.key).not.toBe(key("a"));
    const fact: Fact = { type: "accepted", atMs, key: match.key, assignment: other, via: "s" };
    await ledger.record([fact]);
    expect(await ledger.match(other)).toMatchObject({ is: "known", entry: { key: match.key } });
    expect(await ledger.match(action("a"))).toMatchObject({ is: "known" });
    const third = await ledger.match(belief("a"));
    expect(third).toMatchObject({ is: "reused" });
    expect("key" in third && third.key).not.toBe(match.key);
  });

  test("does not mind the order of parameters", async () => {
    const fact = { ...accepted("a"), assignment: action("a", { x: "1", y: "2" }) } as Fact;
    await ledger.record([fact]);
    expect(await ledger.match(action("a", { y: "2", x: "1" }))).toMatchObject({ is: "known" });
  });

  test("takes an unreadable assignment for the same, however much of it was read", async () => {
    const invalid = (problem: string): Assignment => ({
      kind: "invalid",
      auditId: id("a"),
      code: "assignment.too-large",
      problem,
    });
    await ledger.record([{ ...accepted("a"), assignment: invalid("70000 read") } as Fact]);
    expect(await ledger.match(invalid("65536 read"))).toMatchObject({ is: "known" });
    expect(await ledger.match(action("a"))).toMatchObject({ is: "reused" });
  });
});

describe("what waits for the backend", () => {
  test("gives finished entries in the order they were accepted", async () => {
    await ledger.record([accepted("a"), accepted("b"), accepted("c")]);
    await ledger.record([finished("c"), finished("a")]);
    expect(await waitingIds()).toEqual(["a", "c"]);
    ledger.recordDelivered(delivered("a"));
    expect(await waitingIds()).toEqual(["c"]);
    await restart();
    expect(await waitingIds()).toEqual(["a", "c"]); // the delivery was not durable: once more
  });

  test("gives a delivered result again after it was asked for again, and over a restart", async () => {
    await ledger.record([accepted("a"), started("a"), finished("a"), delivered("a")]);
    const entry = await ledger.find(key("a"));
    if (entry === undefined) throw new Error("it is lost");
    await ledger.reopen(entry, repeated("a"));
    expect(await waiting()).toMatchObject([{ via: "servant-2", phase: "finished" }]);
    await restart();
    expect(await waiting()).toMatchObject([{ via: "servant-2", phase: "finished" }]);
    ledger.recordDelivered(delivered("a"));
    expect(await waiting()).toEqual([]);
    await ledger.record([]);
    await restart();
    expect(await waiting()).toEqual([]);
  });
});

test("large results stay in memory only as far as there is room for them", async () => {
  const telemetry = "x".repeat(FRESH_MAX.characters / 2);
  for (const each of ["a", "b", "c"]) {
    const result = { ...emptyResult(id(each), true), telemetry };
    await ledger.record([accepted(each), { ...finished(each), result } as Fact]);
  }
  expect([...ledger.fresh()].map(({ key: of }) => `${of}`)).toEqual(["a"]);
  expect(await waitingIds()).toEqual(["a", "b", "c"]);
});

describe("on a full disk", () => {
  beforeEach(async () => {
    await ledger.record([accepted("a"), started("a")]);
    fillDisk();
  });

  test("a report is visible, and saved once there is room, once", async () => {
    await ledger.recordReport([finished("a")]);
    expect([await waitingIds(), ledger.isFull]).toEqual([["a"], true]);
    await expect(ledger.save()).rejects.toMatchObject({ code: "journal.full" });
    expect(ledger.isFull).toBe(true);
    makeRoom();
    await Promise.all([ledger.save(), ledger.record([accepted("b")]), ledger.save()]);
    expect(ledger.isFull).toBe(false);
    const types = disk.facts(ORIGIN).map(({ type, key: of }) => `${of} ${type}`);
    expect(types).toEqual(["a accepted", "a started", "a finished", "b accepted"]);
  });

  test("a delivery stands behind the finish that waits, also while that is being saved", async () => {
    await ledger.recordReport([finished("a")]);
    makeRoom();
    disk.isSlow = true;
    const saving = ledger.save();
    ledger.recordDelivered(delivered("a"));
    disk.isSlow = false;
    disk.flush();
    await saving;
    await ledger.save();
    expect(disk.facts(ORIGIN).map(({ type }) => `${type}`)).toEqual([
      "accepted",
      "started",
      "finished",
      "delivered",
    ]);
    await restart();
    expect([...ledger.openEntries(), ...(await waiting())]).toEqual([]);
  });

  test("what was delivered is known as delivered, and can be asked for again", async () => {
    await ledger.recordReport([finished("a")]);
    ledger.recordDelivered(delivered("a"));
    const match = await ledger.match(action("a"));
    if (match.is !== "known") throw new Error("it would run twice");
    expect(match.entry.phase).toBe("delivered");
    await ledger.reopen(match.entry, repeated("a"));
    expect(await waitingIds()).toEqual(["a"]);
    makeRoom();
    await ledger.save();
    await restart();
    expect(await waitingIds()).toEqual(["a"]);
  });
});

describe("changed()", () => {
  test("wakes at the next change, whatever makes it", async () => {
    const changes: (() => unknown)[] = [
      () => ledger.record([accepted("a")]),
      () => ledger.recordReport([finished("a")]),
      () => ledger.recordDelivered(delivered("a")),
    ];
    for (const change of changes) {
      const changed = ledger.changed(new AbortController().signal);
      await change();
      await changed;
    }
  });

  test("wakes at the abort, and leaves no waiter behind", async () => {
    for (let round = 0; round < 100; round += 1) {
      const abort = new AbortController();
      const changed = ledger.changed(abort.signal);
      abort.abort();
      await changed;
    }
    await ledger.changed(AbortSignal.abort());
    expect(ledger.waiting).toBe(0);
    const signal = new AbortController().signal;
    const waiting = [ledger.changed(signal), ledger.changed(signal)];
    expect(ledger.waiting).toBe(2);
    await ledger.record([accepted("a")]);
    await Promise.all(waiting);
    expect(ledger.waiting).toBe(0);
  });
});

test("a report stands behind what is being saved: a story must not end before it begins", async () => {
  fillDisk();
  await ledger.recordReport([accepted("a"), finished("a")]);
  disk.isSlow = true;
  const saving = ledger.save();
  const refused = { type: "refused", atMs, key: key("a"), code: "backend.rejected" } as const;
  const reporting = ledger.recordReport([refused]);
  await idle();
  makeRoom();
  disk.isSlow = false;
  disk.flush();
  await Promise.all([saving, reporting]);
  expect(disk.commits).toBe(2);
  const types = disk.facts(ORIGIN).map(({ type }) => type);
  expect(types).toEqual(["accepted", "finished", "refused"]);
});

test("describeAssignment() tells each kind on one short line", () => {
  const long = action("a", { text: "x".repeat(500) });
  expect(describeAssignment(action("a", { start: "room_one", end: "b" }))).toBe(
    "move(room_one, b)",
  );
  expect(describeAssignment(belief("a"))).toBe("belief robot_at");
  expect(describeAssignment(long)).toHaveLength(120);
  const invalid = { kind: "invalid", auditId: id("a"), problem: "?" } as const;
  const told = describeAssignment({ ...invalid, code: "assignment.malformed" });
  expect(told).toBe("an unreadable assignment");
});

test("find() knows nothing of a key that was never recorded", async () => {
  expect(await ledger.find("never" as EntryKey)).toBeUndefined();
});
