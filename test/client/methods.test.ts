import { expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { Mission } from "../../src/client/mission.ts";
import { RemoteOrchestrator } from "../../src/client/orchestrator.ts";
import { atom } from "../../src/core/atom.ts";
import type { Json } from "../../src/core/json.ts";
import { objectType, step } from "../../src/core/vocabulary.ts";
import { boxA, boxAt, move, roomOne, roomTwo } from "../../src/domains/warehouse.ts";
import { RemoteAuthExpired, RemoteRequestError } from "../../src/wire/remote-errors.ts";
import { type Answer, type Answers, type FakeDynos, fakeDynos } from "../support/fake-dynos.ts";
import { project } from "../support/project.ts";

const STEP = { action_name: "move", parameters: { start: "room_one", end: "room_two" } };
const RESULT = { success: true, message: "" };
const BLOCK = { type: "plan", goal: ["box_at(room_two, box_a)"] };
const box = objectType("box", { weight: "number" });

interface Case {
  readonly route: string;
  /** What is sent; absent: nothing. */
  readonly body?: Json;
  readonly answer: Answer;
  readonly ask: (orchestrator: RemoteOrchestrator) => Promise<unknown>;
  /** What the method gives; absent: the answer. */
  readonly gives?: unknown;
}

const cases: readonly Case[] = [
  {
    route: "PUT /objects/box%20a%2Fb",
    body: { weight: 2 },
    answer: { name: "box_a" },
    ask: (on) => on.updateObject("box a/b", { weight: 2 }),
  },
  { route: "DELETE /objects/b", answer: null, ask: (on) => on.deleteObject("b"), gives: {} },
  {
    route: "DELETE /objects/b/cascade",
    answer: { deleted: ["b", "c"] },
    ask: (on) => on.deleteObjectCascade("b"),
  },
  { route: "GET /object_tree", answer: [{ name: "b" }], ask: (on) => on.getObjectTree() },
  {
    route: "GET /objects_modified_at",
    answer: { modified_at: 1.5 },
    ask: (on) => on.getObjectsModifiedAt(),
  },
  { route: "GET /as_geojson", answer: { features: [] }, ask: (on) => on.getGeojson() },
  {
    route: "POST /belief/set",
    body: { fluent: "at(b)", value: true },
    answer: { status: "ok" },
    ask: (on) => on.setBelief(atom("at", ["b"]), true),
  },
  {
    route: "POST /belief/query",
    body: { fluent: "at" },
    answer: { observed: false, atoms: {} },
    ask: (on) => on.queryBelief("at"),
  },
  {
    route: "POST /belief/batch",
    body: { observations: [{ fluent: "at(b)", value: false }] },
    answer: { status: "ok" },
    ask: (on) => on.pushBeliefBatch([{ fluent: "at(b)", value: false }]),
  },
  {
    route: "GET /cost/plan/steps?level=group",
    answer: { steps: [], total: 0 },
    ask: (on) => on.getPlanStepCosts("group"),
  },
  {
    route: "POST /execute_blocks?wait=false",
    body: { blocks: [BLOCK, BLOCK] },
    answer: { results: [RESULT, RESULT] },
    ask: (on) =>
      on.executeBlocks(new Mission("m").addPlan([boxAt(roomTwo, boxA)]).add(BLOCK as never)),
    gives: [RESULT, RESULT],
  },
  {
    route: "POST /execute_blocks?wait=false",
    body: { blocks: [BLOCK] },
    answer: { results: [RESULT] },
    ask: (on) => new Mission("m").addPlan([boxAt(roomTwo, boxA)]).execute(on),
    gives: [RESULT],
  },
  {
    route: "POST /trigger",
    body: { action: "move", params: STEP.parameters },
    answer: RESULT,
    ask: (on) => on.trigger(move, { start: roomOne, end: roomTwo }),
  },
  {
    route: "POST /trigger",
    body: { action: "move", params: STEP.parameters },
    answer: RESULT,
    ask: (on) => on.trigger(step(move, { start: roomOne, end: roomTwo })),
  },
  {
    route: "POST /trigger",
    body: { action: "wave", params: null },
    answer: RESULT,
    ask: (on) => on.trigger("wave"),
  },
  {
    route: "POST /goal",
    body: { goal: ["a", "b"] },
    answer: { status: "ok" },
    ask: (on) => on.setGoal("a", atom("b")),
    gives: undefined,
  },
  {
    route: "GET /traces",
    answer: { traces: [{ ts: 1, kind: "plan_end", summary: "s", data: {} }] },
    ask: (on) => on.getTraces(),
    gives: [{ ts: 1, kind: "plan_end", summary: "s", data: {} }],
  },
  {
    route: "POST /missions/m%2F1/load",
    body: {},
    answer: { mission: { name: "m", blocks: [] } },
    ask: (on) => on.loadMission("m/1"),
    gives: { name: "m", blocks: [] },
  },
  {
    route: "POST /missions/m/load?unsafe=true",
    body: {},
    answer: { mission: {} },
    ask: (on) => on.loadMission("m", { unsafe: true }),
    gives: {},
  },
  {
    route: "POST /fork",
    body: { name: "m" },
    answer: { status: "ok", mission: {}, path: "p" },
    ask: (on) => on.forkMission("m"),
  },
  {
    route: "PATCH /missions/m/blocks",
    body: { op: "insert_before", index: 0, block: BLOCK },
    answer: { mission: {} },
    ask: (on) => on.patchMission("m", { op: "insert_before", index: 0, block: BLOCK }),
  },
  {
    route: "PATCH /missions/m/blocks",
    body: { op: "remove", index: 1, block: null },
    answer: { mission: {} },
    ask: (on) => on.patchMission("m", { op: "remove", index: 1 }),
  },
  {
    route: "POST /missions/m/plan",
    body: {},
    answer: { plan: [STEP] },
    ask: (on) => on.planMission("m"),
    gives: [STEP],
  },
  {
    route: "POST /missions/m/execute?wait=false",
    body: {},
    answer: { results: [RESULT] },
    ask: (on) => on.executeMission("m"),
    gives: [RESULT],
  },
  {
    route: "GET /missions",
    answer: { missions: [{ name: "m" }] },
    ask: (on) => on.listMissions(),
    gives: [{ name: "m" }],
  },
  {
    route: "PUT /missions/m",
    body: { blocks: [BLOCK] },
    answer: { mission: {} },
    ask: (on) => on.saveMission(new Mission("m").addPlan([boxAt(roomTwo, boxA)])),
  },
  {
    route: "DELETE /missions/m",
    answer: null,
    ask: (on) => on.deleteMission("m"),
    gives: undefined,
  },
  {
    route: "POST /servant/register",
    body: { transitions: ["move"], beliefs: [], domain_modules: ["d"], anonymous_actions: [] },
    answer: { servant_id: "s1" },
    ask: (on) => on.registerServant({ transitions: ["move"], domainModules: ["d"] }),
    gives: "s1",
  },
  {
    route: "GET /servant/s1/next_assignment",
    answer: null,
    ask: (on) => on.pollServantAssignment("s1"),
  },
  {
    route: "POST /servant/s1/result",
    body: { success: true, audit_id: "a" },
    answer: { status: "ok" },
    ask: (on) => on.postServantResult("s1", { success: true, audit_id: "a" }),
    gives: undefined,
  },
  {
    route: "POST /objects",
    body: { type: "box", name: "box_z", weight: 3 },
    answer: { status: "ok", object: { name: "box_z", created: true } },
    ask: (on) => on.createObject(box, "box_z", { weight: 3 }),
  },
];

test.each(cases.map((each) => [each.route, each] as const))("%s", async (route, one) => {
  const [method = "", path = ""] = route.split(" ");
  await using backend = fakeDynos({ [`${method} ${path.split("?")[0]}`]: one.answer });
  const given = await one.ask(new RemoteOrchestrator(backend.url));
  expect(given).toEqual("gives" in one ? one.gives : one.answer);
  expect(backend.heard.map((each) => [`${each.method} ${each.path}`, each.body])).toEqual([
    [route, one.body],
  ]);
});

async function created(answer: Json) {
  await using backend = fakeDynos({ "POST /objects": answer });
  const orchestrator = new RemoteOrchestrator(backend.url);
  const ref = await orchestrator.createObject(box, undefined, {}, { returnRef: true });
  return { ref, sent: backend.heard[0]?.body as { readonly name: string } };
}

test("createObject() with returnRef refers to the object that there is in the end", async () => {
  const merged = await created({ status: "ok", object: { name: "box_1", merged_into: "box_a" } });
  expect(merged.ref.name).toBe("box_a");
  expect(merged.ref.type).toBe("box");
  // A plain backend may answer with the bare record.
  const bare = await created({ name: "box_7" });
  expect(bare.ref.name).toBe("box_7");
  expect(bare.sent.name).toMatch(/^box_[0-9a-f]{8}$/);
});

test("createObject() refuses the type's own name before the backend is asked", async () => {
  await using backend = fakeDynos({});
  const asked = new RemoteOrchestrator(backend.url).createObject("box", "box");
  await expect(asked).rejects.toMatchObject({ code: "object.invalid" });
  expect(backend.heard).toEqual([]);
});

test("a refusal is a RemoteRequestError with the backend's word, a 401 a RemoteAuthExpired", async () => {
  await using backend = fakeDynos({
    "GET /goal": Response.json({ detail: "no such fluent" }, { status: 422 }),
    "GET /state": Response.json({ detail: "expired" }, { status: 401 }),
  });
  const orchestrator = new RemoteOrchestrator(backend.url);
  const refused = await orchestrator.getGoal().catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(RemoteRequestError);
  expect(refused).toMatchObject({ statusCode: 422, detail: "no such fluent", path: "/goal" });
  const gone = await orchestrator.getObjectTree().catch((cause: unknown) => cause);
  expect(gone).toBeInstanceOf(RemoteRequestError);
  expect(gone).toMatchObject({ statusCode: 404, code: "backend.rejected" });
  const expired = await orchestrator.getCurrentState().catch((cause: unknown) => cause);
  expect(expired).toBeInstanceOf(RemoteAuthExpired);
  expect(expired).toMatchObject({ kind: "auth" });
});

// --- sessions ---

const RECORD = {
  session_id: "s1",
  label: "sea",
  status: "running",
  timeout_s: 60,
  expires_in_s: 60,
};
function gateway(more: Answers = {}): FakeDynos {
  return fakeDynos({
    "POST /sessions": RECORD,
    "DELETE /sessions/s1": null,
    "POST /sessions/s1/reset": RECORD,
    "GET /s/s1/goal": { goal: [] },
    "GET /goal": { goal: [] },
    ...more,
  });
}

test("fromSessionManager() makes a session and speaks to it; close() ends it", async () => {
  await using backend = gateway();
  const token = "t".repeat(20);
  const orchestrator = await RemoteOrchestrator.fromSessionManager(backend.url, {
    token,
    label: "sea",
    sessionTimeoutS: 60,
  });
  await orchestrator.getGoal();
  await orchestrator.reset();
  await orchestrator.close();
  await orchestrator.close();
  await orchestrator.getGoal();
  expect(backend.heard.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /sessions",
    "GET /s/s1/goal",
    "POST /sessions/s1/reset",
    "DELETE /sessions/s1",
    "GET /goal",
  ]);
  expect(backend.heard[0]?.body).toEqual({ label: "sea", timeout_s: 60 });
  for (const { headers } of backend.heard) {
    expect(headers.get("authorization")).toBe(`Bearer ${token}`);
  }
  await expect(orchestrator.reset()).rejects.toMatchObject({ code: "usage.invalid" });
});

test("a session that expires soon is spoken of once", async () => {
  const expiring = (seconds: string) => () =>
    Response.json({ goal: [] }, { headers: { "X-Session-Expires-In": seconds } });
  const said: string[] = [];
  const warn = (line: string) => void said.push(line);
  for (const seconds of ["3600", "never", "-5"]) {
    await using backend = gateway({ "GET /s/s1/goal": expiring(seconds) });
    await new RemoteOrchestrator(backend.url, { sessionId: "s1", warn }).getGoal();
  }
  expect(said).toEqual([]);
  await using backend = gateway({ "GET /s/s1/goal": expiring("3599") });
  const orchestrator = new RemoteOrchestrator(backend.url, { sessionId: "s1", warn });
  await orchestrator.getGoal();
  await orchestrator.getGoal();
  expect(said).toEqual([
    `Session "s1" at "${backend.url}" expires in 59 min unless it is used or extended: agent session extend`,
  ]);
});

test("fromConfig() is the backend that somebody logged in to, with its token and session", async () => {
  await using backend = gateway();
  const token = "t".repeat(20);
  await using folder = await project({
    "in.json": JSON.stringify({ backend_url: backend.url, token, default_session: "s1" }),
    "out.json": JSON.stringify({ username: "alice" }),
  });
  const env = (file: string) => ({ DYNOS_CONFIG_PATH: join(folder.path, file) });
  for (const file of ["in.json", "out.json"]) await chmod(join(folder.path, file), 0o600);
  await RemoteOrchestrator.fromConfig({}, env("in.json")).getGoal();
  expect(backend.heard[0]?.path).toBe("/s/s1/goal");
  expect(backend.heard[0]?.headers.get("authorization")).toBe(`Bearer ${token}`);
  for (const file of ["out.json", "none.json"]) {
    expect(() => RemoteOrchestrator.fromConfig({}, env(file))).toThrow("log in first");
  }
});

test("http to another machine is refused", () => {
  expect(() => new RemoteOrchestrator("http://10.0.0.5:8421")).toThrow("http to another machine");
});
