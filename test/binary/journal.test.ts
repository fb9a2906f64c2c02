// Goal: a person sees what the agent has done, while it runs or not. Method: the compiled binary on
// a journal that this test writes and keeps open, as an agent does.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyResult, failedResult } from "../../src/core/assignment.ts";
import { type Fact, keyOf } from "../../src/core/entry.ts";
import { openJournal } from "../../src/system/journal.ts";
import type { SqliteJournal } from "../../src/system/sqlite-journal.ts";
import { agent } from "../support/binary.ts";
import { action, id } from "../support/fake-ports.ts";
import { Folder } from "../support/servant.ts";

const folder = new Folder();
let journal: SqliteJournal;
const nowMs = Date.UTC(2026, 10, 21, 12);

function story(auditId: string, ...ends: ("done" | "failed" | "delivered" | "refused")[]): Fact[] {
  const head = { atMs: nowMs, key: keyOf(id(auditId)) };
  const result = ends.includes("failed")
    ? failedResult(id(auditId), "handler.threw", "broken arm\u001b[31m")
    : { ...emptyResult(id(auditId), true), telemetry: { metres: 3 } };
  return [
    {
      ...head,
      type: "accepted",
      assignment: action(auditId, { end: "room_two" }),
      via: "servant-1",
    },
    { ...head, atMs: nowMs + 5, type: "started" },
    ...(ends.length > 0
      ? [{ ...head, atMs: nowMs + 1_250, type: "finished", result } as const]
      : []),
    ...(ends.includes("delivered") ? [{ ...head, type: "delivered" } as const] : []),
    ...(ends.includes("refused")
      ? [{ ...head, type: "refused", code: "backend.rejected" } as const]
      : []),
  ];
}

beforeAll(async () => {
  mkdirSync(folder.state);
  journal = openJournal(join(folder.state, "journal.sqlite"), { origin: "http://home" });
  await journal.append(story("5f0c-delivered", "done", "delivered"));
  await journal.append(story("5f0d-refused", "failed", "refused"));
  await journal.append(story("77aa-waits", "done"));
  await journal.append(story("88bb-runs"));
});
afterAll(async () => {
  await journal.close();
  folder[Symbol.dispose]();
});
const ask = (...args: string[]) => agent(["journal", ...args, "--state-dir", folder.state]);

describe("agent journal", () => {
  test("list shows a table, newest first, and counts", async () => {
    const { code, stdout } = await ask("list");
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toMatch(/^ACCEPTED +AUDIT ID +WHAT +PHASE +OUTCOME$/);
    expect(lines.slice(1, 5).map((line) => line.split(/ {2,}/).slice(1))).toEqual([
      ["88bb-runs", "move(room_two)", "started"],
      ["77aa-waits", "move(room_two)", "finished", "done"],
      ["5f0d-refused", "move(room_two)", "refused", "failed (handler.threw)"],
      ["5f0c-delivered", "move(room_two)", "delivered", "done"],
    ]);
    expect(lines[5]).toBe("1 unfinished, 1 wait for the backend, 1 closed, 1 refused by it");
  });

  for (const [state, auditId] of [
    ["unfinished", "88bb-runs"],
    ["waiting", "77aa-waits"],
    ["closed", "5f0c-delivered"],
    ["refused", "5f0d-refused"],
  ] as const) {
    test(`list --state ${state} --json gives those alone`, async () => {
      const { stdout } = await ask("list", "--state", state, "--json");
      const { entries, counts } = JSON.parse(stdout);
      expect(entries).toMatchObject([{ auditId, origin: "http://home" }]);
      expect(counts[state]).toBe(1);
    });
  }

  test("list --limit ends sooner, 0 is all", async () => {
    expect(JSON.parse((await ask("list", "--limit", "2", "--json")).stdout).entries).toHaveLength(
      2,
    );
    expect(JSON.parse((await ask("list", "--limit", "0", "--json")).stdout).entries).toHaveLength(
      4,
    );
  });

  test("show tells the whole story with times, and steers no terminal", async () => {
    const { code, stdout } = await ask("show", "5f0d-refused");
    expect(code).toBe(0);
    expect(stdout).toContain("outcome:   failed (handler.threw)");
    expect(stdout).toContain("message:   broken arm\\x1b[31m");
    expect(stdout).toContain('params:    {"end":"room_two"}');
    const facts = stdout.split("\n").filter((line) => line.startsWith("  "));
    expect(facts.map((line) => line.trim().split(/ {2,}/)[1])).toEqual([
      "accepted",
      "started",
      "finished",
      "refused",
    ]);
    expect(facts[2]).toContain(":01.250");
  });

  test("show takes the beginning of an audit id, if it is the only one", async () => {
    expect((await ask("show", "77aa")).stdout).toContain("77aa-waits");
    const { code, stderr } = await ask("show", "5f0");
    expect(stderr).toContain('nearest is "5f0c-delivered" or "5f0d-refused"');
    expect(code).toBe(1);
    expect((await ask("show", "77ab-wait")).stderr).toContain('nearest is "77aa-waits"');
  });

  test("export prints every entry as a line, oldest first", async () => {
    const lines = (await ask("export")).stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).auditId)).toEqual([
      "5f0c-delivered",
      "5f0d-refused",
      "77aa-waits",
      "88bb-runs",
    ]);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      phase: "delivered",
      acceptedAtMs: nowMs,
      closedAtMs: nowMs,
      result: { telemetry: { metres: 3 } },
    });
  });

  test("says so where there is no journal, or none that can be read", async () => {
    const none = await agent(["journal", "list", "--state-dir", "/nonexistent"]);
    expect(none.stderr).toContain("there is none");
    expect(none.code).toBe(2);
    using other = new Folder();
    mkdirSync(other.state);
    writeFileSync(join(other.state, "journal.sqlite"), "no database".repeat(500));
    const broken = await agent(["journal", "list", "--state-dir", other.state]);
    expect(broken.stderr).toContain("Cannot read journal");
    expect(broken.code).toBe(1);
  });
});
