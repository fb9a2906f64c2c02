// Goal: wherever a backend keeps its state, it may rely on the same promises.
// Method: one suite, run on SQLite on a real disk and on the store in memory; random changes are
// compared with what a plain list of them says.
import { Database } from "bun:sqlite";
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { memoryStore } from "../../src/backend/memory-store.ts";
import type { BackendStore, Change, DocumentKind, LineKind } from "../../src/core/store.ts";
import { openBackendStore } from "../../src/system/backend-store.ts";

const folder = mkdtempSync(join(tmpdir(), "backend-store-"));
const path = join(folder, "backend.sqlite");
afterEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true }));

const kind = fc.constantFrom<DocumentKind>("object", "atom", "run");
const lineKind = fc.constantFrom<LineKind>("log", "trace");
const key = fc.constantFrom("a", "b", "c d", "é(ü, \u{1f600})");
const at = fc.integer({ min: 1_700_000_000_000_000, max: 1_700_000_000_000_009 });
const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<null>;
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ op: fc.constant("put" as const), kind, key, value }),
  fc.record({ op: fc.constant("put" as const), kind, key, value }),
  fc.record({ op: fc.constant("remove" as const), kind, key }),
  fc.record({ op: fc.constant("clear" as const), kind }),
  fc.record({ op: fc.constant("line" as const), kind: lineKind, atMicros: at, value }),
  fc.record({ op: fc.constant("trim" as const), kind: lineKind, toMicros: at }),
);

/** What is there after these changes, one by one. */
function expected(changes: readonly Change[], of: DocumentKind) {
  let all: { key: string; value: unknown }[] = [];
  for (const each of changes) {
    if (each.kind !== of) continue;
    if (each.op === "clear") all = [];
    if (each.op === "remove") all = all.filter((one) => one.key !== each.key);
    if (each.op !== "put") continue;
    const { key, value } = JSON.parse(JSON.stringify(each));
    const known = all.findIndex((one) => one.key === key);
    if (known < 0) all.push({ key, value });
    else all[known] = { key, value };
  }
  return all;
}

describe.each([
  ["SQLite", () => openBackendStore(path), () => openBackendStore(path)],
  ["memory", memoryStore, undefined],
] as const)("%s", (_, open, reopen) => {
  test("documents and lines are what the changes say, in their order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 6 })), async (batches) => {
        let store: BackendStore = open();
        for (const name of ["object", "atom", "run"] as const)
          await store.write([{ op: "clear", kind: name }]);
        const all = Number.MAX_SAFE_INTEGER;
        for (const name of ["log", "trace"] as const)
          await store.write([{ op: "trim", kind: name, toMicros: all }]);
        for (const batch of batches) await store.write(batch);
        if (reopen !== undefined) {
          await store.close();
          store = reopen();
        }
        const changes = batches.flat();
        for (const name of ["object", "atom", "run"] as const) {
          expect(JSON.parse(JSON.stringify(store.documents(name)))).toEqual(
            expected(changes, name),
          );
        }
        for (const name of ["log", "trace"] as const) {
          const times = store.lines(name).map(({ atMicros }) => atMicros);
          expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
          const trims = changes.flatMap((each) =>
            each.op === "trim" && each.kind === name ? [each] : [],
          );
          const last = trims.at(-1);
          const since = last === undefined ? changes : changes.slice(changes.lastIndexOf(last) + 1);
          const fresh = since.flatMap((each) =>
            each.op === "line" && each.kind === name ? [each.atMicros] : [],
          );
          for (const each of fresh) expect(times).toContain(each);
          const limit = last?.toMicros ?? 0;
          for (const each of times) expect(each > limit || fresh.includes(each)).toBe(true);
        }
        await store.close();
      }),
      { numRuns: reopen === undefined ? 300 : 40 },
    );
  });
});

test("SQLite takes all of a batch or none, and its file is its owner's alone", async () => {
  const store = openBackendStore(path);
  const circle: { self?: unknown } = {};
  circle.self = circle;
  await store.write([{ op: "put", kind: "goal", key: "atoms", value: ["a"] }]);
  const bad = store.write([
    { op: "clear", kind: "goal" },
    { op: "put", kind: "goal", key: "atoms", value: circle as never },
  ]);
  await expect(bad).rejects.toThrow("Cannot save the backend's state");
  expect(store.documents("goal")).toEqual([{ key: "atoms", value: ["a"] }]);
  await store.close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a damaged file is set aside and told, another version is refused", async () => {
  writeFileSync(path, "this is no database, and longer than a header of one would be".repeat(40));
  const told: string[] = [];
  const store = openBackendStore(path, { onDamaged: ({ setAside }) => told.push(setAside) });
  expect(store.documents("goal")).toEqual([]);
  await store.close();
  expect(told).toEqual([`${path}.damaged`]);
  {
    using db = new Database(path);
    db.run("PRAGMA user_version = 7");
  }
  expect(() => openBackendStore(path)).toThrow("another version of the agent");
});
