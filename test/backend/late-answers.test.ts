// Goal: what a servant did is known when its answer comes after all, however late, and no plan does
// it once more. Method: a backend on a socket; another one on the store that the first one left.
import { expect, test } from "bun:test";
import { memoryStore } from "../../src/backend/memory-store.ts";
import { Servants } from "../../src/backend/servants.ts";
import { keepNothing } from "../../src/backend/store.ts";
import { Unanswered } from "../../src/backend/unanswered.ts";
import { type AuditId, emptyResult } from "../../src/core/assignment.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { type Harness, harness } from "./harness.ts";
import { execute, prepare, state } from "./playing.ts";

/** A first life with a move in its servant's hand, and the store as it is then. */
async function midStep(beliefs: readonly string[] = []) {
  const store = memoryStore();
  const http = harness({ store });
  const id = await http.register(["move"], beliefs);
  await prepare(http, ["robot_at(room_two)"], ["robot_at(room_one)"]);
  const { run_id } = (await http.post("/execute?wait=false")).body;
  const { audit_id } = await http.next(id);
  return { store, http, id, run_id, audit_id };
}

/** The next life; the first one is not ended until it is disposed of. */
function reborn({ store }: Pick<Awaited<ReturnType<typeof midStep>>, "store">): Harness {
  return harness({ store });
}

const ONE = ["hands_free", "robot_at(room_one)"];
const TWO = ["hands_free", "robot_at(room_two)"];

test("a late success is believed, and attached to its run once", async () => {
  const { http: first, id, run_id, audit_id, ...rest } = await midStep();
  await using _first = first;
  await using http = reborn(rest);
  const telemetry = { metres: 3 };
  expect((await http.answer(id, audit_id, { telemetry })).body.accepted).toBe(true);
  expect(await state(http)).toEqual(TWO);
  expect((await http.get(`/runs/${run_id}`)).body).toMatchObject({
    status: "interrupted",
    results: [{ audit_id, success: true, late: true, telemetry }],
  });
  expect(await execute(http)).toEqual([]); // nothing is left to do
  await http.post("/start", { start: ["robot_at(room_one)"] });
  expect((await http.answer(id, audit_id)).body.accepted).toBe(false);
  expect(await state(http)).toEqual(ONE);
});

test("a late failure leaves the state, and what it observed is believed", async () => {
  const { http: first, id, run_id, audit_id, ...rest } = await midStep();
  await using _first = first;
  await using http = reborn(rest);
  const observed_state = { "robot_at(room_three)": true };
  await http.answer(id, audit_id, { success: false, message: "blocked", observed_state });
  expect(await state(http)).toContain("robot_at(room_three)" as never);
  expect((await http.get(`/runs/${run_id}`)).body.results).toMatchObject([
    { audit_id, success: false, message: "answered late: blocked", late: true },
  ]);
});

test.each([
  ["/start", { start: ["robot_at(room_one)"] }, ONE],
  ["/belief/set", { fluent: "robot_at(room_one)", value: true }, ONE],
  [
    "/belief/set",
    { fluent: "robot_at(room_three)", value: true },
    [...ONE, "robot_at(room_three)"],
  ],
  ["/reset", {}, ["hands_free"]],
])("after %s %j a late success changes nothing but what was observed", async (path, body, left) => {
  const { http: first, id, audit_id, ...rest } = await midStep();
  await using _first = first;
  await using http = reborn(rest);
  await http.post(path, body);
  const observed_state = { "holding(box_a)": true };
  await http.answer(id, audit_id, { observed_state });
  expect(await state(http)).toEqual([...left, "holding(box_a)"].sort());
});

test("what the state says of other things does not stand against a late answer", async () => {
  const { http: first, id, audit_id, ...rest } = await midStep();
  await using _first = first;
  await using http = reborn(rest);
  await http.post("/belief/set", { fluent: "box_at(room_one, box_a)", value: true });
  await http.answer(id, audit_id);
  expect(await state(http)).toContain("robot_at(room_two)" as never);
});

test("the beliefs of what it touches are asked, and contradict it", async () => {
  const { http: first, id, audit_id, run_id, ...rest } = await midStep(["robot_at"]);
  await using _first = first;
  await using http = reborn(rest);
  await http.answer(id, audit_id);
  const belief = await http.next(id);
  expect(belief).toMatchObject({ kind: "belief", fluent_name: "robot_at" });
  const execution = execute(http); // it waits for what is known then
  const path = `/servant/${id}/next_assignment`;
  expect((await http.get(path, { Prefer: "wait=1" })).status).toBe(204);
  const observed_state = { "robot_at(room_three)": true };
  await http.answer(id, belief.audit_id, { observed_state, exclusive_fluents: ["robot_at"] });
  const { audit_id: second, ...next } = await http.next(id);
  expect(next).toMatchObject({ params_json: { start: "room_three" } });
  expect((await http.get(`/runs/${run_id}`)).body.results).toMatchObject([{ success: false }]);
  await http.answer(id, second);
  await http.answer(id, (await http.next(id)).audit_id, {
    ...{ observed_state: { "robot_at(room_two)": true }, exclusive_fluents: ["robot_at"] },
  });
  expect((await execution).at(-1)).toMatchObject({ success: true });
});

test("a step that its servant no longer has is given up, and another one goes out", async () => {
  const { http: first, id, audit_id, ...rest } = await midStep();
  await using _first = first;
  await using http = reborn(rest);
  const execution = execute(http);
  const path = `/servant/${id}/next_assignment`;
  const headers = { Prefer: "wait=5", "Servant-Holds": "", "Servant-Takes": "action, belief" };
  const { body } = await http.get(path, headers);
  expect(body).toMatchObject({ transition_name: "move" });
  expect((await http.answer(id, audit_id)).body.accepted).toBe(false);
  await http.answer(id, String(body.audit_id));
  expect((await execution).at(-1)).toMatchObject({ success: true });
});

test("an answer that was acknowledged and not yet believed is believed in the next life", async () => {
  const { http: first, id, audit_id, run_id, ...rest } = await midStep(["robot_at"]);
  await using _first = first;
  expect((await first.answer(id, audit_id)).body.accepted).toBe(true);
  expect(await first.next(id)).toMatchObject({ kind: "belief" });
  expect(await state(first)).toEqual(ONE);
  await using http = reborn(rest);
  const { audit_id: question } = await http.next(id);
  await http.answer(id, question, { is_unchecked: true });
  expect(await state(http)).toEqual(TWO);
  expect((await http.get(`/runs/${run_id}`)).body.results).toMatchObject([{ success: true }]);
  expect((await http.answer(id, audit_id)).body.accepted).toBe(false);
});

test("a step that a plan chose before the late answer does not go out after it", async () => {
  await using http = harness();
  const id = await http.register(["move"]);
  await prepare(http, ["robot_at(room_two)"], ["robot_at(room_one)"]);
  const execution = execute(http);
  const { audit_id } = await http.next(id);
  await http.post("/cancel");
  await execution;
  const again = execute(http);
  while (!JSON.stringify((await http.get("/logs")).body).includes("waiting: servant")) {
    await Bun.sleep(5);
  }
  await http.answer(id, audit_id);
  expect(await again).toEqual([]);
  const path = `/servant/${id}/next_assignment`;
  expect((await http.get(path, { Prefer: "wait=0" })).status).toBe(204);
});

test("a servant that says it is at an earlier step gets no action, and what a plan chose comes back", async () => {
  const unanswered = new Unanswered();
  const servants = new Servants({ clock: new FakeClock(), log: () => {}, unanswered });
  const { id } = servants.register({ transitions: ["move"], fluents: [] });
  const early = "early" as AuditId;
  const step = { transition: "move", parameters: {} };
  unanswered.begin({
    ...{ auditId: early, runId: "a run", servantId: "another name", step, adds: [], removes: [] },
  });
  unanswered.goesOut(early);
  unanswered.leave(early, { isBelieved: true });
  const act = (auditId: string, isRecallable: boolean) => {
    const ended: { message?: string } = {};
    const action = { kind: "action", auditId: auditId as AuditId, transition: "move", params: {} };
    void servants
      .act(servants.get(id), action as never, { isRecallable })
      .then(({ message }) => Object.assign(ended, { message }));
    return ended;
  };
  const [planned, triggered] = [act("planned", true), act("triggered", false)];
  const takes = { actions: true, beliefs: true, cancels: true };
  const poll = (...holds: string[]) => servants.poll(id, { takes, holds: new Set(holds) });
  expect(await poll(early)).toBeUndefined();
  await settled();
  expect([planned.message, triggered.message]).toEqual([
    "it was not begun: its servant still had an earlier step",
    undefined,
  ]);
  expect(servants.earlierStepOf(servants.get(id))?.auditId).toBe(early);
  expect(await poll()).toMatchObject({ auditId: "triggered" }); // its hand is free again
});

test("a late answer to a run of this life is attached to it with what it measured", async () => {
  const { http, id, run_id, audit_id } = await midStep();
  await using _http = http;
  await http.post("/cancel"); // it cannot be told, and may go on
  while ((await http.get("/health")).body.running !== null) await Bun.sleep(5);
  await http.answer(id, audit_id, { telemetry: { metres: 3 } });
  expect(await state(http)).toEqual(TWO);
  const { results } = (await http.get(`/runs/${run_id}`)).body;
  const [step] = results as unknown as JsonObject[];
  expect(step).toMatchObject({ audit_id, late: true, telemetry: { metres: 3 } });
});

test("a run that finds no plan says at once what may still be under way", async () => {
  const { http, id, audit_id } = await midStep();
  await using _http = http;
  await http.post("/cancel"); // it cannot be told, and may go on
  while ((await http.get("/health")).body.running !== null) await Bun.sleep(5);
  await http.post("/belief/set", { fluent: "no_entry(room_two)", value: true });
  const { status, body } = await http.post("/execute");
  expect([status, body.code]).toEqual([422, "plan.none"]);
  expect(body.detail).toContain("no_entry(room_two)");
  expect(body.detail).toContain("still be under way: move(start=room_one, end=room_two)");
  await http.answer(id, audit_id);
  expect(await state(http)).toContain("robot_at(room_two)" as never);
  const { detail } = (await http.post("/execute_blocks", { blocks: [] })).body;
  expect(detail).toBeUndefined();
});

test("a servant that never lets go of a step keeps nobody: reset ends the run, a new servant goes on", async () => {
  await using http = harness();
  const id = await http.register(["move"]);
  await prepare(http, ["robot_at(room_two)"], ["robot_at(room_one)"]);
  const takes = { "Servant-Takes": "action, belief, cancel", Prefer: "wait=1" };
  const poll = (holds: string) =>
    http.get(`/servant/${id}/next_assignment`, { ...takes, "Servant-Holds": holds });
  const first = http.post("/execute");
  const { audit_id } = (await poll("")).body;
  const holds = String(audit_id);
  await http.post("/cancel");
  expect((await poll(holds)).body).toMatchObject({ kind: "cancel", audit_id });
  expect((await http.get("/health")).body.running).toContain("move"); // its true answer is awaited
  await http.post("/reset");
  expect((await first).body).toMatchObject({ success: false, code: "execution.stopped" });
  await poll(holds);
  await prepare(http, ["robot_at(room_two)"], ["robot_at(room_one)"]);
  const second = http.post("/execute");
  await poll(holds);
  await http.post("/cancel");
  expect((await second).body).toMatchObject({ success: false, code: "execution.cancelled" });
  const other = await http.register(["move"]);
  const third = http.post("/execute");
  await http.answer(other, (await http.next(other)).audit_id);
  expect((await third).body.success).toBe(true);
});

test("what a servant measured is kept with its step while it is short: the run has all of it", () => {
  const puts: Json[] = [];
  const keep = {
    ...keepNothing,
    put: (_kind: string, _key: string, value: Json) => puts.push(value),
  };
  const unanswered = new Unanswered(keep);
  for (const [auditId, telemetry] of [
    ["short", { metres: 3 }],
    ["long", { image: "x".repeat(100_000) }],
  ] as const) {
    const step = { transition: "move", parameters: {} };
    const id = auditId as AuditId;
    unanswered.begin({ auditId: id, runId: "r", servantId: "s", step, adds: [], removes: [] });
    unanswered.goesOut(id);
    unanswered.answered(id, { ...emptyResult(id, true, "there"), telemetry });
  }
  const kept = puts.flatMap((value) => (value as JsonObject).answer ?? []) as JsonObject[];
  expect(kept.map(({ telemetry }) => telemetry)).toEqual([{ metres: 3 }, {}]);
});
