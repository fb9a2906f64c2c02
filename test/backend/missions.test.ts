/** Saved missions: from the goal, from files, changed block by block. */
import { describe, expect, test } from "bun:test";
import { memoryStore } from "../../src/backend/memory-store.ts";
import type { MissionFiles } from "../../src/backend/missions.ts";
import type { Json } from "../../src/core/json.ts";
import { harness } from "./harness.ts";

const plan = (room: string) => ({ type: "plan", goal: [`robot_at(${room})`] });
const action = { type: "action", action: "move", params: { start: "room_one", end: "room_two" } };

function files(all: Readonly<Record<string, string>>): MissionFiles {
  return { names: () => Object.keys(all), read: (name) => all[name] };
}

test("POST /fork saves the goal as one plan block, and again in its place", async () => {
  await using http = harness();
  expect((await http.post("/fork", { name: "tour" })).body.detail).toContain("there is no goal");
  for (const room of ["room_one", "room_two"]) {
    await http.post("/goal", { goal: [`robot_at(${room})`] });
    const { status, body } = await http.post("/fork", { name: "tour" });
    expect([status, body.status, body.path]).toEqual([200, "ok", "/missions/tour"]);
    expect(body.mission).toEqual({ name: "tour", blocks: [plan(room)] });
  }
  expect((await http.get("/goal")).body.goal).toEqual(["robot_at(room_two)"]);
  const loaded = await http.post("/missions/tour/load?unsafe=true");
  expect(loaded.body).toEqual({ mission: { name: "tour", blocks: [plan("room_two")] } } as never);
  const { traces } = (await http.get("/traces")).body as unknown as {
    traces: { kind: string; data: object }[];
  };
  expect(traces.at(-1)).toMatchObject({ kind: "mission_load", data: { name: "tour" } });
});

test("POST /missions/{name}/plan says why there is none, and what blocks it when asked to", async () => {
  await using http = harness();
  await http.post("/start", { start: ["robot_at(room_one)", "no_entry(room_two)"] });
  await http.send("PUT", "/missions/m", { blocks: [plan("room_three"), plan("room_two")] });
  const { body } = await http.post("/missions/m/plan", {});
  expect(body).toMatchObject({ plan: null, reason: "goal_unreachable", relaxation: null });
  expect(body.detail).toContain("robot_at(room_two)");
  const relaxed = await http.post("/missions/m/plan", { relax: true, time_budget_s: 5 });
  expect(relaxed.body.relaxation).toMatchObject({
    blocking: [{ atom: "robot_at(room_two)", detail: expect.stringContaining("no_entry") }],
  });
});

describe("PATCH /missions/{name}/blocks", () => {
  test.each([
    ["insert_before", 1, ["one", "new", "two"]],
    ["insert_after", 1, ["one", "two", "new"]],
    ["insert_before", 2, ["one", "two", "new"]],
    ["replace", 0, ["new", "two"]],
    ["remove", 0, ["two"]],
  ])("%s %d", async (op, index, expected) => {
    await using http = harness();
    await http.send("PUT", "/missions/m", { blocks: [plan("room_one"), plan("room_two")] });
    const block = plan("room_new");
    const { body } = await http.send("PATCH", "/missions/m/blocks", { op, index, block });
    const blocks = expected.map((name) => plan(`room_${name}`));
    expect(body).toEqual({ mission: { name: "m", blocks } } as never);
    expect((await http.post("/missions/m/load")).body).toEqual(body);
  });

  test("the client's `block: null` of a remove is none, and an empty mission takes a first block", async () => {
    await using http = harness();
    await http.send("PUT", "/missions/m", { blocks: [action] });
    const patch = (body: Json) => http.send("PATCH", "/missions/m/blocks", body);
    expect((await patch({ op: "remove", index: 0, block: null })).status).toBe(200);
    const { body } = await patch({ op: "insert_before", index: 0, block: action });
    expect(body.mission).toMatchObject({ blocks: [action] });
  });

  test.each([
    [{ op: "replace", index: 2, block: plan("x") }, "there is no block 2: it has 1"],
    [{ op: "insert_after", index: 1, block: plan("x") }, "there is no block 1"],
    [{ op: "remove", index: -1 }, "index"],
    [{ op: "append", index: 0, block: plan("x") }, "op"],
    [{ op: "replace", index: 0, block: { type: "wait" } }, '"wait"'],
    [{ op: "replace", index: 0 }, "block"],
    [{ op: "replace", index: 0, block: null }, "null"],
  ])("refuses %j", async (body, reason) => {
    await using http = harness();
    await http.send("PUT", "/missions/m", { blocks: [action] });
    const answer = await http.send("PATCH", "/missions/m/blocks", body as Json);
    expect([answer.status, answer.body.detail]).toEqual([400, expect.stringContaining(reason)]);
    expect((await http.post("/missions/m/load")).body.mission).toMatchObject({ blocks: [action] });
  });
});

test("files are missions too; a change of one is saved beside it", async () => {
  const missionFiles = files({
    survey: JSON.stringify({ name: "survey", blocks: [action] }),
    bare: JSON.stringify([plan("room_one")]),
    broken: "{",
    other: JSON.stringify({ blocks: [{ type: "dance" }] }),
    "../outside": "[]",
  });
  await using http = harness({ missionFiles });
  const names = ["survey", "bare", "broken", "other"].map((name) => ({ name, saved: false }));
  expect((await http.get("/missions")).body).toEqual({ missions: names } as never);
  const load = (name: string) => http.post(`/missions/${name}/load`);
  expect((await load("bare")).body.mission).toMatchObject({ blocks: [plan("room_one")] });
  expect((await load("broken")).body.detail).toContain('the file of mission "broken"');
  expect((await load("other")).body.detail).toContain('"dance"');
  expect((await load("servey")).body.detail).toContain('nearest is "survey"');
  expect((await load("..%2Foutside")).status).toBe(400);
  const remove = { op: "remove", index: 0 };
  await http.send("PATCH", "/missions/survey/blocks", remove);
  expect((await load("survey")).body.mission).toEqual({ name: "survey", blocks: [] });
  expect((await http.send("DELETE", "/missions/bare")).body.detail).toContain("it is a file");
  expect((await http.send("DELETE", "/missions/survey")).status).toBe(204);
  expect((await load("survey")).body.mission).toMatchObject({ blocks: [action] });
});

test("saved missions outlive a reset and a restart", async () => {
  const store = { ...memoryStore(), close: async () => {} };
  {
    await using http = harness({ store });
    await http.send("PUT", "/missions/m", { blocks: [action] });
    await http.send("PUT", "/missions/gone", { blocks: [] });
    await http.send("DELETE", "/missions/gone");
    await http.post("/reset");
  }
  await using http = harness({ store });
  expect((await http.get("/missions")).body.missions).toEqual([{ name: "m", saved: true }]);
});

test("blocks nested 10,000 deep are refused, and the backend stays up", async () => {
  await using http = harness();
  const blocks = `${'{"type":"order","children":['.repeat(10_000)}${"]}".repeat(10_000)}`;
  const body = `{"blocks":[${blocks}]}`;
  const answer = await fetch(`${http.url}/missions/deep`, { method: "PUT", body });
  expect(answer.status).toBe(400);
  expect(((await answer.json()) as { detail: string }).detail).toContain("nests too deep");
  expect((await http.get("/health")).status).toBe(200);
});
