/** Steps with a script, over the wire: legs, misses, ways back, what goes on where it stopped. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createBackend } from "../../src/backend/backend.ts";
import { memoryStore } from "../../src/backend/memory-store.ts";
import { SCRIPT_DEPTH_MAX } from "../../src/backend/script.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type { BackendStore, Change } from "../../src/core/store.ts";
import { systemClock } from "../../src/system/clock.ts";
import { type Handout, type Harness, harness } from "./harness.ts";
import { patrolling } from "./patrol.ts";
import { execute, names, prepare, serve, state } from "./playing.ts";

const open = (options: Parameters<typeof harness>[0] = {}) =>
  harness({ domains: [patrolling], ...options });

async function traces(http: Harness): Promise<JsonObject[]> {
  return (await http.get("/traces")).body.traces as unknown as JsonObject[];
}

async function put(http: Harness, name: string, fields: JsonObject): Promise<void> {
  const body = JSON.stringify(fields);
  const { status } = await fetch(`${http.url}/objects/${name}`, { method: "PUT", body });
  expect(status).toBe(200);
}

/** A cart that is seen where it is; `misses` says which of its drives end on the way. */
function cart(misses: (drive: Handout, nth: number) => string | undefined = () => undefined) {
  let place = "base";
  let drives = 0;
  return (assignment: Handout): JsonObject => {
    const { kind, params_json } = assignment;
    if (kind === "belief") {
      return { observed_state: { [`at(${place})`]: true }, exclusive_fluents: ["at"] };
    }
    drives += 1;
    const missed = misses(assignment, drives);
    place = missed ?? String(params_json?.end);
    return missed === undefined ? {} : { success: false, message: `stuck at ${missed}` };
  };
}

/** A sweep of the north: its first leg is done, its second is in the servant's hand. */
async function inSecondLeg() {
  const http = open();
  await prepare(http, ["swept(north)"], ["at(base)"]);
  const id = await http.register(["go"]);
  const execution = execute(http);
  await http.answer(id, (await http.next(id)).audit_id);
  const { audit_id } = await http.next(id);
  return { http, id, execution, audit_id };
}

const NORTH = ["go base north_0", "go north_0 north_1", "go north_1 north_2", "go north_2 north_3"];

test("a script nobody provides is carried out leg by leg, and then its own effects hold", async () => {
  await using http = open();
  await prepare(http, ["swept(north)"], ["at(base)"]);
  const listed: Json[] = [];
  const id = await http.register(["go"]);
  const execution = execute(http);
  for (let leg = 0; leg < 4; leg += 1) {
    const { audit_id } = await http.next(id);
    if (leg === 0) listed.push(...((await http.get("/objects?type=spot")).body as readonly Json[]));
    expect(await state(http)).not.toContain("swept(north)" as never);
    await http.answer(id, audit_id);
  }
  const [step, ...others] = await execution;
  expect(others).toEqual([]);
  expect(step).toMatchObject({ type: "action", action_name: "sweep", success: true });
  expect(step?.steps).toMatchObject([
    { action_name: "go", parameters: { start: "base", end: "north_0" }, why: "leg 1 of 4" },
    { action_name: "go", parameters: { start: "north_0", end: "north_1" } },
    { action_name: "go", success: true },
    { action_name: "go", success: true },
  ]);
  expect(listed).toContainEqual({ name: "north_3", type: "spot", value_fields: { x: 13 } });
  expect(await state(http)).toEqual(["at(north_3)", "swept(north)"]);
  const parent = step?.audit_id as string;
  const told = (await traces(http)).filter(({ kind }) => String(kind).startsWith("behavior"));
  expect(told.map(({ kind }) => kind)).toEqual([
    "behavior_start",
    ...Array(4).fill(["behavior_start", "behavior_end"]).flat(),
    "behavior_end",
  ]);
  const data = told.map((each) => each.data as JsonObject);
  expect(data[0]).toMatchObject({ audit_id: parent, action_name: "sweep" });
  expect(data.slice(1, -1).every((each) => each.parent === parent)).toBe(true);
});

test("the beliefs of what a leg touches are asked after each leg", async () => {
  await using http = open();
  await prepare(http, ["swept(north)"], ["at(base)"]);
  await using robot = serve(http, await http.register(["go"], ["at"]), cart());
  await execute(http);
  expect(names(robot.seen)).toEqual(NORTH.flatMap((leg) => [leg, "at?"]));
});

test("a missed leg is flown again from the observed place, finished legs are not", async () => {
  await using http = open();
  await prepare(http, ["swept(north)"], ["at(base)"]);
  const drifting = cart((_drive, nth) => (nth === 3 ? "depot" : undefined));
  await using robot = serve(http, await http.register(["go"], ["at"]), drifting);
  const [step] = await execute(http);
  expect(step?.success).toBe(true);
  expect(names(robot.seen).filter((each) => each !== "at?")).toEqual([
    ...NORTH.slice(0, 3),
    "go depot north_2",
    "go north_2 north_3",
  ]);
  expect(step?.steps).toMatchObject([
    { success: true },
    { success: true },
    { success: false, message: "stuck at depot" },
    { success: true, why: "leg 3 of 4, again: stuck at depot" },
    { success: true },
  ]);
});

test("each new leg is progress: many misses in all do not end a script", async () => {
  await using http = open();
  await prepare(http, ["swept(north)"], ["at(base)"]);
  const stumbling = cart((drive, nth) =>
    nth % 5 === 0 ? undefined : String(drive.params_json?.start),
  );
  await using robot = serve(http, await http.register(["go"], ["at"]), stumbling);
  const [step, ...others] = await execute(http);
  expect([step?.success, others]).toEqual([true, []]);
  expect(robot.seen.filter(({ kind }) => kind !== "belief")).toHaveLength(20);
});

test("a leg that is missed again and again ends the run after 5 more tries", async () => {
  await using http = open();
  await prepare(http, ["swept(north)"], ["at(base)"]);
  const stuck = cart((_drive, nth) => (nth < 2 ? undefined : "north_0"));
  await using robot = serve(http, await http.register(["go"], ["at"]), stuck);
  const results = await execute(http);
  expect(results.at(-1)?.success).toBe(false);
  expect(JSON.stringify(results.at(-1)?.message)).toContain("leg 2 of 4");
  expect(robot.seen.filter(({ kind }) => kind !== "belief")).toHaveLength(7);
});

test("the legs that are done stay done across a plan, a run and a restart", async () => {
  const store = memoryStore();
  const legs: string[] = [];
  {
    await using http = open({ store });
    await prepare(http, ["swept(north)"], ["at(base)"]);
    const breaking = cart((_drive, nth) => (nth > 2 ? "north_1" : undefined));
    await using robot = serve(http, await http.register(["go"], ["at"]), breaking);
    const results = await execute(http);
    expect(results.at(-1)?.success).toBe(false);
    legs.push(...names(robot.seen.filter(({ kind }) => kind !== "belief")).slice(0, 2));
  }
  {
    await using http = open({ store });
    await using robot = serve(http, await http.register(["go"]), () => ({}));
    const [step] = await execute(http);
    expect(step?.success).toBe(true);
    legs.push(...names(robot.seen));
  }
  expect(legs).toEqual(NORTH);
});

test("legs count as done only while they are the same: a lane that moved is swept anew", async () => {
  for (const [change, legs] of [
    [{ legs: 1 }, ["go west_0 west_1"]], // what is done is as it was
    [{ first: 40 }, ["go west_0 west_0", "go west_0 west_1", "go west_1 west_2"]],
  ] as const) {
    await using http = open();
    await http.post("/objects", { type: "lane", name: "west", first: 30, legs: 2 });
    await prepare(http, ["swept(west)"], ["at(base)"]);
    const id = await http.register(["go"]);
    const execution = execute(http);
    await http.answer(id, (await http.next(id)).audit_id);
    const { audit_id } = await http.next(id);
    await http.post("/cancel", { reason: "the lane moved" });
    await http.answer(id, audit_id, { success: false });
    expect((await execution).at(-1)?.success).toBe(false);
    // A domain whose legs keep their names needs them out of the way.
    if ("first" in change)
      for (const at of [0, 1, 2]) await put(http, `west_${at}`, { x: 40 + at });
    await put(http, "west", change);
    await using robot = serve(http, id, () => ({}));
    await execute(http);
    expect(names(robot.seen)).toEqual([...legs]);
    expect(await state(http)).toContain("swept(west)" as never);
  }
});

test("a leg is flown from its own start: the cart that was taken elsewhere comes back first", async () => {
  await using http = open();
  await prepare(http, ["swept(north)"], ["at(base)"]);
  const id = await http.register(["go"]);
  const execution = execute(http);
  await http.answer(id, (await http.next(id)).audit_id);
  await http.answer(id, (await http.next(id)).audit_id, {
    observed_state: { "at(depot)": true, "at(north_1)": true },
  });
  const third = await http.next(id);
  expect(names([third])).toEqual(["go north_1 north_2"]); // where it is, as far as anybody knows
  await http.post("/belief/set", { fluent: "at(north_1)", value: false });
  await http.answer(id, third.audit_id, {
    observed_state: { "at(north_2)": true, "at(depot)": false },
  });
  await http.next(id).then(async ({ audit_id }) => {
    await http.post("/belief/batch", {
      observations: [
        { fluent: "at(north_2)", value: false },
        { fluent: "at(depot)", value: true },
      ],
    });
    await http.answer(id, audit_id, { success: false, message: "pushed away" });
  });
  await using robot = serve(http, id, () => ({}));
  const [step] = await execution;
  expect(step?.success).toBe(true);
  expect(names(robot.seen)).toEqual(["go depot north_3"]);
});

test.each(["after its run", "while the next run waits for it"])(
  "a leg that is reported done %s is not flown again",
  async (when) => {
    const { http, id, execution, audit_id } = await inSecondLeg();
    await using _http = http;
    await http.post("/cancel");
    await execution;
    if (when === "after its run") await http.answer(id, audit_id);
    const again = execute(http);
    if (when !== "after its run") {
      const logs = async () => JSON.stringify((await http.get("/logs")).body);
      while (!(await logs()).includes("waiting: servant")) await Bun.sleep(5);
      await http.answer(id, audit_id);
    }
    await using robot = serve(http, id, () => ({}));
    expect((await again).at(-1)?.success).toBe(true);
    expect(names(robot.seen)).toEqual(["go north_1 north_2", "go north_2 north_3"]);
  },
);

test("a script that goes on elsewhere than it stopped is preceded by the way back", async () => {
  const { http, id, execution, audit_id } = await inSecondLeg();
  await using _http = http;
  await http.post("/cancel", { reason: "recharge" });
  await http.answer(id, audit_id, { success: false });
  await execution;
  await http.post("/start", { start: ["at(depot)"] });
  await using robot = serve(http, id, () => ({}));
  const [step] = await execute(http);
  expect(step?.success).toBe(true);
  expect(names(robot.seen)).toEqual([
    "go depot north_0",
    "go north_0 north_1",
    "go north_1 north_2",
    "go north_2 north_3",
  ]);
  expect(step?.steps).toMatchObject([{ why: "the way back to leg 2 of 4" }, {}, {}, {}]);
});

test("what is triggered beside a script is waited for, and then the track is flown from its start", async () => {
  const { http, id, execution, audit_id } = await inSecondLeg();
  await using _http = http;
  const params = { start: "north_1", end: "depot" };
  const triggered = http.post("/trigger", { action: "go", params });
  const isTriggered = async () => JSON.stringify(await traces(http)).includes("is triggered");
  while (!(await isTriggered())) await Bun.sleep(1);
  await http.answer(id, audit_id);
  await using robot = serve(http, id, () => ({}));
  expect((await triggered).body.success).toBe(true);
  const [step] = await execution;
  expect(step?.success).toBe(true);
  expect(names(robot.seen)).toEqual([
    ...["go north_1 depot", "go depot north_1", "go north_1 north_2", "go north_2 north_3"],
  ]);
});

test("an object of a leg that somebody deletes is made again, and the script goes on there", async () => {
  const { http, id, execution, audit_id } = await inSecondLeg();
  await using _http = http;
  await fetch(`${http.url}/objects/north_2`, { method: "DELETE" });
  await http.answer(id, audit_id);
  await using robot = serve(http, id, () => ({}));
  expect((await execution).map(({ success }) => success)).toEqual([false, true]);
  expect(names(robot.seen)).toEqual(NORTH.slice(2));
});

test("a cancel by the audit id of a leg, or of the step it is part of, ends the run", async () => {
  for (const whose of ["leg", "step"] as const) {
    await using http = open();
    await prepare(http, ["swept(north)"], ["at(base)"]);
    const id = await http.register(["go"]);
    const execution = http.post("/execute");
    const leg = await http.next(id);
    const [run] = (await http.get("/runs")).body.runs as unknown as JsonObject[];
    const { results } = (await http.get(`/runs/${run?.run_id}`)).body;
    const [step] = results as unknown as JsonObject[];
    const audit_id = whose === "leg" ? leg.audit_id : String(step?.audit_id);
    expect((await http.post("/cancel", { audit_id, reason: "enough" })).body.execution).toBe(true);
    await http.answer(id, leg.audit_id);
    expect((await execution).body).toMatchObject({ success: false, code: "execution.cancelled" });
    const { status } = await http.get(`/servant/${id}/next_assignment`);
    expect(status).toBe(204);
  }
});

// Method: lives of a backend over one store, each ended by a power cut after some answers.
test("however often a script is cut off, each leg is done once", async () => {
  const lives = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lives, async (cuts) => {
      const kept = memoryStore();
      const done: string[] = [];
      for (const [life, answers] of [...cuts, Number.POSITIVE_INFINITY].entries()) {
        let isCut = false;
        const write = async (changes: readonly Change[]) => {
          if (!isCut) await kept.write(changes);
        };
        await using world = lifeOf({ ...kept, write });
        if (life === 0) await world.ask("/start", { start: ["at(base)"] });
        await world.ask("/goal", { goal: ["swept(north)", "swept(south)"] });
        await world.drive(answers, done);
        isCut = true;
      }
      expect(done).toHaveLength(7);
      expect(new Set(done).size).toBe(7);
    }),
    { numRuns: 25 },
  );
});

/** A backend without a socket, and a cart that does whatever it is told. */
function lifeOf(store: BackendStore) {
  const backend = createBackend({ domains: [patrolling], clock: systemClock, store });
  const ask = async (path: string, body?: JsonObject): Promise<JsonObject> => {
    const init = body && { method: "POST", body: JSON.stringify(body) };
    const answer = await backend.fetch(new Request(`http://127.0.0.1${path}`, init));
    return answer.status === 204 ? {} : ((await answer.json()) as JsonObject);
  };
  return {
    ask,
    /** Executes the goal, until that is over or so many steps are answered. */
    async drive(answers: number, done: string[]): Promise<void> {
      const { servant_id } = await ask("/servant/register", { transitions: ["go"] });
      const { run_id } = await ask("/execute?wait=false", {});
      for (let given = 0; given < answers; ) {
        if ((await ask(`/runs/${run_id}`)).status !== "running") return;
        const { audit_id, params_json } = await ask(`/servant/${servant_id}/next_assignment`);
        if (audit_id !== undefined) {
          done.push(Object.values(params_json as JsonObject).join(" "));
          await ask(`/servant/${servant_id}/result`, { audit_id, success: true });
          given += 1;
        }
        await new Promise(setImmediate);
      }
    },
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

test("a servant that provides the script itself is handed it whole", async () => {
  await using http = open();
  await prepare(http, ["swept(north)"], ["at(base)"]);
  await using robot = serve(http, await http.register(["go", "sweep"]), () => ({}));
  const [step] = await execute(http);
  expect(names(robot.seen)).toEqual(["sweep north"]);
  expect(step?.steps).toBeUndefined();
});

test("scripts nest, and one that leads back to itself is refused", async () => {
  await using http = open();
  await prepare(http, ["patrolled"], ["at(base)"]);
  await using robot = serve(http, await http.register(["go"]), () => ({}));
  const [step] = await execute(http);
  expect(names(robot.seen)).toEqual([
    ...NORTH,
    "go north_3 south_0",
    "go south_0 south_1",
    "go south_1 south_2",
  ]);
  expect(step?.steps).toMatchObject([
    { action_name: "sweep", success: true, steps: { length: 4 } },
    { action_name: "sweep", success: true, steps: { length: 3 } },
  ]);
  const { body } = await http.post("/trigger", { action: "wander" });
  expect(body.success).toBe(false);
  expect(JSON.stringify(body.message)).toContain("nest deeper");
  expect(JSON.stringify(body).split('"action_name":"wander"')).toHaveLength(SCRIPT_DEPTH_MAX + 2);
});

test("legs that nobody provides end the script and name the transition", async () => {
  await using http = open();
  await prepare(http, ["swept(north)"], ["at(base)"]);
  const results = await execute(http);
  expect(results).toMatchObject([{ action_name: "sweep", success: false }]);
  expect(results[0]?.steps).toMatchObject([{ action_name: "go", code: "provider.missing" }]);
  expect(JSON.stringify(results)).toContain('no servant provides \\"go\\"');
});

test("a keep-out holds for each leg: one that came while the script ran is not driven through", async () => {
  const { http, id, execution, audit_id } = await inSecondLeg();
  await using _http = http;
  await http.post("/objects", { type: "spot", name: "hole", x: 12.5 });
  await http.post("/belief/set", { fluent: "no_entry(hole)", value: true });
  await http.answer(id, audit_id);
  await using robot = serve(http, id, () => ({}));
  const results = await execution;
  expect(results.at(-1)?.success).toBe(false);
  expect(JSON.stringify(results)).toContain("no_entry(hole)");
  expect(names(robot.seen).filter((leg) => leg.includes("north_3"))).toEqual([]);
});

test("the domain's code keeps planned steps out too, and a trigger", async () => {
  await using http = open();
  await http.post("/objects", { type: "spot", name: "far", x: 9 });
  await http.post("/objects", { type: "spot", name: "hole", x: 5 });
  await prepare(http, ["at(far)"], ["at(base)", "no_entry(hole)"]);
  await http.register(["go"]);
  const { body } = await http.post("/plan");
  expect([body.plan, body.reason]).toEqual([null, "goal_unreachable"]);
  const params = { start: "base", end: "far" };
  const triggered = await http.post("/trigger", { action: "go", params });
  expect([triggered.status, triggered.body.code]).toEqual([409, "step.keep-out"]);
});

test("a script that is triggered is a run, never beside another", async () => {
  await using http = open();
  await prepare(http, ["at(depot)"], ["at(base)"]);
  const id = await http.register(["go"]);
  const triggered = http.post("/trigger", { action: "sweep", params: { lane: "south" } });
  const { audit_id } = await http.next(id);
  const second = await http.post("/execute");
  expect([second.status, second.body.code]).toEqual([409, "execution.running"]);
  expect(second.body.detail).toContain("sweep(lane=south)");
  const third = await http.post("/trigger", { action: "sweep", params: { lane: "north" } });
  expect(third.status).toBe(409);
  await http.answer(id, audit_id);
  await using _robot = serve(http, id, () => ({}));
  expect((await triggered).body).toMatchObject({ success: true, steps: { length: 3 } });
  expect((await http.get("/runs")).body.runs).toMatchObject([{ kind: "trigger" }]);
});

test("only those conditional effects happen whose condition held before the step", async () => {
  await using http = open();
  await prepare(http, ["at(depot)"], ["at(base)"]);
  await using _robot = serve(http, await http.register(["go"]), () => ({}));
  await execute(http);
  expect(await state(http)).toEqual(["at(depot)"]);
  await prepare(http, ["at(base)"], ["at(depot)", "muddy"]);
  await execute(http);
  expect(await state(http)).toEqual(["at(base)", "dirty", "muddy"]);
});

test("an effect of the script that is seen not to hold sets its legs back, and it gives up", async () => {
  await using http = open();
  await prepare(http, ["swept(south)"], ["at(base)"]);
  let unconfirmed = 0;
  await using robot = serve(http, await http.register(["go"], ["swept"]), ({ kind }) => {
    if (kind !== "belief") return {};
    unconfirmed += 1;
    if (unconfirmed === 1) return { success: false, message: "the camera is blind" };
    return { observed_state: { "swept(south)": unconfirmed > 2 }, is_unchecked: false };
  });
  const results = await execute(http);
  const swept = ["go south_0 south_1", "go south_1 south_2"];
  expect(names(robot.seen)).toEqual([
    ...["go base south_0", ...swept, "swept?"],
    "swept?", // not confirmed: its legs are done all the same
    ...["go south_2 south_0", ...swept, "swept?"],
  ]);
  expect(results.map(({ success }) => success)).toEqual([false, false, true]);
});

test("what steps cost is asked of the domain's code", async () => {
  await using http = open();
  await http.post("/objects", { type: "spot", name: "far", x: 9 });
  await prepare(http, ["at(far)", "swept(north)"], ["at(base)"]);
  await http.post("/plan");
  const { steps, total } = (await http.get("/cost/plan/steps")).body;
  expect(steps).toContainEqual({
    ...{ action_name: "go", parameters: { start: "base", end: "far" } },
    ...{ index: expect.any(Number), cost: 9 },
  } as never);
  expect(total).toBe(10);
  const grouped = (await http.get("/cost/plan/steps?level=group")).body.steps;
  expect(grouped).toContainEqual({ action_name: "sweep", count: 1, cost: 1 } as never);
  await http.post("/reset");
  expect((await http.get("/cost/plan/steps")).body).toEqual({ steps: [], total: 0 } as never);
});
