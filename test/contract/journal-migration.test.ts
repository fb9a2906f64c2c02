// Goal: a journal of an earlier version is taken over whole, or stays as it was.
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyResult } from "../../src/core/assignment.ts";
import { type Fact, keyOf } from "../../src/core/entry.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { MACHINE_KEY } from "../../src/core/machine.ts";
import { type Damage, openJournal } from "../../src/system/journal.ts";
import { action, id } from "../support/fake-ports.ts";

let folder: string;
let path: string;
const told: Damage[] = [];
const options = { origin: "http://home", onDamaged: (damage: Damage) => told.push(damage) };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "journal-migration-"));
  path = join(folder, "journal.sqlite");
  told.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const head = (auditId: string) => ({ atMs: 7, key: keyOf(id(auditId)) });
const story = (auditId: string): Fact[] => [
  { ...head(auditId), type: "accepted", assignment: action(auditId, { end: "a" }), via: "s" },
  { ...head(auditId), type: "started" },
  {
    ...head(auditId),
    type: "finished",
    result: { ...emptyResult(id(auditId), true), telemetry: [1] },
  },
  { ...head(auditId), type: "delivered" },
];
const paused: Fact = { type: "paused", atMs: 1, key: MACHINE_KEY, reason: "service" };

/** A file as the first version wrote it. */
function writeSchema1(rows: readonly [origin: string, facts: readonly Fact[]][]): void {
  const db = new Database(path);
  db.run(`PRAGMA journal_mode = WAL;
    CREATE TABLE facts (seq INTEGER PRIMARY KEY, origin TEXT NOT NULL, key TEXT NOT NULL,
      type TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX facts_by_key ON facts (key, origin);
    PRAGMA user_version = 1;`);
  for (const [origin, facts] of rows) {
    for (const fact of facts) {
      const values = [origin, fact.key, fact.type, JSON.stringify(fact)];
      db.run("INSERT INTO facts (origin, key, type, body) VALUES (?, ?, ?, ?)", values);
    }
  }
  db.close();
}

test("every story of every backend is there, and the machine's own", async () => {
  writeSchema1([
    ["http://home", story("done")],
    ["http://home", story("waits").slice(0, 3)],
    ["http://home", story("runs").slice(0, 2)],
    ["", [paused]],
    ["http://far", story("far").slice(0, 1)],
  ]);
  const journal = openJournal(path, options);
  expect(told).toEqual([]);
  for (const [name, length] of [
    ["done", 4],
    ["waits", 3],
    ["runs", 2],
  ] as const) {
    expect(await journal.story(keyOf(id(name)))).toEqual(story(name).slice(0, length));
  }
  expect(journal.elsewhere()).toEqual([{ origin: "http://far", open: 1 }]);
  const ledger = await Ledger.open(journal);
  expect(ledger.machine.paused).toBe("service");
  expect(ledger.undelivered).toBe(1);
  await journal.close();
  const again = openJournal(path, options);
  expect(await again.story(keyOf(id("done")))).toEqual(story("done"));
  await again.close();
  expect(readdirSync(folder)).toEqual(["journal.sqlite"]);
});

test("one with a broken fact is set aside as it was, and read", async () => {
  writeSchema1([
    ["http://home", [...story("a"), ...story("b").slice(0, 2), ...story("c").slice(0, 3)]],
  ]);
  const db = new Database(path);
  db.run("UPDATE facts SET body = '{' WHERE key = 'b' AND type = 'started'");
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const before = readFileSync(path);
  const journal = openJournal(path, options);
  expect(told).toMatchObject([{ entries: 3, unreadable: 1 }]);
  expect(readFileSync(told[0]?.setAside ?? "").equals(before)).toBe(true);
  expect(await journal.story(keyOf(id("a")))).toEqual(story("a"));
  // It may have been started: it does not run again, and its answer says why.
  const b = await journal.story(keyOf(id("b")));
  expect(b.at(-1)).toMatchObject({ type: "finished", result: { code: "journal.damaged" } });
  expect(await Array.fromAsync(journal.replay())).toEqual([]);
  expect(await journal.countWaiting()).toBe(2);
  await journal.close();
});

test("a start that was cut off between two files goes on with the new one", async () => {
  const journal = openJournal(path, options);
  await journal.append(story("a"));
  await journal.close();
  copyFileSync(path, `${path}.rebuilt`);
  writeFileSync(path, "damaged".repeat(1_000));
  writeFileSync(`${path}.rebuilding`, "half of an earlier try");
  const next = openJournal(path, options);
  expect(told).toMatchObject([{ setAside: `${path}.damaged` }]);
  expect(await next.story(keyOf(id("a")))).toEqual(story("a"));
  await next.close();
  expect(existsSync(`${path}.rebuilding`) || existsSync(`${path}.rebuilt`)).toBe(false);
});

test("damage that shows in use is told, and mended at the next start, however large the file", async () => {
  const journal = openJournal(path, options);
  const large = action("large", { text: "x".repeat(9 * 1024 * 1024) });
  await journal.append([{ ...head("large"), type: "accepted", assignment: large, via: "s" }]);
  await journal.append(story("a"));
  await journal.close();
  const bytes = readFileSync(path);
  bytes.write("?", bytes.lastIndexOf('"telemetry":[1]') + 3);
  writeFileSync(path, bytes);
  const next = openJournal(path, options);
  expect(told).toEqual([]);
  const reading = next.story(keyOf(id("a")));
  await expect(reading).rejects.toMatchObject({ code: "journal.damaged" });
  await next.close();
  const mended = openJournal(path, options);
  expect(told).toHaveLength(1);
  expect((await mended.story(keyOf(id("a")))).at(-1)?.type).toBe("delivered");
  await mended.close();
});
