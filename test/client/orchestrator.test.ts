import { expect, test } from "bun:test";
import { RemoteOrchestrator } from "../../src/client/orchestrator.ts";
import { parseAtom } from "../../src/core/atom.ts";
import { Connection, type Target } from "../../src/wire/connection.ts";
import { type Answers, type FakeDynos, fakeDynos } from "../support/fake-dynos.ts";

function connectTo(backend: FakeDynos, target: Partial<Target> = {}): RemoteOrchestrator {
  return new RemoteOrchestrator(new Connection({ url: backend.url, ...target }));
}

async function asking<T>(answers: Answers, ask: (orchestrator: RemoteOrchestrator) => Promise<T>) {
  await using backend = fakeDynos(answers);
  const answer = await ask(connectTo(backend));
  const requests = backend.heard.map(({ method, path, body }) => ({ method, path, body }));
  return { answer, requests };
}

test("RemoteOrchestrator asks each question of its route and types the answer", async () => {
  const list = [{ name: "box_a", type: "box", value_fields: { weight: 1 } }];
  const asked = await asking(
    {
      "GET /health": { status: "ok" },
      "GET /objects": list,
      "GET /actions": [{ name: "move" }],
      "GET /fluents": [{ name: "at" }],
      "GET /object_types": [{ name: "box" }],
      "GET /state": { state: ["robot_at( room_one )", "hands_free()"] },
      "GET /goal": { goal: [] },
      "GET /logs": { logs: [{ level: "info", message: "hi", timestamp: 1.5, fields: {} }] },
    },
    async (orchestrator) => ({
      health: await orchestrator.health(),
      objects: await orchestrator.listObjects("box", "public"),
      actions: await orchestrator.listActions(),
      fluents: await orchestrator.listFluents(),
      types: await orchestrator.listObjectTypes(),
      state: await orchestrator.getCurrentState(),
      goal: await orchestrator.getGoal(),
      logs: await orchestrator.getLogs(),
    }),
  );
  expect(asked.answer).toEqual({
    health: { status: "ok" },
    objects: list,
    actions: [{ name: "move" }],
    fluents: [{ name: "at" }],
    types: [{ name: "box" }],
    state: [parseAtom("robot_at(room_one)"), parseAtom("hands_free")],
    goal: [],
    logs: [{ level: "info", message: "hi", timestamp: 1.5, fields: {} }],
  });
  expect(asked.requests.map(({ path }) => path)).toContain("/objects?type=box&scope=public");
});

test("RemoteOrchestrator sends what the routes expect", async () => {
  const { requests } = await asking(
    {
      "POST /objects": { status: "ok" },
      "POST /start": { status: "ok" },
      "POST /goal": null,
      "POST /trigger": { success: true, message: "" },
      "POST /reset": {},
      "POST /cancel": { cancelled: [], execution: true },
    },
    async (orchestrator) => {
      await orchestrator.createObject("box", "box_z", { weight: 3, name: "not this" });
      await orchestrator.setStart(["hands_free"]);
      await orchestrator.setGoal([parseAtom("robot_at(room_two)")]);
      await orchestrator.trigger("move", { end: "room_two" });
      await orchestrator.resetBackend();
      await orchestrator.cancel();
      await orchestrator.cancel("a1", "why");
    },
  );
  expect(requests.map(({ path, body }) => [path, body])).toEqual([
    ["/objects", { weight: 3, name: "box_z", type: "box" }],
    ["/start", { start: ["hands_free"] }],
    ["/goal", { goal: ["robot_at(room_two)"] }],
    ["/trigger", { action: "move", params: { end: "room_two" } }],
    ["/reset", {}],
    ["/cancel", {}],
    ["/cancel", { audit_id: "a1", reason: "why" }],
  ]);
});

test("plan() gives the steps, or null with the reason", async () => {
  const steps = [{ action_name: "move", parameters: { start: "a", end: "b" }, index: 0 }];
  const { answer, requests } = await asking(
    {
      "POST /plan": ({ body }) =>
        JSON.stringify(body).includes("true")
          ? { plan: null, reason: "goal_unreachable", detail: null, relaxation: { blocks: [] } }
          : { plan: steps, reason: "plan_found" },
    },
    async (orchestrator) => [
      await orchestrator.plan(),
      orchestrator.lastPlanReason().reason,
      await orchestrator.plan({ relax: true, timeBudgetS: 2.5 }),
      orchestrator.lastPlanReason().reason,
    ],
  );
  expect(answer).toEqual([steps, "plan_found", null, "goal_unreachable"]);
  expect(requests.map(({ body }) => body)).toEqual([
    { relax: false },
    { relax: true, time_budget_s: 2.5 },
  ]);
});

test("executePlan() waits as long as it takes and gives every attempt", async () => {
  const results = [
    { success: false, message: "stuck", type: "move" },
    { success: true, message: "", type: "move" },
  ];
  const { answer } = await asking(
    { "POST /execute": () => Bun.sleep(300).then(() => ({ results })) },
    (orchestrator) => orchestrator.executePlan(),
  );
  expect(answer).toEqual(results);
});

test("RemoteOrchestrator speaks to a session, with its token, but asks health outside", async () => {
  await using backend = fakeDynos({ "GET /health": {}, "GET /s/s1/goal": { goal: [] } });
  const orchestrator = connectTo(backend, { session: "s1", token: "t".repeat(20) });
  await orchestrator.health();
  await orchestrator.getGoal();
  expect(backend.heard.map(({ path }) => path)).toEqual(["/health", "/s/s1/goal"]);
  for (const { headers } of backend.heard) {
    expect(headers.get("authorization")).toBe(`Bearer ${"t".repeat(20)}`);
    expect(headers.get("x-requested-with")).toBe("dynos");
  }
});

test("a 404 is a lost session only when there was one", async () => {
  await using backend = fakeDynos({});
  await expect(connectTo(backend).getGoal()).rejects.toMatchObject({ code: "backend.rejected" });
  await expect(connectTo(backend, { session: "s1" }).getGoal()).rejects.toMatchObject({
    code: "backend.session-gone",
  });
});

test.each<[string, Answers[string]]>([
  ["another shape", { state: "robot_at(room_one)" }],
  ["no JSON", new Response("<html>")],
  ["a list", []],
  ["nothing", null],
])("an answer with %s is a malformed one", async (_what, answer) => {
  await using backend = fakeDynos({ "GET /state": answer });
  const asked = connectTo(backend).getCurrentState();
  await expect(asked).rejects.toMatchObject({ code: "backend.malformed-answer" });
});
