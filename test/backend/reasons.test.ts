/** What a run tells of why its steps were taken, and of the ways that it is going to go. */
import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/core/json.ts";
import { adaptiveResampling } from "../../src/domains/adaptive-resampling.ts";
import { sentry } from "../../src/domains/sentry.ts";
import { harness } from "./harness.ts";
import { ALL, prepare, serve } from "./playing.ts";

interface Told extends JsonObject {
  readonly because: { plan: number; step: number; replanned?: string };
}

test("each step says what it needs and what it is for, in the record, the events and the traces", async () => {
  await using http = harness();
  await using _robot = serve(http, await http.register(ALL), () => ({}));
  await prepare(http, ["box_at(room_two, box_a)"]);
  const { body } = await http.post("/execute");
  const { body: run } = await http.get(`/runs/${body.run_id}`);
  const steps = [
    {
      action_name: "pick",
      needs: [
        { atom: "hands_free", from: null },
        { atom: "robot_at(room_one)", from: null },
        { atom: "box_at(room_one, box_a)", from: null },
      ],
      serves: [{ atom: "holding(box_a)", to: 3 }],
    },
    { action_name: "move", serves: [{ atom: "robot_at(room_two)", to: 3 }] },
    {
      action_name: "place",
      needs: [
        { atom: "holding(box_a)", from: 1 },
        { atom: "robot_at(room_two)", from: 2 },
      ],
      serves: [{ atom: "box_at(room_two, box_a)", to: null }],
    },
  ];
  expect(run).toMatchObject({ plan: { number: 1, steps } });
  const { body: told } = await http.get(`/runs/${body.run_id}/events`);
  expect((told.events as JsonObject[])[0]).toMatchObject({ type: "planned", number: 1, steps });
  const { body: traced } = await http.get("/traces");
  const begun = (traced.traces as { kind: string; data: JsonObject }[]).filter(
    ({ kind }) => kind === "behavior_start",
  );
  const { serves = [] } = steps[2] ?? {};
  expect(begun[2]?.data.because).toMatchObject({ plan: 1, step: 3, serves });
});

test("the kept plan tells its reasons, until what it was made for changes", async () => {
  await using http = harness();
  await http.register(ALL);
  await prepare(http, ["box_at(room_two, box_a)"]);
  expect((await http.get("/plan")).body).toMatchObject({ plan: null, cost: null, made: null });
  await http.post("/plan");
  const { body } = await http.get("/plan");
  expect(body).toMatchObject({
    plan: [{ action_name: "pick", index: 0 }, {}, {}],
    cost: 3,
    made: expect.any(Number),
  });
  const [pick] = body.plan as unknown as { serves: JsonObject[] }[];
  expect(pick?.serves).toEqual([{ atom: "holding(box_a)", to: 3 }]);
  await http.post("/belief/set", { fluent: "robot_at(room_one)", value: false });
  expect((await http.get("/plan")).body).toMatchObject({ plan: null, cost: null, made: null });
});

test("the first step of a plan made anew says why; the plan before is not told any more", async () => {
  await using http = harness();
  let moves = 0;
  await using _robot = serve(http, await http.register(ALL), ({ transition_name }) => {
    if (transition_name !== "move") return {};
    moves += 1;
    return moves === 1 ? { success: false, message: "the door is shut" } : {};
  });
  await prepare(http, ["box_at(room_two, box_a)"]);
  const { body } = await http.post("/execute");
  const results = body.results as unknown as Told[];
  expect(results.map(({ because: { plan, step } }) => `${plan}.${step}`)).toEqual([
    ...["1.1", "1.2", "2.1", "2.2"],
  ]);
  expect(results.map(({ because }) => because.replanned)).toEqual([
    ...[undefined, undefined, "the door is shut", undefined],
  ] as never);
  const { body: run } = await http.get(`/runs/${body.run_id}`);
  expect(run.plan).toMatchObject({ number: 2, replanned: "the door is shut" });
});

test("a survey's ways are told before they are flown, and of many tries the last ones", async () => {
  await using http = harness({ domains: [sentry, adaptiveResampling] });
  const corners = [
    [0, 0],
    [40, 0],
    [40, 40],
    [0, 40],
  ];
  await http.post("/objects", {
    ...{ type: "zone", name: "site", coordinate_frame: "local_enu", depth: 20, angle: 0 },
    ...{ coverage_width: 10, robot_width: 1, pattern: "Boustrophedon", vertices: corners },
  });
  const id = await http.register(["goto"]);
  await http.post("/goal", { goal: ["full_coverage_of(site)"] });
  const { body: begun } = await http.post("/execute?wait=false");
  const path = `/runs/${begun.run_id}`;
  await http.answer(id, (await http.next(id)).audit_id);
  await http.answer(id, (await http.next(id)).audit_id);
  const open = await http.next(id);
  const { body: ways } = await http.get(`${path}/geojson`);
  const [way] = ways.features as unknown as { geometry: { coordinates: number[][] } }[];
  expect(way).toMatchObject({
    properties: { kind: "planned", name: "survey(zone=site)", coordinate_frame: "local_enu" },
  });
  // Four tracks, two ends each, in the order in which they are flown.
  expect(way?.geometry.coordinates).toHaveLength(8);
  const { body: run } = await http.get(`${path}?last=1`);
  expect(run.results).toMatchObject([{ action_name: "survey", earlier: 2, steps: { length: 1 } }]);
  const { body: whole } = await http.get(path);
  expect(whole.results).toMatchObject([{ legs: 8, steps: { length: 3 } }]);
  // Places that the planner alone knows of are nobody's business.
  expect(JSON.stringify(whole)).not.toContain("*");
  await http.answer(id, open.audit_id);
  await http.post("/cancel");
});

test("counts that are none are refused, and of many runs the newest are told", async () => {
  await using http = harness();
  await using _robot = serve(http, await http.register(ALL), () => ({}));
  await prepare(http, ["robot_at(room_two)"]);
  await http.post("/execute");
  await http.post("/goal", { goal: ["robot_at(room_one)"] });
  const { body: last } = await http.post("/execute");
  const { body } = await http.get("/runs?limit=1");
  expect(body.runs).toMatchObject([{ run_id: last.run_id }]);
  for (const path of ["/runs?limit=0", "/runs?limit=x", `/runs/${last.run_id}?last=-1`]) {
    expect((await http.get(path)).status).toBe(400);
  }
  const nobody = await http.get("/runs/nobody/geojson");
  expect([nobody.status, nobody.body.code]).toEqual([404, "run.unknown" as never]);
});
