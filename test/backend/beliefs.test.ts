/** Beliefs: told by clients, asked of the servants that observe them. */
import { expect, test } from "bun:test";
import { sentry } from "../../src/domains/sentry.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { harness } from "./harness.ts";

const stateOf = async (http: Awaited<ReturnType<typeof harness>>) =>
  (await http.get("/state")).body.state;

test("POST /belief/set makes an atom true or false, and traces it", async () => {
  await using http = harness();
  const set = (fluent: string, value: unknown) =>
    http.post("/belief/set", { fluent, value: value as boolean });
  expect((await set("robot_at(room_one)", true)).body).toMatchObject({ status: "ok" });
  expect((await set("hands_free()", false)).status).toBe(200);
  expect(await stateOf(http)).toEqual(["robot_at(room_one)"]);
  const { traces } = (await http.get("/traces")).body as unknown as {
    traces: { ts: number; kind: string; summary: string; data: object }[];
  };
  expect(traces.map(({ kind }) => kind)).toEqual(["session_start", "state_change", "state_change"]);
  expect(traces.at(-1)).toMatchObject({
    summary: "-hands_free",
    data: { added: [], removed: ["hands_free"] },
  });
  expect(traces.map(({ ts }) => ts)).toEqual(traces.map(({ ts }) => ts).sort((a, b) => a - b));
  await set("hands_free", false); // it changes nothing: no trace
  expect((await http.get("/traces")).body.traces).toHaveLength(3);
  expect((await set("robot_at(room_on)", true)).body.detail).toContain('nearest is "room_one"');
  expect((await set("robot_at(room_one)", "yes")).status).toBe(400);
});

test("a client that says where the vehicle is says where it is not", async () => {
  await using http = harness({ domains: [sentry] });
  for (const [nth, name] of ["home", "wp"].entries()) {
    await http.post("/objects", { type: "coordinate", name, latitude: nth, longitude: 0 });
    await http.post("/belief/set", { fluent: `at(${name})`, value: true });
    expect(await stateOf(http)).toEqual([`at(${name})`]);
  }
  await http.post("/belief/batch", { observations: [{ fluent: "at(home)", value: true }] });
  expect(await stateOf(http)).toEqual(["at(home)"]);
});

test("POST /belief/batch believes all or nothing", async () => {
  await using http = harness();
  const batch = (...observations: [string, boolean][]) =>
    http.post("/belief/batch", {
      observations: observations.map(([fluent, value]) => ({ fluent, value })),
    });
  const bad = await batch(["robot_at(room_one)", true], ["robot_at(box_a)", true]);
  expect(bad.status).toBe(422);
  expect(await stateOf(http)).toEqual(["hands_free"]);
  const good = await batch(
    ["robot_at(room_one)", true],
    ["hands_free", false],
    ["robot_at(room_one)", false],
    ["robot_at( room_two )", true],
  );
  expect(good.body).toMatchObject({ status: "ok", count: 3 });
  expect(await stateOf(http)).toEqual(["robot_at(room_two)"]);
  expect((await http.post("/belief/batch", {})).status).toBe(400);
});

test("POST /belief/query answers from the state when nobody observes the fluent", async () => {
  await using http = harness();
  await http.post("/start", { start: ["robot_at(room_one)", "robot_at(room_two)"] });
  const { status, body } = await http.post("/belief/query", { fluent: "robot_at" });
  expect(status).toBe(200);
  const atoms = { "robot_at(room_one)": true, "robot_at(room_two)": true };
  expect(body).toMatchObject({ fluent: "robot_at", observed: false, atoms });
  const unknown = await http.post("/belief/query", { fluent: "robot_att" });
  expect([unknown.status, unknown.body.detail]).toEqual([
    422,
    expect.stringContaining('nearest is "robot_at"'),
  ]);
});

test("POST /belief/query asks the servant that observes it, and believes the answer", async () => {
  await using http = harness();
  await http.post("/start", { start: ["robot_at(room_one)"] });
  const id = await http.register([], ["robot_at"]);
  const asked = http.post("/belief/query", { fluent: "robot_at" });
  const { audit_id, kind, fluent_name } = await http.next(id);
  expect([kind, fluent_name]).toEqual(["belief", "robot_at"]);
  await http.answer(id, audit_id, {
    observed_state: { "robot_at(room_two)": true, "robot_at(room_three)": false },
    exclusive_fluents: ["robot_at"],
  });
  expect((await asked).body).toMatchObject({
    observed: true,
    atoms: { "robot_at(room_two)": true, "robot_at(room_three)": false },
    servant_id: id,
  });
  expect(await stateOf(http)).toEqual(["hands_free", "robot_at(room_two)"]);
});

test.each([
  ["failed", { success: false, message: "the sensor is wet" }, "the sensor is wet"],
  ["unchecked", { is_unchecked: true }, "unchecked"],
  ["nonsense", { observed_state: { "robot_at(mars)": true } }, '"mars"'],
])("POST /belief/query tells the state when the observation is %s", async (_, answer, reason) => {
  await using http = harness();
  await http.post("/start", { start: ["robot_at(room_one)"] });
  const id = await http.register([], ["robot_at"]);
  const asked = http.post("/belief/query", { fluent: "robot_at" });
  await http.answer(id, (await http.next(id)).audit_id, answer);
  const { status, body } = await asked;
  expect([status, body.observed]).toEqual([200, false]);
  expect(body.atoms).toEqual({ "robot_at(room_one)": true });
  expect(body.message).toContain(reason);
});

test("what a servant sees of places that are not there holds up nobody, however much it is", async () => {
  const rooms = Array.from({ length: 3_000 }, (_, at) => ({ name: `corridor_number_${at}` }));
  const objects = rooms.map(({ name }) => ({ name, type: "room", fields: {} }));
  const large = { ...warehouse, objects: [...warehouse.objects, ...objects] };
  await using http = harness({ domains: [large] });
  const servant = await http.register(["move"], ["robot_at"]);
  const stray = Object.fromEntries(rooms.map(({ name }) => [`robot_at(${name}x)`, true]));
  const params = { start: "room_one", end: "room_two" };
  const done = http.post("/trigger", { action: "move", params });
  for (let asked = 0; asked < 2; asked += 1) {
    const { audit_id } = await http.next(servant);
    await http.answer(servant, audit_id, { observed_state: stray });
  }
  const { message } = (await done).body;
  expect(message).toContain('no object "corridor_number_0x"; nearest is "corridor_number_0"');
  expect(message).toContain("and 2995 more");
});
