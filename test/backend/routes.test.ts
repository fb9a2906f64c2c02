/** The direct-mode routes, over a real socket: shapes, and what bad input is told. */
import { expect, test } from "bun:test";
import { BODY_MAX_BYTES } from "../../src/backend/routes/request.ts";
import { type Atom, atom } from "../../src/core/atom.ts";
import { not, or } from "../../src/core/condition.ts";
import type { TransitionCode, TransitionDef } from "../../src/core/domain.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { harness } from "./harness.ts";

test("discovery routes answer with the shapes of the protocol", async () => {
  await using http = harness();
  expect((await http.get("/health")).body).toMatchObject({ status: "ok", domains: ["warehouse"] });
  const id = await http.register(["move"], ["robot_at"]);
  const actions = (await http.get("/actions?scope=public")).body;
  expect(actions).toContainEqual({
    name: "move",
    params: [
      { name: "start", type: "room" },
      { name: "end", type: "room" },
    ],
    preconditions: ["robot_at(start)"],
    effects: ["robot_at(end)", "not robot_at(start)"],
    provider: id,
  });
  const fluents = (await http.get("/fluents")).body;
  expect(fluents).toContainEqual({
    name: "hands_free",
    args: [],
    default: true,
    groundings: ["hands_free"],
    observer: null,
  });
  const types = (await http.get("/object_types")).body;
  expect(types).toContainEqual({ name: "box", value_fields: { weight: "number" } });
  const boxes = (await http.get("/objects?type=box&scope=public")).body;
  expect(boxes).toHaveLength(3);
  expect(boxes[0]).toEqual({ name: "box_a", type: "box", value_fields: {} });
});

test("GET /actions tells what may be left out and what happens only sometimes", async () => {
  const at = (room: string) => `robot_at(${room})` as Atom;
  const dash: TransitionDef = {
    name: "dash",
    params: [
      { name: "end", type: "room" },
      { name: "over", type: "room", optional: true },
    ],
    preconditions: [or(at("?end"), not("hands_free" as Atom))],
    adds: [at("?end")],
    removes: [],
    effects: [{ when: not(at("?end")), adds: [], removes: ["hands_free" as Atom] }],
  };
  const more = { name: "more", modules: [], types: [], fluents: [], objects: [] };
  await using http = harness({ domains: [warehouse, { ...more, transitions: [dash] }] });
  expect((await http.get("/actions")).body).toContainEqual({
    name: "dash",
    params: [
      { name: "end", type: "room" },
      { name: "over", type: "room", optional: true },
    ],
    preconditions: ["robot_at(end) or not hands_free"],
    effects: ["robot_at(end)", "not hands_free when not robot_at(end)"],
    provider: null,
  });
});

test("POST /objects creates once, and says what it left out", async () => {
  await using http = harness();
  const crate = { type: "box", name: "crate", weight: 3, colour: "red" };
  const first = await http.post("/objects", crate);
  expect(first.status).toBe(200);
  expect(first.body.status).toBe("ok");
  expect(first.body.object).toMatchObject({
    name: "crate",
    type: "box",
    created: true,
    value_fields: { weight: 3 },
  });
  expect((first.body.object as JsonObject).warning).toContain("colour");
  const again = await http.post("/objects", { type: "box", name: "crate" });
  expect(again.body.object).toMatchObject({ created: false, value_fields: { weight: 3 } });
  const other = await http.post("/objects", { type: "box", name: "crate", weight: 4 });
  expect(other.status).toBe(409);
  expect((await http.post("/objects", { type: "room", name: "crate" })).status).toBe(409);
});

test.each([
  [{ type: "box", name: "box" }, 422, "name of a type"],
  [{ type: "boxx", name: "x" }, 422, 'nearest is "box"'],
  [{ type: "box", name: "../../etc/passwd" }, 422, "letters, digits"],
  [{ type: "box", name: "None" }, 422, "letters, digits"],
  [{ type: "box", name: "heavy", weight: "much" }, 422, '"weight" is no number'],
  [{ type: "box" }, 400, "name"],
])("POST /objects refuses %j", async (body, status, detail) => {
  await using http = harness();
  const answer = await http.post("/objects", body);
  expect(answer.status).toBe(status);
  expect(answer.body.detail).toContain(detail);
  expect((await http.get("/objects")).body).toHaveLength(8);
});

test("POST /objects refuses a name of more than 200 characters", async () => {
  await using http = harness();
  expect((await http.post("/objects", { type: "box", name: "x".repeat(200) })).status).toBe(200);
  expect((await http.post("/objects", { type: "box", name: "x".repeat(201) })).status).toBe(422);
});

test("POST /start replaces the state; defaults that are true show", async () => {
  await using http = harness();
  expect((await http.post("/start", { start: ["robot_at(room_one)"] })).status).toBe(200);
  await http.post("/start", { start: ["robot_at( 'room_two' )", "box_at(room_one,box_a)"] });
  expect((await http.get("/state?scope=public")).body).toMatchObject({
    state: ["box_at(room_one, box_a)", "hands_free", "robot_at(room_two)"],
  });
});

test("GET and POST /goal accept name() and print name", async () => {
  await using http = harness();
  await http.post("/goal", { goal: ["hands_free()", "robot_at(room_one)"] });
  expect((await http.get("/goal")).body).toMatchObject({
    goal: ["hands_free", "robot_at(room_one)"],
  });
});

test.each([
  ["robot_att(room_one)", 422, ['"robot_att"', 'nearest is "robot_at"']],
  ["robot_at(room_on)", 422, ['"room_on"', 'nearest is "room_one"']],
  ["robot_at(room_one, box_a)", 422, ["1 arguments", "not 2"]],
  ["robot_at(box_a)", 422, ['"box_a" is a box', "is a room"]],
  ["robot_at(room_one", 400, ["robot_at(room_one"]],
])("atom %j is refused with what is wrong in it", async (text, status, parts) => {
  await using http = harness();
  for (const [path, member] of [
    ["/goal", "goal"],
    ["/start", "start"],
  ] as const) {
    const answer = await http.post(path, { [member]: ["hands_free", text] });
    expect(answer.status).toBe(status);
    for (const part of parts) expect(answer.body.detail).toContain(part);
  }
  expect((await http.get("/goal")).body.goal).toEqual([]);
});

test("bad requests are answered in JSON and the backend stays up", async () => {
  await using http = harness();
  const raw = (path: string, body: string, method = "POST") =>
    fetch(http.url + path, { method, ...(method === "GET" ? {} : { body }) });
  for (const [path, body, status, detail] of [
    ["/goal", "{", 400, "not JSON"],
    ["/goal", "[1]", 400, "POST /goal"],
    ["/goal", "null", 400, "POST /goal"],
    ["/goal", '{"goal":"hands_free"}', 400, "goal"],
    ["/plan", '{"time_budget_s":-1}', 400, "time_budget_s"],
    ["/goal", `[${"[".repeat(200_000)}`, 400, "not JSON"],
    ["/goal", `{"goal":${"[".repeat(300)}${"]".repeat(300)}}`, 400, "nests too deep"],
    ["/goal", `{"goal":["${"x".repeat(BODY_MAX_BYTES)}"]}`, 413, "longer than"],
    ["/gaol", "{}", 404, 'nearest is "/goal"'],
    ["/state", "{}", 405, "takes GET"],
    ["/servant/nobody/result", '{"audit_id":"x"}', 404, '"nobody"'],
  ] as const) {
    const response = await raw(path, body);
    expect([path, response.status]).toEqual([path, status]);
    expect(((await response.json()) as { detail: string }).detail).toContain(detail);
  }
  const gone = await http.get("/servant/nobody/next_assignment");
  expect([gone.status, gone.body.code]).toEqual([404, "servant.unknown"]);
  expect((await http.get("/objects?type=bx")).status).toBe(422);
  expect((await http.get("/health")).status).toBe(200);
});

test("a handler that breaks is a 500 with its reason, and the next request works", async () => {
  let broken = true;
  await using http = harness({
    log: (_level, message) => {
      if (broken && message.startsWith("the goal")) throw new Error("the disk is on fire");
    },
  });
  const answer = await http.post("/goal", { goal: ["hands_free"] });
  expect(answer.status).toBe(500);
  expect(answer.body.detail).toContain("the disk is on fire");
  broken = false;
  expect((await http.post("/goal", { goal: ["hands_free"] })).status).toBe(200);
});

test("POST /plan gives steps by name, and every reason when there is none", async () => {
  await using http = harness();
  const plan = async () => (await http.post("/plan", { relax: false })).body;
  expect(await plan()).toMatchObject({ plan: null, reason: "no_goal_set" });
  await http.post("/start", { start: ["robot_at(room_one)", "box_at(room_one, box_a)"] });
  await http.post("/goal", { goal: ["robot_at(room_one)"] });
  expect(await plan()).toMatchObject({ plan: [], reason: "goal_already_satisfied" });
  await http.post("/goal", { goal: ["robot_at(room_two)"] });
  expect(await plan()).toMatchObject({
    plan: [{ action_name: "move", parameters: { start: "room_one", end: "room_two" }, index: 0 }],
    reason: "plan_found",
  });
  await http.post("/goal", { goal: ["box_at(room_two, box_b)"] });
  expect(await plan()).toMatchObject({ plan: null, reason: "goal_unreachable" });
});

test("no plan enters a room with no_entry", async () => {
  await using http = harness();
  await http.post("/start", { start: ["robot_at(room_one)", "no_entry(room_two)"] });
  await http.post("/goal", { goal: ["robot_at(room_two)"] });
  expect((await http.post("/plan")).body).toMatchObject({ plan: null, reason: "goal_unreachable" });
});

test("POST /plan with relax names what blocks the goal, and plans for the rest", async () => {
  await using http = harness();
  await http.post("/start", { start: ["robot_at(room_one)", "no_entry(room_two)"] });
  await http.post("/goal", { goal: ["robot_at(room_two)", "robot_at(room_three)"] });
  const { plan, reason, relaxation } = (await http.post("/plan", { relax: true })).body;
  expect([plan, reason]).toEqual([null, "goal_unreachable"]);
  expect(relaxation).toEqual({
    blocking: [
      {
        ...{ atom: "robot_at(room_two)", holds: true, why: "refused" },
        detail: "what would bring it about is refused: no_entry(room_two) holds",
      },
    ],
    goal: ["robot_at(room_three)"],
    plan: [
      {
        ...{ action_name: "move", parameters: { start: "room_one", end: "room_three" } },
        ...{ index: 0, cost: 1 },
      },
    ],
  });
});

test("POST /plan asks the domain's code what a step costs, with the scene of now", async () => {
  const toll: TransitionCode = {
    cost: ({ parameters }, { state }) =>
      parameters.end === "room_two" && state.has(atom("hands_free")) ? 50 : 2,
  };
  await using http = harness({ domains: [{ ...warehouse, code: { move: toll } }] });
  await http.post("/start", { start: ["robot_at(room_one)"] });
  await http.post("/goal", { goal: ["robot_at(room_two)"] });
  expect((await http.post("/plan")).body).toMatchObject({ cost: 50, plan: [{ cost: 50 }] });
});

test("registration refuses unknown domain modules and names the known ones", async () => {
  await using http = harness();
  const register = (domain_modules: string[]) =>
    http.post("/servant/register", { transitions: ["move"], domain_modules });
  expect((await register(["dynos_warehouse.warehouse"])).status).toBe(200);
  expect((await register(["warehouse"])).status).toBe(200);
  const refused = await register(["my_pkg.domain"]);
  expect(refused.status).toBe(422);
  expect(refused.body.detail).toContain('"my_pkg.domain"');
  expect(refused.body.detail).toContain("dynos_warehouse.warehouse");
  expect((await http.post("/servant/register", { transitions: ["move"] })).status).toBe(200);
});

test("/logs rises strictly and survives /reset, as servants do", async () => {
  await using http = harness();
  const id = await http.register(["move"]);
  await http.post("/objects", { type: "box", name: "crate" });
  await http.post("/start", { start: ["robot_at(room_one)"] });
  await http.post("/goal", { goal: ["robot_at(room_two)"] });
  const logsNow = async () => (await http.get("/logs")).body.logs as { timestamp: number }[];
  const before = await logsNow();
  expect((await http.post("/reset")).status).toBe(200);
  expect((await http.get("/state")).body.state).toEqual(["hands_free"]);
  expect((await http.get("/goal")).body.goal).toEqual([]);
  expect((await http.get("/objects")).body).toHaveLength(8);
  const logs = await logsNow();
  expect(logs.slice(0, before.length)).toEqual(before);
  const times = logs.map(({ timestamp }) => timestamp);
  expect(times.length).toBeGreaterThan(4);
  for (const [index, time] of times.entries()) {
    expect(time).toBeGreaterThan(times[index - 1] ?? 1.7e9);
  }
  expect((await http.get(`/servant/${id}/next_assignment`)).status).toBe(204);
});

test("a probe that speaks HTTP/1.0 and names no host is answered", async () => {
  await using http = harness();
  const answered = Promise.withResolvers<string>();
  using _probe = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(http.url).port),
    socket: {
      open: (socket) => void socket.write("GET /objects?type=box HTTP/1.0\r\n\r\n"),
      data: (_, bytes) => answered.resolve(bytes.toString()),
    },
  });
  expect(await answered.promise).toMatch(/^HTTP\/1\.\d 200 .*"box_a"/s);
});
