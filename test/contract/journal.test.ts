// Goal: whatever keeps the facts, the ledger may rely on the same promises.
// Method: one suite, run on SQLite on a real disk and on the journals of other tests and of the
// simulation.
import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyResult, failedResult } from "../../src/core/assignment.ts";
import { type EntryKey, type Fact, keyOf } from "../../src/core/entry.ts";
import { foldMachine, isMachineFact, MACHINE_KEY } from "../../src/core/machine.ts";
import type { Journal, WaitingPage } from "../../src/core/ports.ts";
import { openJournal } from "../../src/system/journal.ts";
import { simDisk } from "../sim/contract-disk.ts";
import { action, id } from "../support/fake-ports.ts";
import { MemoryDisk, MemoryJournal } from "../support/memory-journal.ts";

type Opened = Journal & {
  elsewhere(): { origin: string; open: number }[];
  actsElsewhere(): boolean;
};
interface Disk {
  open(origin?: string): Opened;
  /** Makes room again on a disk that `QUOTA` keeps small. */
  makeRoom(): void;
  remove(): void;
}
const HOME = "http://home";
const QUOTA_BYTES = 256 * 1024;

function sqliteDisk(): Disk {
  const folder = mkdtempSync(join(tmpdir(), "journal-contract-"));
  const path = join(folder, "journal.sqlite");
  return {
    open: (origin = HOME) => openJournal(path, { origin, quotaBytes: QUOTA_BYTES }),
    makeRoom() {
      using db = new Database(path);
      db.run(`DELETE FROM facts WHERE entry IN (SELECT id FROM entries WHERE key LIKE 'fill%');
        DELETE FROM entries WHERE key LIKE 'fill%';`);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function memoryDisk(): Disk {
  const disk = new MemoryDisk();
  disk.rowsMax = 300;
  return {
    open: (origin = HOME) => new MemoryJournal(disk, origin),
    makeRoom: () => {
      disk.rows = disk.rows.filter(({ text }) => !text.includes('"fill'));
    },
    remove: () => {},
  };
}

let atMs = 0;
const accepted = (auditId: string, params = {}): Fact => ({
  type: "accepted",
  atMs: atMs++,
  key: keyOf(id(auditId)),
  assignment: action(auditId, params),
  via: "servant-1",
});
const at = (type: "started" | "delivered", auditId: string): Fact => ({
  type,
  atMs: atMs++,
  key: keyOf(id(auditId)),
});
const finished = (auditId: string): Fact => ({
  type: "finished",
  atMs: atMs++,
  key: keyOf(id(auditId)),
  result: emptyResult(id(auditId), true, "done"),
});
const refused = (auditId: string): Fact => ({
  type: "refused",
  atMs: atMs++,
  key: keyOf(id(auditId)),
  code: "backend.rejected",
});
const cancelled = (auditId: string): Fact => ({
  type: "cancelled",
  atMs: atMs++,
  key: keyOf(id(auditId)),
  reason: "asked to",
});
const repeated = (auditId: string): Fact => ({
  type: "repeated",
  atMs: atMs++,
  key: keyOf(id(auditId)),
  via: "servant-2",
});
const whole = (auditId: string) => [
  accepted(auditId),
  at("started", auditId),
  finished(auditId),
  at("delivered", auditId),
];
/** What a ledger is shown: unfinished entries, then what waits, page by page. */
async function shown(journal: Journal, limit = 2): Promise<Fact[]> {
  const facts = await Array.fromAsync(journal.replay());
  for (let from: number | undefined = 0; from !== undefined; ) {
    const page: WaitingPage = await journal.waiting(from, limit);
    facts.push(...page.stories.flat());
    from = page.next;
  }
  return facts;
}
/** The stories apart, each in its order. */
const stories = (facts: readonly Fact[]) => Map.groupBy(facts, ({ key }) => key);

describe.each([
  ["sqlite", sqliteDisk],
  ["memory", memoryDisk],
  ["simulated", simDisk],
] as const)("a journal: %s", (_name, makeDisk) => {
  let disk: Disk | undefined;
  const opened: Journal[] = [];
  const open = (origin?: string) => {
    disk ??= makeDisk();
    const journal = disk.open(origin);
    opened.push(journal);
    return journal;
  };
  const reopen = async (journal: Journal) => {
    await journal.close();
    opened.splice(opened.indexOf(journal), 1);
    return open();
  };
  afterEach(async () => {
    for (const journal of opened.splice(0)) await journal.close();
    disk?.remove();
    disk = undefined;
  });

  test("append() keeps every fact, and replay() gives them back in their order", async () => {
    const journal = open();
    const result = failedResult(id("b"), "handler.threw", 'quotes " and \u0000 and ü and 🚢');
    const facts: Fact[] = [
      accepted("a", { end: "room_two" }),
      accepted("b"),
      at("started", "a"),
      { type: "finished", atMs: 7, key: keyOf(id("b")), result },
      finished("a"),
    ];
    await journal.append(facts.slice(0, 2));
    await Promise.all(facts.slice(2).map((fact) => journal.append([fact])));
    expect(stories(await shown(journal))).toEqual(stories(facts));
    expect(stories(await shown(await reopen(journal)))).toEqual(stories(facts));
  });

  test("facts of every urgency are replayed in the order they were appended", async () => {
    const journal = open();
    const facts = [accepted("a"), at("started", "a"), cancelled("a"), finished("a")];
    const [first, lazy, soon, now] = facts as [Fact, Fact, Fact, Fact];
    await journal.append([first]);
    await journal.append([lazy], "lazy");
    await Promise.all([journal.append([soon], "soon"), journal.append([now])]);
    expect(await shown(journal)).toEqual(facts);
  });

  test('"soon" is durable without another append, and an empty append resolves', async () => {
    const journal = open();
    await journal.append([accepted("a")], "soon");
    await journal.append([]);
    expect(await shown(journal)).toHaveLength(1);
  });

  test("story() knows a fact from the moment it is appended, of whatever urgency", async () => {
    const journal = open();
    const now = journal.append([accepted("a")]);
    void journal.append([at("started", "a")], "lazy");
    const story = await journal.story(keyOf(id("a")));
    expect(story.map(({ type }) => type)).toEqual(["accepted", "started"]);
    await now;
    expect(await journal.story(keyOf(id("a")))).toEqual(story);
    expect(await journal.story("none" as EntryKey)).toEqual([]);
  });

  test("waiting() gives what is finished, page by page, and never what is on its way out", async () => {
    const journal = open();
    const names = Array.from({ length: 7 }, (_, index) => `w${index}`);
    await journal.append(names.map((name) => accepted(name)));
    await journal.append([finished("w6"), ...names.slice(0, 5).map(finished), accepted("late")]);
    expect(await journal.countWaiting()).toBe(6);
    void journal.append([at("delivered", "w1")], "lazy");
    const pages: string[] = [];
    for (let from: number | undefined = 0; from !== undefined; ) {
      const page: WaitingPage = await journal.waiting(from, 2);
      pages.push(page.stories.map(([first]) => String(first?.key)).join());
      from = page.next;
    }
    expect(pages.filter((page) => page !== "").join()).toBe("w0,w2,w3,w4,w6");
    expect(pages.every((page) => page.split(",").length <= 2)).toBe(true);
    const again = await reopen(journal);
    expect(await again.countWaiting()).toBe(5);
    const unfinished = await Array.fromAsync(again.replay());
    expect(unfinished.map(({ key }) => String(key))).toEqual(["w5", "late"]);
  });

  test("the machine's own facts are replayed, whatever backend they were recorded for", async () => {
    const far = open("http://far");
    const paused: Fact = { type: "paused", atMs: 1, key: MACHINE_KEY, reason: "service" };
    await far.append([paused, { type: "doubted", atMs: 2, key: MACHINE_KEY, reason: "cut off" }]);
    await far.append([{ type: "secured", atMs: 3, key: MACHINE_KEY }]);
    const machine = (await Array.fromAsync(open().replay())).filter(isMachineFact);
    expect(machine.reduce(foldMachine, {})).toEqual({ paused: "service" });
  });

  test("delivered and refused entries are not replayed; their story stays", async () => {
    const journal = open();
    await journal.append(whole("a"));
    await journal.append([accepted("b"), finished("b"), refused("b"), accepted("c")]);
    expect((await shown(journal)).map(({ key }) => String(key))).toEqual(["c"]);
    expect(await journal.story(keyOf(id("a")))).toHaveLength(4);
    expect(await journal.story(keyOf(id("b")))).toHaveLength(3);
  });

  test("an entry that was asked for again is replayed whole until it is delivered again", async () => {
    const journal = open();
    await journal.append([...whole("a"), repeated("a")]);
    expect(await shown(journal)).toHaveLength(5);
    await journal.append([at("delivered", "a")]);
    expect(await shown(journal)).toEqual([]);
  });

  test("a further content under one audit id has a story of its own", async () => {
    const journal = open();
    const second = { ...accepted("a"), key: keyOf(id("a"), "1f") } as Fact;
    await journal.append([accepted("a"), second]);
    expect(await journal.story(second.key)).toEqual([second]);
    expect(await shown(await reopen(journal))).toHaveLength(2);
  });

  test("close() writes lazy facts and what is still waited for", async () => {
    const journal = open();
    await journal.append([accepted("a")]);
    await journal.append([at("started", "a")], "lazy");
    const soon = journal.append([finished("a")], "soon");
    const again = await reopen(journal);
    await soon;
    expect(await shown(again)).toHaveLength(3);
  });

  test("another origin's entries are kept, counted and never shown", async () => {
    const far = open("http://far");
    await far.append([accepted("a"), ...whole("b"), accepted("c"), ...whole("d"), repeated("d")]);
    await far.close();
    opened.splice(opened.indexOf(far), 1);
    const home = open();
    expect(await shown(home)).toEqual([]);
    expect(await home.story(keyOf(id("a")))).toEqual([]);
    expect(home.elsewhere()).toEqual([{ origin: "http://far", open: 3 }]);
    await home.append(whole("a")); // the same audit id, here
    const back = open("http://far");
    expect((await shown(back)).map(({ key }) => String(key)).join("")).toBe("acddddd");
    expect(back.elsewhere()).toEqual([]);
  });

  test("an action that another backend started and nobody finished is told of", async () => {
    const far = open("http://far");
    const home = open();
    const look = { kind: "belief", auditId: id("b"), fluent: "seen" } as const;
    const belief = { ...accepted("b"), assignment: look };
    await far.append([belief, at("started", "b"), accepted("a")]);
    expect(home.actsElsewhere()).toBe(false);
    await far.append([at("started", "a")]);
    expect(home.actsElsewhere()).toBe(true);
    expect(far.actsElsewhere()).toBe(false);
    await far.append([finished("a")]);
    expect(home.actsElsewhere()).toBe(false);
  });

  test("a full disk takes all of an append or none, says so, and works again with room", async () => {
    const journal = open();
    await journal.append([accepted("a")]);
    let filled = 0;
    let failure: unknown;
    while (failure === undefined && filled < 1_000) {
      const facts = [accepted(`fill${filled}`, { text: "x".repeat(200) }), ...whole("z").slice(2)];
      failure = await journal.append(facts).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      if (failure === undefined) filled += 1;
    }
    expect(failure).toMatchObject({ code: "journal.full", kind: "transient" });
    const keys = (await shown(journal)).map(({ key }) => String(key));
    expect(keys.filter((key) => key.startsWith("fill"))).toHaveLength(filled);
    expect(await journal.story(`fill${filled}` as EntryKey)).toEqual([]);
    // What was lazy is kept, and lands with the next commit that works.
    await journal.append([at("started", "a")], "lazy");
    const large = Array.from({ length: 400 }, () => accepted("fill", { text: "x".repeat(400) }));
    await expect(journal.append(large)).rejects.toMatchObject({ code: "journal.full" });
    disk?.makeRoom();
    await journal.append([finished("a")]);
    const story = await journal.story(keyOf(id("a")));
    expect(story.map(({ type }) => type)).toEqual(["accepted", "started", "finished"]);
    expect(await shown(await reopen(journal))).toEqual([...story]);
  });

  test("keys and texts of any kind come back as they were", async () => {
    const names = ["ü 🚢", '"quoted"', "half \ud83d pair", "nul \u0000 inside", "x".repeat(5_000)];
    const journal = open();
    const facts = names.flatMap((name) => [accepted(name, { [name]: name }), at("started", name)]);
    await journal.append(facts);
    expect(await shown(journal)).toEqual(facts);
    for (const name of names) expect(await journal.story(keyOf(id(name)))).toHaveLength(2);
  });
});
