/** What happens around an execution: clients that leave, states that change, triggers, late answers. */
import { expect, test } from "bun:test";
import { warehouse } from "../../src/domains/warehouse.ts";
import { harness } from "./harness.ts";
import { ALL, execute, names, prepare, serve, state } from "./playing.ts";

test("a client that disconnects from /execute does not end the execution", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const client = new AbortController();
  const request = fetch(`${http.url}/execute`, { method: "POST", signal: client.signal });
  const { audit_id } = await http.next(id);
  client.abort();
  await request.catch(() => undefined);
  expect((await http.get("/health")).body.running).not.toBeNull();
  await http.answer(id, audit_id);
  expect(await state(http)).toEqual([
    "box_at(room_one, box_a)",
    "hands_free",
    "robot_at(room_two)",
  ]);
});

test("a state changed from outside is planned from, not walked over", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["box_at(room_two, box_a)"]);
  const execution = execute(http);
  const pick = await http.next(id);
  await http.post("/start", { start: ["robot_at(room_three)", "box_at(room_one, box_a)"] });
  await http.answer(id, pick.audit_id, { success: false, message: "no box here" });
  await using robot = serve(http, id, () => ({}));
  await execution;
  expect(names(robot.seen)[0]).toBe("move room_three room_one");
});

test("a keep-out set while a plan runs holds at dispatch", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["box_at(room_two, box_a)"]);
  const execution = execute(http);
  const pick = await http.next(id);
  await http.answer(id, pick.audit_id, { observed_state: { "no_entry(room_two)": true } });
  const results = await execution;
  expect(results.at(-1)).toMatchObject({ type: "plan", success: false });
  expect(results.at(-1)?.message).toContain("no_entry(room_two)");
});

test("a servant that falls silent with a step in hand fails it; its late answer is believed", async () => {
  await using http = harness({ leaseMs: 200 });
  const id = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const execution = execute(http);
  const { audit_id } = await http.next(id);
  expect(await execution).toMatchObject([{ success: false, code: "servant.lost" }]);
  const late = await http.answer(id, audit_id);
  expect([late.status, late.body.accepted]).toEqual([200, true]);
  expect(await state(http)).toContain("robot_at(room_two)" as never);
});

test("duplicate and unknown answers are taken with 200 and change nothing", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const execution = execute(http);
  const { audit_id } = await http.next(id);
  expect((await http.answer(id, audit_id)).body.accepted).toBe(true);
  await execution;
  const observed_state = { "robot_at(room_three)": true };
  for (const auditId of [audit_id, "never-handed-out"]) {
    const again = await http.answer(id, auditId, { observed_state });
    expect([again.status, again.body.accepted]).toEqual([200, false]);
  }
  expect(await state(http)).toEqual([
    "box_at(room_one, box_a)",
    "hands_free",
    "robot_at(room_two)",
  ]);
});

test("an answer that cannot be read fails its step instead of leaving it open", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const execution = execute(http);
  const first = await http.next(id);
  const answer = await http.answer(id, first.audit_id, { success: "yes" });
  expect(answer.status).toBe(200);
  const second = await http.next(id);
  await http.answer(id, second.audit_id, { message: null });
  expect(await execution).toMatchObject([
    { success: false, code: "handler.bad-result" },
    { success: true },
  ]);
});

test.each(['{"metres":NaN}', '{"metres":1e999}', "[".repeat(500), '{"metres":'])(
  "an answer that is no JSON fails the step that it names: telemetry %#",
  async (telemetry) => {
    await using http = harness();
    const servant = await http.register(["move"]);
    const done = http.post("/trigger", {
      action: "move",
      params: { start: "room_one", end: "room_two" },
    });
    const { audit_id } = await http.next(servant);
    const url = `${http.url}/servant/${servant}/result`;
    const body = `{"success":true,"audit_id":"${audit_id}","telemetry":${telemetry}}`;
    expect((await fetch(url, { method: "POST", body })).status).toBe(200);
    expect((await done).body).toMatchObject({ success: false, code: "handler.bad-result" });
    // Of a step that nobody waits for it is a bad request, as ever.
    expect((await fetch(url, { method: "POST", body })).status).toBe(400);
    expect((await fetch(url, { method: "POST", body: "{" })).status).toBe(400);
  },
);

test("trigger does one transition without looking at preconditions", async () => {
  await using http = harness();
  await using robot = serve(http, await http.register(ALL), () => ({ message: "there" }));
  const params = { start: "room_one", end: "room_two" };
  const { status, body } = await http.post("/trigger", { action: "move", params });
  expect(status).toBe(200);
  expect(body).toMatchObject({ success: true, message: "there", action_name: "move" });
  const positional = { arg0: "room_two", arg1: "room_three" };
  await http.post("/trigger", { action: "move", params: positional });
  expect(names(robot.seen)).toEqual(["move room_one room_two", "move room_two room_three"]);
  expect(await state(http)).toEqual(["hands_free", "robot_at(room_three)"]);
});

test.each([
  [{ action: "fly", params: null }, 422, 'transition "fly"'],
  [{ action: "pick", params: null }, 409, '"pick": no servant'],
  [{ action: "move", params: { start: "room_one" } }, 422, '"end" is missing'],
  [{ action: "move", params: { start: "room_one", end: "None" } }, 422, '"end" is missing'],
  [{ action: "move", params: { start: "room_one", ned: "room_two" } }, 422, 'nearest is "end"'],
  [{ action: "move", params: { start: "room_one", end: "box_a" } }, 422, '"box_a" is a box'],
  [
    { action: "move", params: { start: "room_one", end: "room_9" } },
    422,
    '"room_9" for "end"; nearest is "room_one"',
  ],
  [{ action: "move", params: { start: "room_one", end: "room_three" } }, 409, "no_entry"],
  [{ action: "move", params: { start: {}, end: "room_two" } }, 422, '"start"'],
])("trigger %j is refused", async (body, status, detail) => {
  await using http = harness();
  await http.register(["move"]);
  await http.post("/start", { start: ["robot_at(room_one)", "no_entry(room_three)"] });
  const answer = await http.post("/trigger", body);
  expect(answer.status).toBe(status);
  expect(answer.body.detail).toContain(detail);
});

test("a transition that only its servant knows can be triggered", async () => {
  await using http = harness();
  await using robot = serve(http, await http.register(["wave"]), () => ({}));
  expect((await http.post("/trigger", { action: "wave", params: { times: 3 } })).status).toBe(200);
  expect(robot.seen[0]?.params_json).toEqual({ times: "3" });
});

test("reset ends a running execution and answers it", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const execution = execute(http);
  const { audit_id } = await http.next(id);
  expect((await http.post("/reset")).status).toBe(200);
  expect(await execution).toMatchObject([{ success: false, code: "execution.stopped" }]);
  expect((await http.answer(id, audit_id)).status).toBe(200);
  expect(await state(http)).toEqual(["hands_free"]); // the reset was told later than it began
});

// A trigger waits its turn behind the step in hand; the step after it must not be judged before.
test("a step after a trigger is judged by the state that the trigger left", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["box_at(room_two, box_a)"]);
  const execution = execute(http);
  const pick = await http.next(id);
  const trigger = http.post("/trigger", {
    action: "move",
    params: { start: "room_one", end: "room_three" },
  });
  await http.answer(id, pick.audit_id);
  const triggered = await http.next(id);
  expect(triggered.params_json).toEqual({ start: "room_one", end: "room_three" });
  await http.answer(id, triggered.audit_id);
  expect((await trigger).body.success).toBe(true);
  await using robot = serve(http, id, () => ({}));
  await execution;
  expect(names(robot.seen)[0]).toBe("move room_three room_two");
  const places = JSON.stringify(await state(http)).match(/robot_at\(\w+\)/g);
  expect(places).toEqual(["robot_at(room_two)"]);
});

test.each([
  ["when it is begun", 1],
  ["when its answer is judged", 2],
])("a step whose domain breaks %s is over, and holds on to nothing", async (_when, breaksAt) => {
  let asked = 0;
  const alsoRemoves = () => {
    asked += 1;
    if (asked === breaksAt) throw new Error("no such place");
    return [];
  };
  await using http = harness({ domains: [{ ...warehouse, code: { move: { alsoRemoves } } }] });
  const servant = await http.register(["move"]);
  await http.post("/objects", { type: "room", name: "attic" });
  const params = { start: "room_one", end: "attic" };
  const done = http.post("/trigger?wait=false", { action: "move", params });
  if (breaksAt === 2) await http.answer(servant, (await http.next(servant)).audit_id);
  const path = `/runs/${(await done).body.run_id}`;
  while ((await http.get(path)).body.status === "running") await Bun.sleep(5);
  expect((await http.get(path)).body).toMatchObject({
    ...{ status: "failed", message: "no such place" },
    results: [{ action_name: "move", success: false, message: "no such place" }],
  });
  expect((await http.send("DELETE", "/objects/attic")).status).toBe(200);
  await http.post("/goal", { goal: ["robot_at(room_one)"] });
  await http.post("/execute");
  const { logs } = (await http.get("/logs")).body as unknown as { logs: { message: string }[] };
  const told = logs.map(({ message }) => message);
  expect(told.filter((message) => message.includes("still be under way"))).toEqual([]);
});
