/** Plans carried out over the wire: what is dispatched, believed, planned again, reported. */
import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/core/json.ts";
import { sentry } from "../../src/domains/sentry.ts";
import { harness } from "./harness.ts";
import { ALL, execute, names, prepare, serve, state } from "./playing.ts";

test("execute plans by itself, dispatches step by step and reaches the goal", async () => {
  await using http = harness();
  await prepare(http, ["box_at(room_two, box_a)"]);
  await using robot = serve(http, await http.register(ALL), () => ({ telemetry: { metres: 3 } }));
  const results = await execute(http);
  expect(names(robot.seen)).toEqual([
    "pick room_one box_a",
    "move room_one room_two",
    "place room_two box_a",
  ]);
  expect(results).toHaveLength(3);
  expect(results[1]).toEqual({
    type: "action",
    success: true,
    message: "",
    audit_id: robot.seen[1]?.audit_id as string,
    action_name: "move",
    parameters: { start: "room_one", end: "room_two" },
    telemetry: { metres: 3 },
    servant_id: expect.any(String),
    why: "step 2 of 3 to box_at(room_two, box_a)",
    because: {
      ...{ plan: 1, step: 2 },
      needs: [{ atom: "robot_at(room_one)", from: null }],
      serves: [{ atom: "robot_at(room_two)", to: 3 }],
    },
  });
  expect(await state(http)).toEqual([
    "box_at(room_two, box_a)",
    "hands_free",
    "robot_at(room_two)",
  ]);
  expect(http.progress.map(({ type }) => type)).toEqual([
    "planned",
    "step.started",
    "step.finished",
    "step.started",
    "step.finished",
    "step.started",
    "step.finished",
    "done",
  ]);
});

test("the assignment has the members that a Python servant reads", async () => {
  await using http = harness();
  const id = await http.register(["move"], ["robot_at"]);
  await prepare(http, ["robot_at(room_two)"]);
  const execution = execute(http);
  const action = await http.next(id);
  expect(action).toEqual({
    kind: "action",
    transition_name: "move",
    params_json: { start: "room_one", end: "room_two" },
    audit_id: expect.any(String),
  });
  await http.answer(id, action.audit_id);
  const belief = await http.next(id);
  expect(belief).toEqual({
    kind: "belief",
    fluent_name: "robot_at",
    audit_id: expect.any(String),
  });
  await http.answer(id, belief.audit_id, { is_unchecked: true, observed_state: {} });
  expect(await execution).toHaveLength(1);
});

test("a poll without Prefer is answered at once, one with it is held and says so", async () => {
  await using http = harness();
  const id = await http.register(["move"]);
  const path = `/servant/${id}/next_assignment`;
  const plain = await http.get(path);
  expect([plain.status, plain.headers.get("preference-applied")]).toEqual([204, null]);
  const held = http.get(path, { Prefer: "respond-async, wait=20" });
  await prepare(http, ["robot_at(room_two)"]);
  const execution = execute(http);
  const { status, body, headers } = await held;
  expect([status, headers.get("preference-applied")]).toEqual([200, "wait"]);
  await http.answer(id, String(body.audit_id));
  await execution;
});

test("a client that hung up its poll takes no action with it", async () => {
  await using http = harness();
  const id = await http.register(["move"]);
  await prepare(http, ["robot_at(room_two)"]);
  const client = new AbortController();
  const path = `/servant/${id}/next_assignment`;
  const held = http.get(path, { Prefer: "wait=20" }, client.signal).catch(() => "hung up");
  await http.get("/health"); // the poll before it on the wire is held by now
  client.abort();
  expect(await held).toBe("hung up");
  const execution = execute(http);
  await http.answer(id, (await http.next(id)).audit_id);
  expect(await execution).toMatchObject([{ success: true }]);
});

test("a failed step is planned again from what is believed then, and both are listed", async () => {
  await using http = harness();
  await prepare(http, ["robot_at(room_two)"]);
  await using robot = serve(http, await http.register(ALL), (_assignment, nth) =>
    nth === 1 ? { success: false, message: "wheel slipped" } : {},
  );
  expect(await execute(http)).toMatchObject([
    { success: false, message: "wheel slipped", action_name: "move" },
    { success: true, action_name: "move" },
  ]);
  expect(new Set(robot.seen.map(({ audit_id }) => audit_id)).size).toBe(2);
  expect(http.progress).toContainEqual({ type: "replanning", reason: "wheel slipped" });
});

test("what a failed action observed is believed", async () => {
  await using http = harness();
  await prepare(http, ["robot_at(room_two)"]);
  await using robot = serve(http, await http.register(ALL), (_assignment, nth) =>
    nth === 1
      ? {
          success: false,
          message: "strayed",
          observed_state: { "robot_at(room_three)": true, "robot_at(room_one)": false },
        }
      : {},
  );
  await execute(http);
  expect(names(robot.seen)).toEqual(["move room_one room_two", "move room_three room_two"]);
});

test("an observation that contradicts the effect replans from the observed place", async () => {
  await using http = harness();
  await prepare(http, ["robot_at(room_two)"]);
  const places = ["room_three", "room_two"];
  await using robot = serve(http, await http.register(ALL, ["robot_at"]), ({ kind }) =>
    kind === "action"
      ? {}
      : {
          is_unchecked: false,
          observed_state: { [`robot_at(${places.shift()})`]: true },
          exclusive_fluents: ["robot_at"],
        },
  );
  const results = await execute(http);
  expect(names(robot.seen)).toEqual([
    "move room_one room_two",
    "robot_at?",
    "move room_three room_two",
    "robot_at?",
  ]);
  expect(results).toMatchObject([{ success: false }, { success: true }]);
  expect(results[0]?.message).toContain("not robot_at(room_two)");
  expect(await state(http)).toEqual([
    "box_at(room_one, box_a)",
    "hands_free",
    "robot_at(room_two)",
  ]);
});

test("of a step that was seen not to be done, nothing but what was seen is believed", async () => {
  await using http = harness({ domains: [sentry] });
  await http.post("/objects", { type: "coordinate", name: "wp", latitude: 1, longitude: 1 });
  await http.post("/objects", { type: "coordinate", name: "home", latitude: 0, longitude: 0 });
  await http.post("/objects", { type: "coordinate", name: "aside", latitude: 1, longitude: 0 });
  await http.post("/start", { start: ["at(home)"] });
  // The position alone is observed: that the place was visited only follows from having got there.
  await http.post("/goal", { goal: ["visited(wp)"] });
  const places = ["at(home)", "at(aside)", "at(wp)"];
  await using robot = serve(http, await http.register(["goto"], ["at"]), ({ kind }) => {
    // Without `exclusive_fluents`, as clients before 0.2.0 answer.
    return kind === "action" ? {} : { observed_state: [places.shift() ?? ""] };
  });
  expect(await execute(http)).toMatchObject([
    { success: false, message: expect.stringContaining("observed that not at(wp), at(home)") },
    { success: false, message: expect.stringContaining("observed that not at(wp)") },
    { success: true },
  ]);
  const legs = ["goto home wp", "at?", "goto home wp", "at?", "goto aside wp", "at?"];
  expect(names(robot.seen)).toEqual(legs);
  expect(await state(http)).toEqual(["at(wp)", "visited(wp)"]);
});

test("a failed belief leaves the step unconfirmed: its effects are not applied", async () => {
  await using http = harness();
  await prepare(http, ["robot_at(room_two)"]);
  await using robot = serve(http, await http.register(ALL, ["robot_at"]), ({ kind }, nth) => {
    if (kind === "action") return {};
    return nth === 2
      ? { success: false, message: "lidar is blind", observed_state: [] }
      : { is_unchecked: true, observed_state: {} };
  });
  const results = await execute(http);
  expect(results).toMatchObject([{ success: false }, { success: true }]);
  expect(results[0]?.message).toContain("lidar is blind");
  expect(names(robot.seen)).toEqual([
    "move room_one room_two",
    "robot_at?",
    "move room_one room_two",
    "robot_at?",
  ]);
});

test("a belief about what does not exist counts as failed, and the world keeps its shape", async () => {
  await using http = harness();
  await prepare(http, ["robot_at(room_two)"]);
  await using _robot = serve(http, await http.register(ALL, ["robot_at"]), ({ kind }, nth) => {
    if (kind === "action") return {};
    const observed_state: JsonObject = nth === 2 ? { "robot_at(atlantis)": true } : {};
    return { observed_state, is_unchecked: nth !== 2, exclusive_fluents: ["robot_at"] };
  });
  const [first, second] = await execute(http);
  expect(first?.message).toContain('"atlantis"');
  expect(second?.success).toBe(true);
});

test("it gives up after 5 plans without progress and lists every attempt", async () => {
  await using http = harness();
  await prepare(http, ["robot_at(room_two)"]);
  await using robot = serve(http, await http.register(ALL), () => ({
    success: false,
    message: "stuck",
  }));
  const results = await execute(http);
  expect(results).toHaveLength(6);
  expect(robot.seen).toHaveLength(6);
  expect(results.every(({ success }) => success === false)).toBe(true);
  expect(http.progress.at(-1)).toMatchObject({ type: "done", success: false });
});

test("a confirmed step that leads somewhere new is progress: the count starts again", async () => {
  await using http = harness();
  await prepare(http, ["box_at(room_two, box_a)"]);
  const failures = new Map<string, number>();
  await using _robot = serve(http, await http.register(ALL), ({ transition_name = "" }) => {
    const before = failures.get(transition_name) ?? 0;
    failures.set(transition_name, before + 1);
    return { success: before >= 4 };
  });
  const results = await execute(http);
  expect(results).toHaveLength(15);
  expect(results.at(-1)?.success).toBe(true);
});

test("going round in circles is no progress", async () => {
  await using http = harness();
  await prepare(http, ["box_at(room_two, box_a)"]);
  const lost: JsonObject = { "holding(box_a)": false, "box_at(room_one, box_a)": true };
  const dropped = {
    success: false,
    message: "dropped",
    observed_state: { ...lost, hands_free: true },
  };
  await using robot = serve(http, await http.register(ALL), ({ transition_name }) =>
    transition_name === "pick" ? {} : dropped,
  );
  const results = await execute(http);
  // The first pick leads somewhere new, the five after it do not.
  expect(robot.seen.length).toBeLessThanOrEqual(14);
  expect(results.at(-1)?.success).toBe(false);
});

test("a goal that is seen to hold early ends the plan", async () => {
  await using http = harness();
  await prepare(http, ["box_at(room_two, box_a)"]);
  await using robot = serve(http, await http.register(ALL), () => ({
    observed_state: { "box_at(room_two, box_a)": true },
  }));
  expect(await execute(http)).toHaveLength(1);
  expect(robot.seen).toHaveLength(1);
});

test("execute takes the plan of /plan, and makes a new one when the state changed since", async () => {
  await using http = harness();
  await prepare(http, ["robot_at(room_two)"]);
  await http.post("/plan");
  await http.post("/start", { start: ["robot_at(room_three)"] });
  await using robot = serve(http, await http.register(ALL), () => ({}));
  await execute(http);
  expect(names(robot.seen)).toEqual(["move room_three room_two"]);
  expect(http.progress.filter(({ type }) => type === "replanning")).toEqual([]);
});

test("a step that nobody provides is a failed step that names the transition", async () => {
  await using http = harness();
  await prepare(http, ["box_at(room_two, box_a)"]);
  await using robot = serve(http, await http.register(["move"]), () => ({}));
  const results = await execute(http);
  expect(results).toMatchObject([
    { success: false, action_name: "pick", code: "provider.missing", audit_id: expect.any(String) },
  ]);
  expect(results[0]?.message).toContain('"pick"');
  expect(robot.seen).toEqual([]);
});

test("execute without a plan is refused with the planner's reason", async () => {
  await using http = harness();
  const none = await http.post("/execute");
  expect([none.status, none.body.code]).toEqual([422, "plan.none"]);
  expect(none.body.detail).toContain("no_goal_set");
  await prepare(http, ["box_at(room_two, box_b)"]);
  expect((await http.post("/execute")).body.detail).toContain("goal_unreachable");
  await prepare(http, ["robot_at(room_one)"]);
  expect(await execute(http)).toEqual([]);
});

test("a second execute is refused with 409 that says what runs", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const execution = execute(http);
  const { audit_id } = await http.next(id);
  const second = await http.post("/execute");
  expect([second.status, second.body.code]).toEqual([409, "execution.running"]);
  expect(second.body.detail).toContain("move(start=room_one, end=room_two)");
  expect((await http.get("/health")).body.running).toContain("robot_at(room_two)");
  await http.answer(id, audit_id);
  expect(await execution).toHaveLength(1);
});
