/** The Sentry's missions, carried out over the wire by servants that know nothing of surveys. */
import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/core/json.ts";
import { adaptiveResampling } from "../../src/domains/adaptive-resampling.ts";
import { sentry } from "../../src/domains/sentry.ts";
import { type Handout, harness } from "./harness.ts";
import { serve, state } from "./playing.ts";

const square = (name: string, west: number, size: number): JsonObject => ({
  ...{ type: "zone", name, coordinate_frame: "local_enu", depth: 20, coverage_width: 10 },
  ...{ robot_width: 1, pattern: "Boustrophedon", angle: 0 },
  vertices: [
    [west, 0],
    [west + size, 0],
    [west + size, size],
    [west, size],
  ],
});
const survey = (zone: string): JsonObject => ({
  type: "plan",
  goal: [`full_coverage_of(${zone})`],
});

/** Ends up where it was told with p = 0.8, else stays; says where it is, once it knows. */
function simulated() {
  let [place, state] = ["", 7];
  return ({ kind, params_json }: Handout): JsonObject => {
    if (kind === "belief") {
      if (place === "") return { is_unchecked: true, observed_state: {} };
      return { observed_state: { [`at(${place})`]: true }, exclusive_fluents: ["at"] };
    }
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const success = state / 2 ** 32 < 0.8;
    if (success) place = String(params_json?.end);
    return { success, message: success ? "" : "the current was too strong" };
  };
}

test("a survey is flown leg by leg, misses and all, by a servant that can only goto", async () => {
  await using http = harness({ domains: [sentry, adaptiveResampling] });
  await http.post("/objects", square("site", 0, 100));
  await using sub = serve(http, await http.register(["goto"], ["at"]), simulated());
  const { body } = await http.post("/execute_blocks", { blocks: [survey("site")] });
  expect([body.success, body.message]).toEqual([true, "done: 1 of 1 blocks"]);
  const drives = sub.seen.filter(({ kind }) => kind === "action");
  const [block] = body.results as unknown as { steps: { steps: JsonObject[] }[] }[];
  const legs = block?.steps.flatMap(({ steps }) => steps) ?? [];
  expect(legs.length).toBe(drives.length);
  // Ten tracks of a hundred metres, ten apart, and nine ways between them; none is flown twice.
  const flown = legs.filter(({ success }) => success === true);
  expect(flown.length).toBeGreaterThanOrEqual(19);
  expect(flown.length).toBeLessThan(drives.length);
  const ends = flown.map(({ parameters }) => (parameters as { end: string }).end);
  expect(new Set(ends).size).toBe(ends.length);
  expect(await state(http)).toContain("full_coverage_of(site)" as never);
  expect((await state(http)) as string[]).toContain(`at(${ends.at(-1)})`);
});

test("the resampler's mission: survey, resample, survey what was found, by two servants", async () => {
  await using http = harness({ domains: [sentry, adaptiveResampling] });
  await http.post("/objects", square("site", 0, 30));
  await using _sub = serve(http, await http.register(["goto"], ["at"]), simulated());
  const resampler = await http.register(["resample_zone"]);
  const resample = { type: "action", action: "resample_zone", params: { source_zone: "site" } };
  const blocks = [survey("site"), resample, survey("resampled_site")];
  const mission = http.post("/execute_blocks", { blocks });
  const { audit_id, params_json } = await http.next(resampler);
  expect(params_json).toEqual({ source_zone: "site" });
  await http.post("/objects", square("resampled_site", 40, 20));
  await http.answer(resampler, audit_id);
  expect((await mission).body).toMatchObject({
    success: true,
    results: [{ type: "plan" }, { type: "action" }, { type: "plan" }],
  });
  expect(await state(http)).toContain("full_coverage_of(resampled_site)" as never);
});

test("a survey is flown round a keep-out, one that comes while it is flown too", async () => {
  await using http = harness({ domains: [sentry, adaptiveResampling] });
  await http.post("/objects", square("site", 0, 40));
  await http.post("/objects", square("reef", 15, 10));
  const id = await http.register(["goto"]);
  const mission = http.post("/execute_blocks", { blocks: [survey("site")] });
  await http.answer(id, (await http.next(id)).audit_id);
  const leg = await http.next(id);
  await http.post("/belief/set", { fluent: "no_entry(reef)", value: true });
  await http.answer(id, leg.audit_id);
  const afterwards: string[] = [];
  await using _sub = serve(http, id, ({ params_json }) => {
    afterwards.push(`${params_json?.start} ${params_json?.end}`);
    return {};
  });
  const { body } = await mission;
  expect([body.success, body.message]).toEqual([true, "done: 1 of 1 blocks"]);
  const { body: objects } = await http.get("/objects?type=coordinate");
  const coordinates = objects as unknown as { name: string; value_fields: JsonObject }[];
  const at = new Map(coordinates.map(({ name, value_fields }) => [name, value_fields]));
  for (const drive of afterwards) {
    const [start, end] = drive.split(" ").map((name) => at.get(name));
    const [x1, y1] = [Number(start?.longitude), Number(start?.latitude)];
    const [x2, y2] = [Number(end?.longitude), Number(end?.latitude)];
    for (let part = 0; part <= 100; part += 1) {
      const x = x1 + ((x2 - x1) * part) / 100;
      const y = y1 + ((y2 - y1) * part) / 100;
      expect([drive, x > 15 && x < 25 && y > 0 && y < 10]).toEqual([drive, false]);
    }
  }
});

test("the vehicle's phases are planned when somebody takes it over, and not otherwise", async () => {
  await using http = harness({ domains: [sentry] });
  for (const name of ["a", "b"]) {
    const longitude = name === "a" ? 0 : 50;
    const fields = { longitude, latitude: 0, coordinate_frame: "local_enu" };
    await http.post("/objects", { type: "coordinate", name, ...fields });
  }
  await http.post("/goal", { goal: ["at(b)"] });
  const plan = async () =>
    ((await http.post("/plan")).body.plan as readonly { action_name: string }[] | null)?.map(
      ({ action_name }) => action_name,
    );
  expect(await plan()).toEqual(["goto"]);
  const id = await http.register(["goto", "takeover_control", "full_abort"]);
  await using robot = serve(http, id, () => ({}));
  expect(await plan()).toEqual(["takeover_control", "goto"]);
  const { body } = await http.post("/execute");
  expect(body.success).toBe(true);
  expect(robot.seen.map(({ transition_name }) => transition_name)).toEqual([
    "takeover_control",
    "goto",
  ]);
  const abort = { type: "action", action: "full_abort" };
  expect((await http.post("/execute_blocks", { blocks: [abort] })).body.success).toBe(true);
  // What is left out arrives as a Python servant expects it.
  expect(robot.seen.at(-1)?.params_json).toEqual({ position: "None" });
  expect(await state(http)).toEqual(["phase_ascending", "visited(b)"]);
});

test("a keep-out that is no polygon is named when the survey is planned, not when it is flown", async () => {
  await using http = harness({ domains: [sentry] });
  await http.post("/objects", square("site", 0, 100));
  const bow = { type: "zone", name: "bow", coordinate_frame: "local_enu" };
  const corners = { a: [0, 0], b: [9, 9], c: [9, 0], d: [0, 9] };
  for (const [name, [longitude, latitude]] of Object.entries(corners)) {
    const place = { longitude, latitude, coordinate_frame: "local_enu" };
    await http.post("/objects", { type: "coordinate", name, ...place } as JsonObject);
  }
  await http.post("/objects", { ...bow, vertices: Object.keys(corners) });
  await http.post("/belief/set", { fluent: "no_entry(bow)", value: true });
  await http.post("/goal", { goal: ["full_coverage_of(site)"] });
  const { body } = await http.post("/plan", {});
  expect([body.plan, body.reason]).toEqual([null, "planner_error"]);
  expect(body.detail).toContain('Cannot keep out of "bow": its edges 1 and 3 cross');
});

test("a survey that keep-outs leave nothing of is laid out once, not again and again", async () => {
  await using http = harness({ domains: [sentry, adaptiveResampling] });
  await http.post("/objects", square("site", 0, 40));
  await http.post("/objects", square("around", -20, 100));
  await http.post("/start", { start: ["no_entry(around)"] });
  await using _sub = serve(http, await http.register(["goto"], ["at"]), simulated());
  const { body } = await http.post("/execute_blocks", { blocks: [survey("site")] });
  const [block] = body.results as unknown as { message: string; steps: JsonObject[] }[];
  expect(block?.steps.length).toBe(1);
  expect(block?.message).toContain("keep-outs leave nothing of it");
  expect(body.success).toBe(false);
});
