/** When a plan is of no more use, another one is made, and the traces say why. */
import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/core/json.ts";
import { type Harness, harness } from "./harness.ts";
import { ALL, execute, names, prepare, serve } from "./playing.ts";

async function reasons(http: Harness): Promise<string[]> {
  const { traces } = (await http.get("/traces")).body;
  return (traces as unknown as JsonObject[])
    .filter(({ kind }) => kind === "plan_start")
    .map(({ data }) => String((data as JsonObject).why));
}

test("a state changed from outside is planned from at the next step, not when it is in the way", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["box_at(room_two, box_a)"]);
  const execution = execute(http);
  const pick = await http.next(id);
  await http.answer(id, pick.audit_id);
  const move = await http.next(id);
  // Somebody takes the box from the gripper, and puts it back where it was.
  await http.post("/belief/batch", {
    observations: [
      { fluent: "holding(box_a)", value: false },
      { fluent: "hands_free", value: true },
      { fluent: "box_at(room_one, box_a)", value: true },
    ],
  });
  await http.answer(id, move.audit_id);
  await using robot = serve(http, id, () => ({}));
  expect((await execution).at(-1)).toMatchObject({ success: true, action_name: "place" });
  expect(names(robot.seen)[0]).toBe("move room_two room_one");
  const [first, second, ...others] = await reasons(http);
  expect([first, others]).toEqual(["to execute it", []]);
  expect(second).toContain("planning again: the state is not as planned");
  expect(second).toContain("-holding(box_a)");
});

test("a change from outside that does not matter changes nothing", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["box_at(room_two, box_a)"]);
  const execution = execute(http);
  const pick = await http.next(id);
  await http.post("/belief/set", { fluent: "box_at(room_three, box_b)", value: true });
  await http.answer(id, pick.audit_id);
  await using robot = serve(http, id, () => ({}));
  expect(await execution).toHaveLength(3);
  expect(robot.seen).toHaveLength(2);
  expect(await reasons(http)).toEqual(["to execute it"]);
});

test("a goal that comes about from outside ends the plan", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["box_at(room_two, box_a)"]);
  const execution = execute(http);
  const pick = await http.next(id);
  await http.post("/belief/set", { fluent: "box_at(room_two, box_a)", value: true });
  await http.answer(id, pick.audit_id);
  expect(await execution).toHaveLength(1);
});

test("what is triggered counts before the first step: it may have reached the goal", async () => {
  await using http = harness();
  const id = await http.register(ALL);
  await prepare(http, ["robot_at(room_two)"]);
  const params = { start: "room_one", end: "room_two" };
  const triggered = http.post("/trigger", { action: "move", params });
  const { audit_id } = await http.next(id);
  const execution = execute(http);
  while ((await http.get("/health")).body.running === null) await Bun.sleep(1);
  // The plan would be possible still, and is of no more use.
  const both = { "robot_at(room_one)": true, "robot_at(room_two)": true };
  await http.answer(id, audit_id, { observed_state: both });
  await triggered;
  expect(await execution).toEqual([]);
});

test("each kind of failure is the reason of the plan after it", async () => {
  await using http = harness();
  await prepare(http, ["robot_at(room_two)"]);
  let asked = 0;
  await using _robot = serve(http, await http.register(ALL, ["robot_at"]), ({ kind }, nth) => {
    if (kind === "action") return nth === 1 ? { success: false, message: "wheel slipped" } : {};
    asked += 1;
    if (asked === 2) return { success: false, message: "lidar is blind" };
    const place = asked === 3 ? "room_three" : "room_two";
    if (asked === 1) return { is_unchecked: true };
    return { observed_state: { [`robot_at(${place})`]: true }, exclusive_fluents: ["robot_at"] };
  });
  expect(await execute(http)).toHaveLength(4);
  expect(await reasons(http)).toEqual([
    "to execute it",
    "planning again: wheel slipped",
    expect.stringContaining("robot_at could not be observed: lidar is blind"),
    expect.stringContaining("it was observed that not robot_at(room_two)"),
  ]);
});

test("the newest provider of a transition has its next step, the older one what it has in hand", async () => {
  await using http = harness();
  const older = await http.register(ALL);
  await prepare(http, ["box_at(room_two, box_a)"]);
  const execution = execute(http);
  const pick = await http.next(older);
  const newer = await http.register(["move"]);
  await http.answer(older, pick.audit_id);
  const move = await http.next(newer);
  expect(names([move])).toEqual(["move room_one room_two"]);
  await http.answer(newer, move.audit_id);
  const place = await http.next(older);
  await http.answer(older, place.audit_id);
  expect((await execution).map(({ servant_id }) => servant_id)).toEqual([older, newer, older]);
});

test("a servant that is lost with a step in hand is planned around, with another that does it", async () => {
  await using http = harness({ leaseMs: 200 });
  const other = await http.register(["move"]);
  const lost = await http.register(["move"]);
  await prepare(http, ["robot_at(room_two)"]);
  await using _other = serve(http, other, () => ({}));
  const execution = execute(http);
  const { audit_id } = await http.next(lost);
  expect(await execution).toMatchObject([
    { success: false, code: "servant.lost", servant_id: lost, audit_id },
    { success: true, servant_id: other },
  ]);
  expect((await reasons(http))[1]).toContain(`servant ${lost} has been silent`);
});

test("plans without progress are counted up to the limit that was given", async () => {
  for (const replansMax of [0, 2]) {
    await using http = harness({ replansMax });
    await prepare(http, ["robot_at(room_two)"]);
    await using robot = serve(http, await http.register(ALL), () => ({ success: false }));
    const { body } = await http.post("/execute");
    expect(robot.seen).toHaveLength(replansMax + 1);
    expect(body.message).toContain(`gave up after ${replansMax} plans without progress`);
  }
});

test("a trigger bypasses preconditions, and the trace says so", async () => {
  await using http = harness();
  await prepare(http, []);
  await using robot = serve(http, await http.register(ALL), () => ({}));
  const params = { start: "room_three", end: "room_two" };
  const { body } = await http.post("/trigger", { action: "move", params });
  expect([body.success, robot.seen.length]).toEqual([true, 1]);
  const { traces } = (await http.get("/traces")).body;
  const started = (traces as unknown as JsonObject[]).find(({ kind }) => kind === "behavior_start");
  expect(started?.summary).toContain("preconditions are not looked at");
});
