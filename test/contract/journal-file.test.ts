// Goal: the journal's file survives what happens to files: restarts, damage, other versions,
// folders that cannot be written, and eyes that it is not for.
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Fact, keyOf } from "../../src/core/entry.ts";
import { isMachineFact } from "../../src/core/machine.ts";
import { type Damage, type JournalOptions, openJournal } from "../../src/system/journal.ts";
import type { SqliteJournal } from "../../src/system/sqlite-journal.ts";
import { action, id } from "../support/fake-ports.ts";

let folder: string;
let path: string;
const told: Damage[] = [];
const options: JournalOptions = {
  origin: "http://home",
  onDamaged: (damage) => told.push(damage),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "journal-file-"));
  path = join(folder, "journal.sqlite");
  told.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const accepted = (auditId: string): Fact => ({
  type: "accepted",
  atMs: 1,
  key: keyOf(id(auditId)),
  assignment: action(auditId, { text: "x".repeat(500) }),
  via: "servant-1",
});
async function countOf(journal: SqliteJournal): Promise<number> {
  const facts = await Array.fromAsync(journal.replay());
  return facts.filter((fact) => !isMachineFact(fact)).length;
}
/** A journal with `count` entries, closed. */
async function written(count: number): Promise<void> {
  const journal = openJournal(path, options);
  await journal.append(Array.from({ length: count }, (_, at) => accepted(`a${at}`)));
  await journal.close();
}

test("an open journal's files are for their owner alone", async () => {
  const umask = process.umask(0);
  try {
    const journal = openJournal(path, options);
    await journal.append([accepted("a")]);
    const names = readdirSync(folder);
    expect(names.length).toBeGreaterThan(1); // the WAL holds facts too
    for (const name of names) expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
    await journal.close();
  } finally {
    process.umask(umask);
  }
});

test("close() leaves one file, whole and let go", async () => {
  await written(3);
  expect(readdirSync(folder)).toEqual(["journal.sqlite"]);
  const journal = openJournal(path, options);
  expect(await countOf(journal)).toBe(3);
  await journal.close();
});

test("a resolved append survives the end of the process", async () => {
  const program = `
    import { openJournal } from ${JSON.stringify(join(import.meta.dir, "../../src/system/journal.ts"))};
    const journal = openJournal(${JSON.stringify(path)}, { origin: "http://home" });
    await journal.append([${JSON.stringify(accepted("a"))}]);
    process.kill(process.pid, "SIGKILL");`;
  const child = Bun.spawn([process.execPath, "-e", program], { stderr: "pipe" });
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  const journal = openJournal(path, options);
  expect(await countOf(journal)).toBe(1);
  await journal.close();
});

// SQLite begins anew where a file is gone and deletes the log beside it: with it what was durable.
test("a write-ahead log whose file is missing or empty is set aside and told", async () => {
  for (const [round, lose] of [() => rmSync(path), () => writeFileSync(path, "")].entries()) {
    const journal = openJournal(path, options);
    await journal.append([accepted("a1")]);
    const log = readFileSync(`${path}-wal`);
    expect(log.length).toBeGreaterThan(0);
    const kept = readFileSync(path);
    await journal.close();
    writeFileSync(path, kept);
    writeFileSync(`${path}-wal`, log); // as a kill leaves them
    lose();
    const next = openJournal(path, options);
    expect(told).toHaveLength(round + 1);
    const { setAside = "" } = told.at(-1) ?? {};
    expect(readFileSync(`${setAside}-wal`).equals(log)).toBe(true);
    expect(await countOf(next)).toBe(0);
    await next.close();
    rmSync(path);
  }
});

describe("a damaged file", () => {
  /** What is done to fifty entries, and how many of them can be read all the same. */
  const damages: [string, (bytes: Buffer) => Buffer, readonly [number, number]][] = [
    ["is no database", () => Buffer.from("not a database, but long enough".repeat(50)), [0, 0]],
    ["is half a page", (bytes) => bytes.subarray(0, 700), [0, 0]],
    ["lost its end", (bytes) => bytes.subarray(0, bytes.length - 5 * 4096), [1, 50]],
    ["has two pages overwritten", (bytes) => bytes.fill(0xff, 4096, 3 * 4096), [0, 50]],
    [
      "has a broken fact",
      (bytes) => bytes.fill("!", bytes.lastIndexOf('{"assignment"'), undefined),
      [50, 50],
    ],
  ];
  for (const [name, damage, [least, most]] of damages) {
    test(`that ${name} is set aside by name, and what can be read of it is kept`, async () => {
      await written(50);
      const bytes = damage(readFileSync(path));
      writeFileSync(path, bytes);
      const journal = openJournal(path, options);
      expect(told).toMatchObject([
        { setAside: `${path}.damaged`, reason: expect.stringMatching(/./) },
      ]);
      expect(readFileSync(`${path}.damaged`).equals(bytes)).toBe(true);
      expect(told[0]?.entries).toBeGreaterThanOrEqual(least);
      expect(told[0]?.entries).toBeLessThanOrEqual(most);
      // They may have been started since: none of them is left to run.
      const open = await Array.fromAsync(journal.replay());
      expect(open.filter((fact) => !isMachineFact(fact))).toEqual([]);
      expect(await journal.countWaiting()).toBe(told[0]?.entries as number);
      await journal.append([accepted("new")]);
      await journal.close();
      const again = openJournal(path, options);
      expect(await countOf(again)).toBe(1);
      expect(told).toHaveLength(1);
      await again.close();
    });
  }

  test("never replaces one that was set aside before", async () => {
    for (const text of ["first".repeat(200), "second".repeat(200)]) {
      writeFileSync(path, text);
      await openJournal(path, options).close();
    }
    expect(readFileSync(`${path}.damaged`, "utf8")).toStartWith("first");
    expect(readFileSync(`${path}.damaged-2`, "utf8")).toStartWith("second");
  });

  test("lets go of its WAL: facts written afterwards stay", async () => {
    await written(50);
    writeFileSync(path, readFileSync(path).fill(0xff, 4096, 3 * 4096));
    const journal = openJournal(path, options);
    await journal.append([accepted("new")]);
    Bun.gc(true); // a handle left to the collector would remove the new WAL here
    const inode = statSync(`${path}-wal`).ino;
    Bun.gc(true);
    expect(statSync(`${path}-wal`).ino).toBe(inode);
    await journal.close();
  });
});

test("a journal of another version is refused and left where it is", async () => {
  await written(1);
  const db = new Database(path);
  db.run(`PRAGMA user_version = 7; PRAGMA application_id = ${0x4a6f_7500 + 7}`);
  db.close();
  const before = readFileSync(path);
  expect(() => openJournal(path, options)).toThrow(
    expect.objectContaining({ code: "journal.other-version" }),
  );
  expect(told).toEqual([]);
  expect(readdirSync(folder)).toEqual(["journal.sqlite"]);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("a folder that cannot be written is said to be so", () => {
  writeFileSync(join(folder, "file"), "");
  for (const unusable of [join(folder, "file", "journal.sqlite"), folder, "/proc/journal.sqlite"]) {
    expect(() => openJournal(unusable, options), unusable).toThrow(
      expect.objectContaining({ code: "state.unwritable" }),
    );
  }
});

test("an append after close() rejects instead of hanging", async () => {
  const journal = openJournal(path, options);
  await journal.close();
  await expect(journal.append([accepted("a")])).rejects.toMatchObject({ name: "ServantError" });
  await journal.append([accepted("b")], "lazy");
});
