// Goal: whatever happens to the journal's bytes, the agent starts, makes nothing up, and runs nothing
// again that was closed. Method: a thousand seeded truncations and bit flips of the database and
// its log. Replay one failure with DAMAGE_SEED=<seed>.
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyResult } from "../../src/core/assignment.ts";
import { type Entry, type EntryKey, type Fact, fold, keyOf } from "../../src/core/entry.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { isMachineFact, MACHINE_KEY } from "../../src/core/machine.ts";
import { type Damage, openJournal } from "../../src/system/journal.ts";
import { Random } from "../sim/random.ts";
import { action, id } from "../support/fake-ports.ts";

const SEEDS = 1_000;
/** Found something once: a row whose number the damage made smaller had the search go in circles. */
const FOUND = [11_799];
/** In memory where there is such a folder: a thousand files need no real disk. */
const base = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "journal-damage-"));
afterAll(() => rmSync(base, { recursive: true }));

const ENDS = ["accepted", "started", "finished", "delivered", "refused", "repeated"] as const;

function story(auditId: string, end: (typeof ENDS)[number], atMs: number): Fact[] {
  const head = { atMs, key: keyOf(id(auditId)) };
  const assignment = action(auditId, { text: `${auditId} `.repeat(1 + (atMs % 40)) });
  const all: Fact[] = [
    { ...head, type: "accepted", assignment, via: "servant-1" },
    { ...head, type: "started" },
    {
      ...head,
      type: "finished",
      result: { ...emptyResult(id(auditId), true), telemetry: { atMs } },
    },
    { ...head, type: "delivered" },
  ];
  if (end === "refused")
    return [...all.slice(0, 3), { ...head, type: end, code: "backend.rejected" }];
  if (end === "repeated") return [...all, { ...head, type: end, via: "servant-2" }];
  return all.slice(0, all.findIndex(({ type }) => type === end) + 1);
}

const paused: Fact = { type: "paused", atMs: 1, key: MACHINE_KEY, reason: "service" };

/**
 * A journal as a kill leaves it, the first stories in the file and the second ones in its log; and
 * the same as a stop leaves it, all in the file: what stands in a log hides the page behind it.
 */
async function makeJournal(first: readonly Fact[][], second: readonly Fact[][]) {
  const path = join(base, "original.sqlite");
  const options = { origin: "http://home" };
  const journal = openJournal(path, options);
  for (const facts of first) await journal.append(facts);
  await journal.close();
  const again = openJournal(path, options);
  for (const facts of second) for (const fact of facts) await again.append([fact]);
  const killed = { db: readFileSync(path), wal: readFileSync(`${path}-wal`) };
  await again.close();
  return { killed, stopped: { db: readFileSync(path), wal: Buffer.alloc(0) } };
}

const names = (letter: string) => Array.from({ length: 12 }, (_, index) => `${letter}${index}`);
const stories = (letter: string) =>
  names(letter).map((name, index) => story(name, ENDS[index % ENDS.length] ?? "accepted", index));
const inFile = stories("file");
const inLog = stories("log");
const original = await makeJournal([[paused], ...inFile], inLog);
const known = new Map([...inFile, ...inLog].map((facts) => [facts[0]?.key as EntryKey, facts]));

/** One way to hurt the two files. */
function hurt(random: Random): { db: Buffer; wal: Buffer; isLog: boolean; how: string } {
  const isStopped = random.chance(0.5);
  const from = isStopped ? original.stopped : original.killed;
  const db = Buffer.from(from.db);
  const wal = Buffer.from(from.wal);
  const isLog = !isStopped && random.chance(0.7);
  const bytes = isLog ? wal : db;
  if (random.chance(0.3)) {
    const length = random.count(0, bytes.length - 1);
    const cut = bytes.subarray(0, length);
    const how = `${isLog ? "log" : "file"} cut to ${length} bytes`;
    return isLog ? { db, wal: cut, isLog, how } : { db: cut, wal, isLog, how };
  }
  const flips = random.count(1, 6);
  const at: string[] = [];
  for (let flip = 0; flip < flips; flip += 1) {
    const byte = random.count(0, bytes.length - 1);
    const bit = random.count(0, 7);
    bytes[byte] = (bytes[byte] ?? 0) ^ (1 << bit);
    at.push(`${byte}.${bit}`);
  }
  return { db, wal, isLog, how: `${isLog ? "log" : "file"} flipped at ${at.join(" ")}` };
}

/** True for what the new journal says of an entry that could not be read whole. */
function isAnswerForDamage(fact: Fact): boolean {
  if (fact.type === "accepted") return JSON.stringify(fact).includes('"journal.damaged"');
  if (fact.type === "finished") return fact.result.code === "journal.damaged";
  return fact.type === "refused" && fact.code === "journal.damaged";
}

async function checkSeed(seed: number): Promise<"noticed" | "harmless"> {
  const { db, wal, isLog, how } = hurt(new Random(seed));
  const what = `seed ${seed}: ${how}`;
  const folder = join(base, `seed-${seed}`);
  const path = join(folder, "journal.sqlite");
  mkdirSync(folder);
  writeFileSync(path, db);
  if (wal.length > 0) writeFileSync(`${path}-wal`, wal);
  const told: Damage[] = [];
  const journal = openJournal(path, {
    origin: "http://home",
    onDamaged: (each) => told.push(each),
  });
  const replayed = await Array.fromAsync(journal.replay());
  const ledger = await Ledger.open(journal);
  const unfinished = new Set(replayed.filter((fact) => !isMachineFact(fact)).map(({ key }) => key));
  for (const key of unfinished) expect(known.has(key), `${what}: ${key} is made up`).toBe(true);
  for (const [key, facts] of known) {
    const found = await journal.story(key);
    const entry = found.reduce<Entry | undefined>(fold, undefined);
    for (const fact of found) {
      const isTrue = facts.some((each) => Bun.deepEquals(each, fact)) || isAnswerForDamage(fact);
      if (!isTrue) throw new Error(`${what}: ${JSON.stringify(fact)} is made up`);
    }
    const isFromFile = inFile.includes(facts);
    if (told.length === 0) {
      // Nothing was noticed: nothing is changed, but for the end of a log, as after a power cut.
      const isWhole = !isLog || isFromFile;
      const left = isWhole ? facts : facts.slice(0, found.length);
      if (!Bun.deepEquals(found, left)) throw new Error(`${what}: ${key} is changed`);
    } else if (entry !== undefined) {
      // Whatever the story lost: it is in doubt, answered, or over. Nothing is left to run.
      expect(entry.phase, `${what}: ${key} may run`).not.toBe("accepted");
      const wasDone = facts.some(({ type }) => type === "finished");
      if (isFromFile && wasDone) expect(unfinished.has(key), `${what}: ${key}`).toBe(false);
      const match = await ledger.match(action(String(key), { other: "content" }));
      expect(match.is, what).not.toBe("new");
    }
  }
  await journal.close();
  if (told.length > 0) {
    const setAside = told[0]?.setAside ?? "";
    if (db.length > 0) expect(readFileSync(setAside).equals(db), what).toBe(true);
    if (wal.length > 0) expect(readFileSync(`${setAside}-wal`).equals(wal), what).toBe(true);
    expect(told).toHaveLength(1);
  }
  rmSync(folder, { recursive: true });
  return told.length > 0 ? "noticed" : "harmless";
}

test(`${SEEDS} truncations and bit flips of database and log make nothing up and run nothing again`, async () => {
  const only = process.env.DAMAGE_SEED;
  const seeds =
    only === undefined
      ? [...Array.from({ length: SEEDS }, (_, seed) => seed), ...FOUND]
      : [Number(only)];
  const tally = { noticed: 0, harmless: 0 };
  for (const seed of seeds) tally[await checkSeed(seed)] += 1;
  if (only === undefined) expect(Math.min(tally.noticed, tally.harmless)).toBeGreaterThan(100);
}, 60_000);
