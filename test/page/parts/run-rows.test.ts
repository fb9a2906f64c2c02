// Goal: a run's record reads as what was tried, why, and what is still to come.
import { expect, test } from "bun:test";
import { reasonOf, rowsOf } from "../../../src/page/parts/run-rows.ts";
import type { RunRecord } from "../../../src/wire/direct.ts";

const run = (more: Partial<RunRecord>): RunRecord => ({
  ...{ run_id: "r", kind: "goal", what: "robot_at(b)", status: "running", started: 1, ended: null },
  ...{ results: [], ...more },
});
const move = (to: string) => ({ action_name: "move", parameters: { to } });
const tried = (to: string, success: boolean | null, because: object) => ({
  ...{ type: "action", success, message: success === false ? "stuck" : "under way" },
  ...{ ...move(to), audit_id: `audit ${to}`, servant_id: "s", why: "step 1 of 2 to robot_at(b)" },
  because: { needs: [{ atom: "free", from: null }], serves: [{ atom: "x", to: 2 }], ...because },
});

test("what was tried is told with its reason, then the steps that are still to come", () => {
  const rows = rowsOf(
    run({
      plan: { number: 1, steps: [move("a"), { ...move("b"), serves: [{ atom: "y", to: null }] }] },
      results: [tried("a", null, { plan: 1, step: 1 })],
    }),
  );
  expect(rows).toMatchObject([
    { kind: "step", what: "move(a)", whole: "move(to=a)", phase: "running", number: 1 },
    { kind: "step", what: "move(b)", phase: "waiting", number: 2, reason: "for the goal: y" },
  ]);
  expect(rows[0]).toMatchObject({ servantId: "s", reason: "for step 2: x" });
  expect(rows[0]).toMatchObject({ needs: [{ atom: "free", step: null }], message: "" });
});

test("a plan made anew says why before its first step, tried or not", () => {
  const first = tried("a", false, { plan: 1, step: 1 });
  const plan = { number: 2, replanned: "it was stuck", steps: [move("c"), move("b")] };
  const again = { kind: "note", word: "planned again", text: "it was stuck" };
  expect(rowsOf(run({ plan, results: [first] }))).toMatchObject([
    { phase: "failed", message: "stuck" },
    again,
    { what: "move(c)", phase: "waiting" },
    { what: "move(b)", phase: "waiting" },
  ]);
  const second = tried("c", true, { plan: 2, step: 1, replanned: "it was stuck" });
  const rows = rowsOf(run({ plan, results: [first, second], status: "cancelled" }));
  expect(rows).toMatchObject([
    { phase: "failed" },
    again,
    { phase: "done" },
    { what: "move(b)", phase: "left" },
  ]);
  expect(new Set(rows.map(({ kind, key }) => `${kind} ${key}`)).size).toBe(rows.length);
});

test("blocks have their headings, scripts their legs, and what is left out is counted", () => {
  const leg = { ...tried("a", true, {}), because: undefined, why: "leg 1 of 9" };
  const survey = {
    ...tried("zone", null, {}),
    because: undefined,
    legs: 9,
    steps: [leg],
    earlier: 3,
  };
  const rows = rowsOf(
    run({
      kind: "blocks",
      results: [
        { type: "order", name: "tour", results: [{ type: "plan", goal: ["g"], steps: [survey] }] },
      ],
    } as unknown as Partial<RunRecord>),
  );
  expect(rows).toMatchObject([
    { kind: "note", word: "order", text: "tour" },
    { kind: "note", word: "plan for", text: "g" },
    { what: "move(zone)", legs: { total: 9, rows: [{ kind: "note" }, { reason: "leg 1 of 9" }] } },
  ]);
});

test("the steps that wait stand in their block, and the blocks to come after it", () => {
  const blocks = {
    kind: "mission",
    plan: { number: 1, steps: [move("a"), move("b")] },
    results: [
      {
        ...{ type: "order", name: "tour", success: null, coming: ["plan block h"] },
        results: [
          {
            type: "plan",
            goal: ["g"],
            success: null,
            steps: [tried("a", null, { plan: 1, step: 1 })],
          },
        ],
      },
    ],
    coming: ["action block go", "3 more blocks"],
  } as unknown as Partial<RunRecord>;
  expect(rowsOf(run(blocks))).toMatchObject([
    { word: "order", depth: 0 },
    { word: "plan for", text: "g", depth: 1 },
    { what: "move(a)", phase: "running", depth: 2 },
    { what: "move(b)", phase: "waiting", depth: 2 },
    { word: "to come", text: "plan block h", depth: 1 },
    { word: "to come", text: "action block go", depth: 0 },
    { word: "to come", text: "3 more blocks", depth: 0 },
  ]);
  expect(rowsOf(run({ ...blocks, status: "cancelled" })).at(-1)).toMatchObject({
    word: "not begun",
  });
});

test("a plan that is kept waits, step by step", () => {
  const plan = { number: 1, steps: [move("a")] };
  const rows = rowsOf({ run_id: "", status: "planned", plan, results: [] });
  expect(rows).toMatchObject([{ what: "move(a)", phase: "waiting", number: 1 }]);
});

test("what a step failed for is not told again as the reason for the next plan", () => {
  const again = { plan: 2, step: 1, replanned: "stuck" };
  const results = [tried("a", false, { plan: 1, step: 1 }), tried("b", true, again)];
  expect(rowsOf(run({ results }))[1]).toMatchObject({ kind: "note", text: "because of this" });
});

test("a step that was answered late says so", () => {
  const rows = rowsOf(run({ results: [{ ...tried("a", true, {}), late: true }] }));
  expect(rows).toMatchObject([{ phase: "done", isLate: true }]);
});

test("a record of an earlier life, or of nothing at all, is told as far as it goes", () => {
  expect(rowsOf(run({ status: "interrupted", results: [{ success: null, message: "" }] }))).toEqual(
    [],
  );
  const bare = { type: "action", success: true, message: "" };
  expect(rowsOf(run({ results: [bare] }))).toMatchObject([
    { what: "?()", phase: "done", reason: "" },
  ]);
});

test("reasonOf() names the goal before later steps, and counts the rest", () => {
  const serves = [
    { atom: "a", step: 4 },
    { atom: "b", step: null },
  ];
  expect(reasonOf(serves, "why")).toBe("for the goal: b, and 1 more");
  expect(reasonOf([], "leg 3 of 9")).toBe("leg 3 of 9");
});
