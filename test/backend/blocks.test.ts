/** Missions carried out over the wire: each block checked when it starts, judged by what is then. */
import { expect, test } from "bun:test";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { BLOCK_DEPTH_MAX } from "../../src/wire/blocks.ts";
import { type Harness, harness } from "./harness.ts";
import { ALL, names, prepare, START, serve, state } from "./playing.ts";

const move = (start: string, end: string): JsonObject => ({
  type: "action",
  action: "move",
  params: { start, end },
});
const plan = (...goal: string[]): JsonObject => ({ type: "plan", goal });

async function executeBlocks(http: Harness, ...blocks: Json[]) {
  const { status, body } = await http.post("/execute_blocks", { blocks });
  expect([status, body.detail]).toEqual([200, undefined]);
  return body;
}

test("blocks run in order, each planned from the state that the ones before it left", async () => {
  await using http = harness();
  await prepare(http, []);
  await using robot = serve(http, await http.register(ALL), () => ({}));
  const { results, success } = await executeBlocks(
    http,
    plan("holding(box_a)"),
    move("room_one", "room_three"),
    { type: "order", name: "away", children: [plan("box_at(room_two, box_a)")] },
  );
  expect(names(robot.seen)).toEqual([
    "pick room_one box_a",
    "move room_one room_three",
    "move room_three room_two",
    "place room_two box_a",
  ]);
  expect(success).toBe(true);
  expect(results).toMatchObject([
    {
      type: "plan",
      success: true,
      goal: ["holding(box_a)"],
      steps: [{ type: "action", action_name: "pick", success: true }],
    },
    { type: "action", success: true, action_name: "move", audit_id: expect.any(String) },
    {
      type: "order",
      success: true,
      name: "away",
      results: [{ type: "plan", steps: [{ action_name: "move" }, { action_name: "place" }] }],
    },
  ]);
});

test("a failed block ends the mission, nested or not: results so far, and no 4xx", async () => {
  await using http = harness();
  await prepare(http, []);
  await using robot = serve(http, await http.register(ALL), ({ params_json }) => ({
    success: params_json?.end !== "room_three",
    message: "blocked",
  }));
  const inner = [move("room_one", "room_two"), move("room_two", "room_three"), plan(...START)];
  const { results, success, message } = await executeBlocks(
    http,
    { type: "order", name: "tour", children: inner },
    move("room_two", "room_one"),
  );
  expect(names(robot.seen)).toEqual(["move room_one room_two", "move room_two room_three"]);
  expect(results).toMatchObject([
    { type: "order", success: false, results: [{ success: true }, { success: false }] },
  ]);
  expect(success).toBe(false);
  expect(message).toContain("blocked");
  const { runs } = (await http.get("/runs")).body as unknown as { runs: { run_id: string }[] };
  expect(runs[0]).not.toHaveProperty("coming");
  expect((await http.get(`/runs/${runs[0]?.run_id}`)).body).toMatchObject({
    results: [{ type: "order", coming: [expect.stringContaining("plan block robot_at")] }],
    coming: ["action block move"],
  });
});

test("a block is checked when it starts: it may name what an earlier one has made", async () => {
  await using http = harness();
  await prepare(http, []);
  const id = await http.register([...ALL, "anon:Robot.scout"]);
  const scout = { type: "action", action: "anon:Robot.scout" };
  const mission = executeBlocks(http, scout, plan("robot_at(annex)"));
  const { audit_id, transition_name } = await http.next(id);
  expect(transition_name).toBe("anon:Robot.scout");
  await http.post("/objects", { type: "room", name: "annex" });
  await http.answer(id, audit_id);
  await using robot = serve(http, id, () => ({}));
  const { results } = await mission;
  expect(results).toMatchObject([{ success: true }, { type: "plan", success: true }]);
  expect(names(robot.seen)).toEqual(["move room_one annex"]);
});

test("what a block names and is not there fails it, with the nearest name", async () => {
  await using http = harness();
  await prepare(http, []);
  await http.register(ALL);
  for (const [block, what] of [
    [plan("robot_at(room_tow)"), '"room_two"'],
    [move("room_one", "room_tow"), '"room_tow"'],
    [{ type: "action", action: "moev" }, '"move"'],
    [move("room_two", "room_one"), "robot_at(room_two) is required"],
    [{ type: "action", action: "move", params: { start: "room_one" } }, '"end" is missing'],
    [plan(), "no goal"],
    [plan(...Array(10_000).fill("robot_at(room_two)")), "10000 atoms"],
  ] as const) {
    const { results } = await executeBlocks(http, block);
    expect(results).toHaveLength(1);
    expect(results).toMatchObject([{ type: block.type, success: false }]);
    expect(JSON.stringify((results as JsonObject[])[0]?.message)).toContain(
      JSON.stringify(what).slice(1, -1),
    );
  }
});

test("an action block that nobody provides fails and names the transition", async () => {
  await using http = harness();
  await prepare(http, []);
  const { results } = await executeBlocks(http, move("room_one", "room_two"));
  expect(results).toMatchObject([{ success: false, code: "provider.missing" }]);
  expect(JSON.stringify(results)).toContain("no servant provides");
});

test("a block that is none is refused at once: nothing before it runs", async () => {
  await using http = harness();
  await prepare(http, []);
  await using robot = serve(http, await http.register(ALL), () => ({}));
  const good = move("room_one", "room_two");
  for (const [bad, named] of [
    [{ type: "loop", children: [] }, '"loop"'],
    [{ type: "order", name: "a", children: [good, { type: "Plan" }] }, '"Plan"'],
    [{ type: "action" }, "action"],
    [{ type: "plan", goal: "robot_at(room_two)" }, "goal"],
    ["plan", "null"],
  ] as const) {
    const answer = await http.post("/execute_blocks", { blocks: [good, bad as Json] });
    expect([answer.status, answer.body.code]).toEqual([400, "request.malformed"]);
    expect(answer.body.detail).toContain(named);
    expect(answer.body.detail).toContain("blocks[1]");
  }
  expect(robot.seen).toEqual([]);
  expect((await http.get("/runs")).body.runs).toEqual([]);
});

test("order blocks that nest too deep are refused, however deep", async () => {
  await using http = harness();
  const nested = (depth: number) =>
    `${'{"type":"order","name":"o","children":['.repeat(depth)}${"]}".repeat(depth)}`;
  for (const [depth, status] of [
    [BLOCK_DEPTH_MAX, 200],
    [BLOCK_DEPTH_MAX + 1, 400],
    [10_000, 400],
  ] as const) {
    const body = `{"blocks":[${nested(depth)}]}`;
    const answer = await fetch(`${http.url}/execute_blocks`, { method: "POST", body });
    const { detail = "" } = (await answer.json()) as { detail?: string };
    expect([answer.status, detail]).toEqual([status, status === 200 ? "" : detail]);
    if (status === 400) expect(detail).toMatch(/nests/);
  }
});

test("the goal stays what it was, and a mission in the way of another is a 409", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["robot_at(room_three)"]);
  const mission = executeBlocks(http, plan("robot_at(room_two)"));
  const { audit_id } = await http.next(id);
  for (const [path, body] of [
    ["/execute", {}],
    ["/execute_blocks", { blocks: [] }],
  ] as const) {
    const { status, body: refused } = await http.post(path, body);
    expect([status, refused.code]).toEqual([409, "execution.running"]);
    expect(refused.detail).toContain("1 blocks");
  }
  await http.answer(id, audit_id);
  await mission;
  expect((await http.get("/goal")).body.goal).toEqual(["robot_at(room_three)"]);
  expect(await state(http)).toContain("robot_at(room_two)" as never);
});

test("a cancelled mission ends after the step under way, and says so in the block it was at", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, []);
  const mission = executeBlocks(
    http,
    move("room_one", "room_two"),
    plan("robot_at(room_three)"),
    move("room_three", "room_one"),
  );
  const { audit_id } = await http.next(id);
  const cancelled = await http.post("/cancel", { reason: "enough" });
  expect(cancelled.body.execution).toBe(true);
  await http.answer(id, audit_id);
  const { results, success, code } = await mission;
  expect([success, code]).toEqual([false, "execution.cancelled"]);
  expect((results as Json[]).length).toBeGreaterThan(0);
  expect((results as JsonObject[]).at(-1)).toMatchObject({ success: false });
  expect(JSON.stringify(results)).toContain("enough");
});

test("a block that cannot be begun is listed as it was posted", async () => {
  await using http = harness();
  await prepare(http, []);
  const params = { start: "room_two", end: { name: "room_three" } };
  const { results } = await executeBlocks(http, { type: "action", action: "move", params });
  const parameters = { start: "room_two", end: '{"name":"room_three"}' };
  expect(results).toMatchObject([{ success: false, action_name: "move", parameters }]);
});

test("blocks whose goals hold already do not keep others waiting", async () => {
  await using http = harness();
  await http.post("/start", { start: ["robot_at(room_one)"] });
  const blocks = Array.from({ length: 10_000 }, () => ({
    type: "plan",
    goal: ["robot_at(room_one)"],
  }));
  const { body } = await http.post("/execute_blocks?wait=false", { blocks });
  const path = `/runs/${body.run_id}?last=1`;
  expect((await http.get(path)).body.status).toBe("running");
  await http.post("/cancel");
  while ((await http.get(path)).body.status === "running") await Bun.sleep(5);
  expect((await http.get(path)).body.status).toBe("cancelled");
});
