// Goal: the description of the backend is what the backend does.
// Method: its table against the routes that answer, and real answers against its schemas.
import { expect, test } from "bun:test";
import type * as z from "zod/mini";
import { api, backendOpenApi } from "../../src/backend/api.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import type { RouteSpec } from "../../src/wire/openapi.ts";
import { harness } from "./harness.ts";

const table: readonly (readonly [string, RouteSpec])[] = Object.entries(api);

test("every route that answers is in the table, and every one of the table answers", async () => {
  await using http = harness();
  const { routes } = http.backend;
  const shown = table.map(([, { method, path }]) => `${method} ${path}`);
  const answering = routes.map(
    ({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`,
  );
  expect(shown.toSorted()).toEqual(answering.toSorted());
  expect(new Set(shown).size).toBe(shown.length);
});

test("the description is OpenAPI 3.1 with an operation for each, and a page without scripts", async () => {
  await using http = harness({ version: "1.2.3" });
  const document = (await http.get("/openapi.json")).body as unknown as JsonObject;
  expect(document).toEqual(JSON.parse(JSON.stringify(backendOpenApi("1.2.3"))));
  expect(document).toMatchObject({ openapi: "3.1.0", info: { version: "1.2.3" } });
  const paths = document.paths as Record<string, Record<string, JsonObject>>;
  for (const [name, { method, path }] of table) {
    const operation = paths[path]?.[method.toLowerCase()];
    expect(operation?.operationId).toBe(name);
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, each]) => each);
    const parameters = (operation?.parameters ?? []) as { name: string; in: string }[];
    expect(parameters.filter((each) => each.in === "path").map((each) => each.name)).toEqual(
      named as string[],
    );
  }
  const page = await fetch(`${http.url}/docs`);
  expect(page.headers.get("content-security-policy")).toStartWith("default-src 'none'");
  const html = await page.text();
  expect(html).not.toMatch(/<script|<link|<img|<iframe|src=|url\(|@import|https?:|undefined/i);
  for (const [name] of table) expect(html).toContain(`id="${name}"`);
});

test("a body that is none is refused by each route that reads one", async () => {
  await using http = harness();
  for (const [name, { method, path, body }] of table) {
    if (body === undefined) continue;
    const { status } = await http.send(method, path.replace(/\{\w+\}/g, "x"), [1] as Json);
    // A servant and an object are looked up first: an unknown one is told so.
    expect([name, [400, 404, 422].includes(status)]).toEqual([name, true]);
  }
});

test("what the backend answers is what its description says", async () => {
  const sea = {
    ...{ name: "sea", modules: [], transitions: [], objects: [], fluents: [] },
    types: [{ name: "mark", fields: { latitude: "number", longitude: "number" } as const }],
  };
  await using http = harness({ domains: [warehouse, sea] });
  const asked = new Set<string>();
  const ask = async (name: keyof typeof api, body?: Json, parts: readonly string[] = []) => {
    const { method, path, answer }: RouteSpec = api[name];
    let at = 0;
    const filled = path.replace(/\{\w+\}/g, () => parts[at++] ?? "");
    const { status, body: answered } = await http.send(method, filled, body);
    asked.add(name);
    expect([name, status, answered]).toEqual([name, answer === "204" ? 204 : 200, answered]);
    if (typeof answer === "string") return answered;
    const parsed = (answer as z.ZodMiniType).safeParse(answered);
    expect([name, parsed.error?.issues]).toEqual([name, undefined]);
    return answered;
  };

  await ask("createObject", { type: "mark", name: "m1", latitude: 1, longitude: 2, hue: 1 });
  await ask("createObject", { type: "mark", name: "m2", latitude: 1, longitude: 2 });
  await ask("createObject", { type: "box", name: "lid", parent: "box_a" });
  await ask("updateObject", { weight: 4 }, ["lid"]);
  await ask("start", { start: ["robot_at(room_one)"] });
  await ask("setGoal", { goal: ["robot_at(room_two)"] });
  await ask("setBelief", { fluent: "hands_free", value: true });
  await ask("setBeliefs", { observations: [{ fluent: "hands_free", value: true }] });
  await ask("queryBelief", { fluent: "robot_at" });
  await ask("plan", { relax: true });
  await ask("keptPlan");
  await ask("planCosts");
  await ask("fork", { name: "tour" });
  await ask("saveMission", { blocks: [] }, ["empty"]);
  const block = { type: "plan", goal: ["robot_at(room_one)"] };
  await ask("patchMission", { op: "insert_before", index: 0, block }, ["empty"]);
  await ask("loadMission", undefined, ["tour"]);
  await ask("planMission", undefined, ["tour"]);
  await ask("missions");
  await ask("executeMission", undefined, ["empty"]);
  await ask("deleteMission", undefined, ["empty"]);
  const { servant_id } = await ask("registerServant", { transitions: ["move"] });
  const id = String(servant_id);
  const executed = ask("execute");
  const handout = await http.next(id);
  expect(api.nextAssignment.answer.safeParse(handout).success).toBe(true);
  const result = { audit_id: handout.audit_id, success: true, message: "" };
  await ask("answerAssignment", result, [id]);
  const { run_id } = await executed;
  const triggered = ask("trigger", {
    action: "move",
    params: { start: "room_two", end: "room_one" },
  });
  await ask("answerAssignment", { ...result, audit_id: (await http.next(id)).audit_id }, [id]);
  await triggered;
  await ask("executeBlocks", { blocks: [block] });
  for (const [name, path] of [
    ["execute", "/execute"],
    ["executeBlocks", "/execute_blocks"],
    ["executeMission", "/missions/tour/execute"],
  ] as const) {
    const { body } = await http.post(`${path}?wait=false`, { blocks: [] });
    expect(api[name].also[202].answer.safeParse(body).error).toBeUndefined();
    const operation = backendOpenApi("1").paths[api[name].path]?.post;
    expect(JSON.stringify(operation?.responses[202])).toContain('"required":["run_id","status"]');
    while ((await http.get("/health")).body.running !== null) await Bun.sleep(1);
  }
  await ask("runs");
  await ask("run", undefined, [String(run_id)]);
  await ask("runMap", undefined, [String(run_id)]);
  await ask("runEvents", undefined, [String(run_id)]);
  await ask("cancel", {});
  for (const name of [
    "health",
    "openapi",
    "actions",
    "fluents",
    "objectTypes",
    "objects",
    "objectsModifiedAt",
    "objectTree",
    "state",
    "goal",
    "logs",
    "traces",
    "geojson",
  ] as const) {
    await ask(name);
  }
  await ask("deleteObject", undefined, ["m1"]);
  await ask("deleteObjectWithParts", undefined, ["lid"]);
  await ask("reset");
  const unasked = table.map(([name]) => name).filter((name) => !asked.has(name));
  expect(unasked).toEqual(["page", "docs", "nextAssignment"]);
});
