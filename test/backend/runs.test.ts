/** Runs that outlive the client that asked for them: asynchronous, listed, told as they go. */
import { expect, test } from "bun:test";
import { createBackend } from "../../src/backend/backend.ts";
import { memoryStore } from "../../src/backend/memory-store.ts";
import { REMEMBERED_CHARACTERS_MAX, Runs } from "../../src/backend/runs.ts";
import type { AuditId } from "../../src/core/assignment.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { systemClock } from "../../src/system/clock.ts";
import { type Harness, harness } from "./harness.ts";
import { ALL, prepare, serve, state } from "./playing.ts";

async function begin(http: Harness, path = "/execute?wait=false", body: JsonObject = {}) {
  const { status, body: begun, headers } = await http.post(path, body);
  expect([status, begun.detail]).toEqual([202, undefined]);
  const id = String(begun.run_id);
  expect(headers.get("location")).toBe(`/runs/${id}`);
  return id;
}

/** The run once it is over. */
async function ended(http: Pick<Harness, "get">, id: string): Promise<JsonObject> {
  for (;;) {
    const { body } = await http.get(`/runs/${id}`);
    if (body.status !== "running") return body;
    await Bun.sleep(5);
  }
}

test("execute?wait=false answers at once, and the run tells how it goes and how it ended", async () => {
  await using http = harness();
  const servant = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const id = await begin(http);
  const { audit_id } = await http.next(servant);
  const { body: going } = await http.get(`/runs/${id}`);
  expect(going).toMatchObject({
    ...{ run_id: id, kind: "goal", what: "robot_at(room_two)", status: "running" },
    ...{ success: null, ended: null, message: "step 1 of 1, move(start=room_one, end=room_two)" },
    results: [{ type: "action", action_name: "move", audit_id, success: null }],
  });
  await http.answer(servant, audit_id);
  const run = await ended(http, id);
  expect(run).toMatchObject({
    ...{ status: "succeeded", success: true, message: "the goal is reached", attempts: 1 },
    results: [{ action_name: "move", success: true }],
  });
  expect(Number(run.ended)).toBeGreaterThanOrEqual(Number(run.started));
  const { results: _, plan: __, ...summary } = run;
  expect((await http.get("/runs")).body.runs).toEqual([summary] as never);
});

test("a run that has no plan has failed and says why, and a second one is a 409 at once", async () => {
  await using http = harness();
  expect(await ended(http, await begin(http))).toMatchObject({
    ...{ status: "failed", code: "plan.none", results: [{ type: "plan", success: false }] },
  });
  const servant = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const id = await begin(http);
  const second = await http.post("/execute?wait=false");
  expect([second.status, second.body.code]).toEqual([409, "execution.running"]);
  expect(second.body.detail).toContain(id);
  await http.answer(servant, (await http.next(servant)).audit_id);
  expect((await ended(http, id)).status).toBe("succeeded");
  expect((await http.post("/execute?wait=later")).status).toBe(400);
});

test("trigger?wait=false answers at once too, and its run is listed", async () => {
  await using http = harness();
  const servant = await http.register(ALL);
  const move = { action: "move", params: { start: "room_one", end: "room_two" } };
  const id = await begin(http, "/trigger?wait=false", move);
  const { audit_id } = await http.next(servant);
  const { body: going } = await http.get(`/runs/${id}`);
  expect(going).toMatchObject({ kind: "trigger", status: "running", results: [{ audit_id }] });
  await http.answer(servant, audit_id);
  expect(await ended(http, id)).toMatchObject({
    ...{ status: "succeeded", what: "move(start=room_one, end=room_two)" },
    results: [{ audit_id, success: true }],
  });
  // One that is waited for tells its client, and is not in the list.
  const done = http.post("/trigger", move);
  await http.answer(servant, (await http.next(servant)).audit_id);
  expect((await done).body.success).toBe(true);
  expect((await http.get("/runs")).body.runs).toHaveLength(1);
  const unknown = await http.post("/trigger?wait=false", { action: "mov" });
  expect([unknown.status, unknown.body.detail]).toEqual([422, expect.stringContaining('"move"')]);
});

test("a blocking execute is a run too, and one whose client is gone goes on", async () => {
  await using http = harness();
  const servant = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const client = new AbortController();
  const request = fetch(`${http.url}/execute`, { method: "POST", signal: client.signal });
  const { audit_id } = await http.next(servant);
  client.abort();
  await request.catch(() => undefined);
  const [run] = (await http.get("/runs?status=running")).body.runs as unknown as JsonObject[];
  await http.answer(servant, audit_id);
  expect(await ended(http, String(run?.run_id))).toMatchObject({ status: "succeeded" });
  await prepare(http, ["robot_at(room_two)"], ["robot_at(room_two)"]);
  const { body } = await http.post("/execute");
  expect((await http.get(`/runs/${body.run_id}`)).body.results).toEqual(body.results as never);
});

test("blocks and saved missions run without their client too", async () => {
  await using http = harness();
  await using _robot = serve(http, await http.register(ALL), () => ({}));
  await prepare(http, ["robot_at(room_two)"]);
  await http.post("/fork", { name: "visit" });
  const { body: planned } = await http.post("/missions/visit/plan");
  expect(planned).toMatchObject({
    reason: "plan_found",
    plan: [{ action_name: "move", parameters: { start: "room_one", end: "room_two" }, index: 0 }],
  });
  const run = await ended(http, await begin(http, "/missions/visit/execute?wait=false"));
  expect(run).toMatchObject({ kind: "mission", what: "mission visit", status: "succeeded" });
  expect(await state(http)).toContain("robot_at(room_two)" as never);
  const blocks = [{ type: "plan", goal: ["robot_at(room_one)"] }];
  const id = await begin(http, "/execute_blocks?wait=false", { blocks });
  expect(await ended(http, id)).toMatchObject({ kind: "blocks", results: [{ type: "plan" }] });
  const { body } = await http.post("/missions/visit/execute");
  expect(body.results).toMatchObject([{ type: "plan", success: true, steps: { length: 1 } }]);
  expect((await http.post("/missions/vist/execute")).body.detail).toContain('"visit"');
});

test("a mission is planned on paper block by block; what is not there yet has no plan", async () => {
  await using http = harness();
  await prepare(http, []);
  const mission = async (...blocks: JsonObject[]) => {
    const body = JSON.stringify({ blocks });
    await fetch(`${http.url}/missions/tour`, { method: "PUT", body });
    return (await http.post("/missions/tour/plan")).body;
  };
  const plan = (...goal: string[]) => ({ type: "plan", goal });
  const move = { type: "action", action: "move", params: { start: "room_two", end: "room_one" } };
  const whole = await mission(plan("robot_at(room_two)"), {
    type: "order",
    name: "back",
    children: [move, plan("holding(box_a)")],
  });
  expect(whole.plan).toMatchObject([
    { action_name: "move", index: 0 },
    { action_name: "move", parameters: { end: "room_one" } },
    { action_name: "pick", index: 2 },
  ]);
  for (const [block, why] of [
    [plan("robot_at(annex)"), "annex"],
    [move, "robot_at(room_two) is required"],
    [plan("box_at(room_one, box_b)"), "goal_unreachable"],
  ] as const) {
    const { plan: none, reason, detail } = await mission(block);
    expect(none).toBeNull();
    expect(`${reason} ${detail}`).toContain(why);
  }
  expect(await state(http)).toContain("robot_at(room_one)" as never); // nothing moved
});

test("after a restart the run that was going is interrupted, with the results it had", async () => {
  const store = memoryStore();
  const first = createBackend({ domains: [warehouse], clock: systemClock, store });
  const ask = async (path: string, body?: JsonObject) => {
    const init = body && { method: "POST", body: JSON.stringify(body) };
    return await first.fetch(new Request(`http://127.0.0.1${path}`, init));
  };
  const read = async (path: string, body?: JsonObject) =>
    (await (await ask(path, body)).json()) as JsonObject;
  const servant = await read("/servant/register", { transitions: ALL });
  await ask("/start", { start: ["robot_at(room_one)", "box_at(room_one, box_a)"] });
  await ask("/goal", { goal: ["box_at(room_two, box_a)"] });
  const { run_id } = await read("/execute?wait=false", {});
  const poll = `/servant/${servant.servant_id}/next_assignment`;
  const next = async () => {
    for (;;) {
      const response = await ask(poll);
      if (response.status === 200) return (await response.json()) as JsonObject;
      await Bun.sleep(5);
    }
  };
  const { audit_id } = await next();
  expect(JSON.stringify(store.documents("run"))).toContain('"success":null'); // it is in hand
  await ask(`/servant/${servant.servant_id}/result`, { audit_id: audit_id ?? "", success: true });
  expect(JSON.stringify(store.documents("run"))).toContain('"success":true'); // it was answered
  await next();
  await ask("/goal", { goal: [] });
  // The power goes: nothing of this life is closed. Another begins with what is kept.
  await using http = harness({ store });
  const { body: run } = await http.get(`/runs/${run_id}`);
  expect(run).toMatchObject({ status: "interrupted", success: false });
  expect(run.message).toContain("look at the machine");
  expect(run.results).toMatchObject([
    { action_name: "pick", success: true },
    { action_name: "move", success: false, message: "interrupted: nobody saw how it ended" },
  ]);
  expect((await http.get(`/runs/${run_id}/events`)).body).toMatchObject({ events: [] });
  expect((await http.post("/execute")).body.code).toBe("plan.none"); // nothing is in the way
  await first.close();
});

test("an answer whose beliefs are still asked for when the power goes is told by the next life", async () => {
  const store = memoryStore();
  await using first = harness({ store });
  const servant = await first.register(["move"], ["robot_at"]);
  await prepare(first, ["robot_at(room_two)"]);
  const id = await begin(first);
  const { audit_id } = await first.next(servant);
  await first.answer(servant, audit_id, { message: "the left wheel slips", telemetry: { m: 3 } });
  await using second = harness({ store });
  expect((await second.get(`/runs/${id}`)).body.results).toMatchObject([
    {
      ...{ success: false, message: "interrupted: nobody saw how it ended", telemetry: { m: 3 } },
      answered: { success: true, message: "the left wheel slips" },
    },
  ]);
});

test("what servants send along is remembered as long as there is room for it", () => {
  const runs = new Runs({ clock: systemClock });
  const image = "x".repeat(REMEMBERED_CHARACTERS_MAX / 8);
  const ids = Array.from({ length: 12 }, () => {
    const stopped = new AbortController().signal;
    const run = runs.begin({ kind: "goal", what: "a photo", stopped, observe: () => undefined });
    const ending = { success: true, message: "done" };
    run.outcomes.push({
      ...{ type: "action", auditId: "a" as AuditId, step: { transition: "shoot", parameters: {} } },
      ...{ why: "", legs: [], telemetry: { image }, ending },
    });
    run.end(ending);
    runs.note(run);
    return run.id;
  });
  const known = runs.list().map(({ run_id }) => String(run_id));
  expect(known).toEqual(ids.slice(-known.length).reverse());
  expect([known.length > 4, known.length < 10]).toEqual([true, true]);
  expect(() => runs.describe(ids[0] ?? "")).toThrow("Cannot find run");
});

test("the events of a run can be asked for, from any one on", async () => {
  await using http = harness();
  await using _robot = serve(http, await http.register(ALL), () => ({}));
  await prepare(http, ["robot_at(room_two)"]);
  const id = await begin(http);
  await ended(http, id);
  const { body } = await http.get(`/runs/${id}/events`);
  const events = body.events as unknown as JsonObject[];
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.map(({ type }) => type)).toEqual([
    ...["planned", "step.started", "step.finished", "ended"],
  ]);
  expect(events[1]).toMatchObject({
    run_id: id,
    action_name: "move",
    servant_id: expect.any(String),
  });
  expect(events[3]).toMatchObject({ status: "succeeded", success: true });
  const later = (await http.get(`/runs/${id}/events?after=2`)).body.events;
  expect(later).toEqual(events.slice(2) as never);
  const unknown = await http.get("/runs/nothing/events");
  expect([unknown.status, unknown.body.code]).toEqual([404, "run.unknown"]);
});

interface Told {
  readonly events: JsonObject[];
  readonly closed: Promise<number>;
}

function hear(url: string): Told {
  const socket = new WebSocket(url.replace("http", "ws"));
  const events: JsonObject[] = [];
  socket.onmessage = ({ data }) => void events.push(JSON.parse(String(data)) as JsonObject);
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
  });
  return { events, closed };
}

test("a websocket tells a run from its first event to its last, then closes", async () => {
  await using http = harness();
  const servant = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const id = await begin(http);
  const { audit_id } = await http.next(servant);
  const path = `${http.url}/runs/${id}/events`;
  const early = hear(path);
  const behind = hear(`${path}?after=1`);
  while (early.events.length < 2 || behind.events.length < 1) await Bun.sleep(1); // it is told while the step is under way
  await http.answer(servant, audit_id);
  expect(await early.closed).toBe(1000);
  const late = hear(`${path}?after=1`);
  expect(await late.closed).toBe(1000);
  const polled = (await http.get(`/runs/${id}/events`)).body.events as unknown as JsonObject[];
  expect(early.events).toEqual(polled);
  expect(late.events).toEqual(polled.slice(1));
  await behind.closed;
  expect(behind.events).toEqual(polled.slice(1));
});

test("a websocket is opened for runs alone, and for no page of another site", async () => {
  await using http = harness();
  await using _robot = serve(http, await http.register(ALL), () => ({}));
  await prepare(http, ["robot_at(room_two)"]);
  const { body } = await http.post("/execute");
  const handshake = {
    ...{ Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13" },
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const events = `/runs/${body.run_id}/events`;
  for (const [path, headers, status, code] of [
    [events, { Origin: "https://evil.example" }, 403, "request.foreign"],
    [events, { Host: "evil.example" }, 403, "request.foreign"],
    ["/runs/nothing/events", {}, 404, "run.unknown"],
    ["/state", {}, 404, "route.unknown"],
  ] as const) {
    const answer = await http.get(path, { ...handshake, ...headers });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  }
});
