/** What a journal's file may hold after years on a failing disk: rows that say something else. */
import { Database } from "bun:sqlite";
import { afterAll, expect } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type AuditId, emptyResult } from "../../src/core/assignment.ts";
import { type Fact, keyOf } from "../../src/core/entry.ts";
import { canonicalJson } from "../../src/core/json.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { MACHINE_KEY } from "../../src/core/machine.ts";
import { openJournal } from "../../src/system/journal.ts";
import {
  decodeFact,
  encodeFact,
  factSum,
  storedKey,
  storedTime,
} from "../../src/system/journal-rows.ts";
import { type Decoder, decoded, decoder } from "./decoder.ts";
import { json, spoiled, spoiledText, text } from "./hostile.ts";

// Each case is a file of its own: in memory where the system has room for files there.
const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "servant-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const options = { origin: "http://home", onDamaged: () => {} };
const good = join(folder, "good.sqlite");

/** The life of some assignments, each at another stage, and the machine's own facts. */
function facts(): Fact[] {
  const told: Fact[] = [{ type: "paused", atMs: 1, key: MACHINE_KEY, reason: "lunch" }];
  for (let stage = 0; stage < 6; stage += 1) {
    const auditId = `a${stage}` as AuditId;
    const key = keyOf(auditId);
    const assignment = { kind: "action", auditId, transition: "move", params: {} } as const;
    const life: Fact[] = [
      { type: "accepted", atMs: 1, key, assignment, via: "servant-1" },
      { type: "started", atMs: 2, key },
      { type: "finished", atMs: 3, key, result: emptyResult(auditId, true) },
      { type: "delivered", atMs: 4, key },
      { type: "repeated", atMs: 5, key, via: "servant-2" },
    ];
    told.push(...life.slice(0, stage));
  }
  return told;
}

const writing = openJournal(good, options);
await writing.append(facts());
await writing.close();

const fact = fc.record({
  type: fc.constantFrom("accepted", "started", "finished", "cancelled", "paused", "odd"),
  atMs: fc.double(),
  key: text,
  assignment: json,
  result: json,
  reason: text,
  via: text,
});
/** What stands in a column instead of what was written there. */
const cell = fc.oneof(
  spoiledText(spoiled(fact)),
  text,
  fc.constantFrom(null, -1, 0, 1, 9_007_199_254_740_991, 1.5, Number.POSITIVE_INFINITY),
  fc.uint8Array({ maxLength: 40 }),
);
const mangled = fc.array(
  fc.record({ table: fc.nat(), column: fc.nat(), row: fc.nat(), instead: cell }),
  { minLength: 1, maxLength: 3 },
);

function mangle(path: string, changes: typeof mangled extends fc.Arbitrary<infer T> ? T : never) {
  using db = new Database(path);
  db.run("PRAGMA ignore_check_constraints = ON");
  db.run("PRAGMA synchronous = OFF");
  const tables = db
    .query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table'")
    .all();
  for (const { table, column, row, instead } of changes) {
    const { name } = tables[table % tables.length] ?? { name: "" };
    const columns = db.query<{ name: string }, []>(`SELECT name FROM pragma_table_info('${name}')`);
    const names = columns.all();
    const of = names[column % names.length]?.name;
    const at = `SELECT rowid FROM "${name}" LIMIT 1 OFFSET ${row % 16}`;
    try {
      db.prepare(`UPDATE "${name}" SET "${of}" = ? WHERE rowid = (${at})`).run(instead);
    } catch {
      // Such a value cannot stand there: no row like it can be met either.
    }
  }
}

const rows = decoder("journal rows", 10, mangled, async (changes) => {
  for (const name of readdirSync(folder)) {
    if (name !== "good.sqlite") rmSync(join(folder, name));
  }
  const path = join(folder, "journal.sqlite");
  copyFileSync(good, path);
  mangle(path, changes);
  const journal = decoded(() => openJournal(path, options));
  if (journal === undefined) return;
  try {
    const ledger = await Ledger.open(journal);
    // Whatever was lost, the agent goes on: what comes now is kept and found again.
    const auditId = "new" as AuditId;
    const key = keyOf(auditId);
    const assignment = { kind: "belief", auditId, fluent: "at" } as const;
    await ledger.record([{ type: "accepted", atMs: 9, key, assignment, via: "servant-3" }]);
    expect((await ledger.match(assignment)).is).toBe("known");
  } finally {
    await journal.close();
  }
});

const assigned = fc.oneof(
  fc.record({
    kind: fc.constant("action" as const),
    auditId: text as fc.Arbitrary<AuditId>,
    transition: text,
    params: fc.dictionary(text, json, { maxKeys: 3 }),
  }),
  fc.record({
    kind: fc.constant("belief" as const),
    auditId: text as fc.Arbitrary<AuditId>,
    fluent: text,
  }),
);
const told = fc
  .record({
    type: fc.constantFrom("accepted", "started", "finished", "cancelled", "repeated", "delivered"),
    atMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
    assignment: assigned,
    nth: fc.integer({ min: 1, max: 3 }),
    reason: text,
    message: text,
    telemetry: json,
    success: fc.boolean(),
  })
  .map(({ type, atMs, assignment, nth, reason, message, telemetry, success }): Fact => {
    const { auditId } = assignment;
    const about = { atMs, key: keyOf(auditId) };
    const result = { ...emptyResult(auditId, success, message), telemetry };
    if (type === "accepted") return { type, ...about, assignment, via: reason };
    if (type === "started") return { type, ...about, nth };
    if (type === "finished") return { type, ...about, result };
    if (type === "cancelled") return { type, ...about, reason };
    return type === "repeated" ? { type, ...about, via: reason } : { type: "delivered", ...about };
  });

/** Also with a body that somebody else wrote, under a sum that is right. */
const written = fc.tuple(told, fc.option(cell));
const sound = decoder("journal facts and back", 50, written, ([given, instead]) => {
  const key = storedKey(given.key);
  const { type, body } = encodeFact(given);
  const row = {
    n: 1,
    type,
    at: storedTime(given.atMs),
    body: instead === null ? body : `${instead}`,
  };
  const sum = factSum(7, key, row);
  const read = decodeFact({ entry: 7, ...row, sum }, key);
  if (instead === null) expect(canonicalJson(read as never)).toBe(canonicalJson(given as never));
  expect(decodeFact({ entry: 7, ...row, sum: sum + 1 }, key)).toBeUndefined();
});

export const journal: readonly Decoder[] = [rows, sound];
