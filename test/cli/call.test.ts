import { expect, test } from "bun:test";
import type { Json } from "../../src/core/json.ts";
import { type Answers, type FakeDynos, fakeDynos } from "../support/fake-dynos.ts";
import { type OnTerminal, onTerminal } from "../support/terminal.ts";
import { call, callOn, ENV, MAIN } from "./calling.ts";

const STEP = { action_name: "move", parameters: { start: "room_one", end: "room_two" } };
const STEP_TEXT = "move(start=room_one, end=room_two)";

const BOX = { name: "box_a", type: "box", value_fields: { weight: 1 } };
const HANDED_OUT = {
  audit_id: "a1",
  servant_id: "s1",
  what: "move(room_one, room_two)",
  handed_out: true,
};
const MOVE = {
  name: "move",
  params: [
    { name: "start", type: "room" },
    { name: "end", type: "room" },
  ],
  provider: "s1",
};

test.each<{ args: string[]; answers: Answers; prints: string }>([
  { args: ["health"], answers: { "GET /health": { status: "ok" } }, prints: "status: ok\n" },
  {
    args: ["state"],
    answers: { "GET /state": { state: ["hands_free()", "robot_at(room_one)"] } },
    prints: "hands_free\nrobot_at(room_one)\n",
  },
  { args: ["state"], answers: { "GET /state": { state: [] } }, prints: "nothing holds\n" },
  {
    args: ["objects"],
    answers: { "GET /objects": [BOX] },
    prints: "NAME   TYPE  FIELDS\nbox_a  box   weight=1\n",
  },
  {
    args: ["actions"],
    answers: { "GET /actions": [MOVE, { name: "weigh", params: [] }] },
    prints:
      "ACTION                       PROVIDER\nmove(start: room, end: room)  s1\nweigh()                       nobody\n",
  },
  {
    args: ["cancel"],
    answers: { "POST /cancel": { cancelled: [], execution: false } },
    prints: "nothing runs: nothing to cancel\n",
  },
  {
    args: ["cancel"],
    answers: {
      "POST /cancel": {
        execution: true,
        cancelled: [
          { ...HANDED_OUT, told: true },
          { ...HANDED_OUT, what: "wave()", told: false },
          { ...HANDED_OUT, what: "pick(a)", told: false, handed_out: false },
        ],
      },
    },
    prints: `the execution ends
move(room_one, room_two): servant s1 is told
wave(): servant s1 cannot be told and may go on
pick(a): never handed out
`,
  },
  {
    args: ["goal"],
    answers: { "GET /goal": { goal: ["hands_free"] } },
    prints: "hands_free\n",
  },
  {
    args: ["plan"],
    answers: { "POST /plan": { plan: [STEP], reason: "plan_found" } },
    prints: `1. ${STEP_TEXT}\n`,
  },
  { args: ["reset"], answers: { "POST /reset": {} }, prints: "Backend state cleared.\n" },
])("call $args prints it for people", async ({ args, answers, prints }) => {
  const { code, stdout, stderr } = await callOn(answers, args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.replace(/ +/g, " ")).toBe(prints.replace(/ +/g, " "));
});

// The bodies are those that the Python client prints.
test.each<{ args: string[]; answers: Answers; body: unknown }>([
  { args: ["health"], answers: { "GET /health": { status: "ok" } }, body: { status: "ok" } },
  { args: ["state"], answers: { "GET /state": { state: ["a"] } }, body: ["a"] },
  { args: ["objects"], answers: { "GET /objects": [BOX] }, body: [BOX] },
  { args: ["actions"], answers: { "GET /actions": [MOVE] }, body: [MOVE] },
  { args: ["goal"], answers: { "GET /goal": { goal: [] } }, body: [] },
  {
    args: ["plan"],
    answers: { "POST /plan": { plan: [STEP], reason: "plan_found", detail: null } },
    body: [STEP],
  },
  {
    args: ["execute"],
    answers: { "POST /execute": { results: [{ success: true, message: "", x: 1 }] } },
    body: [{ success: true, message: "", x: 1 }],
  },
  {
    args: ["trigger", "move(end=room_two)"],
    answers: { "POST /trigger": { success: true, message: "there" } },
    body: { success: true, message: "there" },
  },
])("call $args --json prints the backend's own body", async ({ args, answers, body }) => {
  const { code, stdout } = await callOn(answers, [...args, "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(body);
});

test("call goal sets every atom given, in its canonical text", async () => {
  const args = ["goal", 'box_at( room_two, "box_a" )', "hands_free()"];
  const { code, stdout, bodies } = await callOn({ "POST /goal": {} }, args);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "Goal set: box_at(room_two, box_a), hands_free\n",
  });
  expect(bodies).toEqual([["POST", { goal: ["box_at(room_two, box_a)", "hands_free"] }]]);
});

test.each([
  ["goal", "os.system(x)"],
  ["goal", "at(*all)"],
  ["trigger", "move(start=a"],
])("call %s %s is refused before the backend is asked", async (command, text) => {
  const { code, stderr, bodies } = await callOn({}, [command, text]);
  expect(code).toBe(2);
  expect(stderr).toContain("agent: Cannot read expression");
  expect(bodies).toEqual([]);
});

test("call trigger names the arguments given by place", async () => {
  const answers: Answers = {
    "GET /actions": [MOVE],
    "POST /trigger": { success: true, message: "" },
  };
  const { code, stdout, bodies } = await callOn(answers, ["trigger", "move(room_one, room_two)"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "✓ move\n" });
  expect(bodies.at(-1)).toEqual(["POST", { action: "move", params: STEP.parameters }]);
  for (const [text, says] of [
    ["move(a, b, c)", "it takes (start, end)"],
    ["move(a, start=b)", '"start" is given twice'],
    ["fly(a)", "no such action"],
  ]) {
    const refused = await callOn(answers, ["trigger", text ?? ""]);
    expect({ code: refused.code, said: refused.stderr.includes(says ?? "") }).toEqual({
      code: 2,
      said: true,
    });
  }
});

test("call trigger exits 1 when the action failed", async () => {
  const failed = { success: false, message: "stuck" };
  const { code, stdout } = await callOn({ "POST /trigger": failed }, ["trigger", "go()"]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "✗ go: stuck\n" });
});

test("call plan exits 1 with the reason when there is no plan", async () => {
  const answer = { plan: null, reason: "goal_unreachable", detail: "nobody can", relaxation: null };
  const shown = await callOn({ "POST /plan": answer }, ["plan"]);
  expect({ code: shown.code, stdout: shown.stdout }).toEqual({ code: 1, stdout: "" });
  expect(shown.stderr).toContain("agent: No plan (goal_unreachable): nobody can\nhint: ");
  const json = await callOn({ "POST /plan": answer }, ["plan", "--relax", "--json"]);
  expect({ code: json.code, body: JSON.parse(json.stdout) }).toEqual({ code: 1, body: answer });
  expect(json.bodies).toEqual([["POST", { relax: true }]]);
});

test("call execute says why there is no plan also where no terminal is", async () => {
  const message = "goal_unreachable: nobody can: at all";
  const results = [{ success: false, message, code: "plan.none" }];
  const { code, stdout, stderr } = await callOn({ "POST /execute": { results } }, ["execute"]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("agent: No plan (goal_unreachable): nobody can: at all\n");
  expect(stderr).toContain("`agent call plan --relax`");
  const odd = [{ success: false, message: "no way", code: "plan.none" }];
  const other = await callOn({ "POST /execute": { results: odd } }, ["execute"]);
  expect(other.stderr).toContain("agent: No plan (no_plan_found): no way\n");
});

test("call actions marks what may be left out", async () => {
  const params = [{ name: "position", type: "coordinate", optional: true }];
  const { stdout } = await callOn({ "GET /actions": [{ name: "stop", params }] }, ["actions"]);
  expect(stdout).toContain("stop(position?: coordinate)");
});

test("call mission plan says why there is no plan, and what blocks it", async () => {
  const answer = { plan: null, reason: "goal_unreachable", detail: "plan for at(a): nobody can" };
  const route = "POST /missions/tidy/plan";
  const shown = await callOn({ [route]: answer }, ["mission", "plan", "tidy"]);
  expect({ code: shown.code, stdout: shown.stdout }).toEqual({ code: 1, stdout: "" });
  expect(shown.stderr).toContain("No plan (goal_unreachable): plan for at(a): nobody can\n");
  expect(shown.stderr).toContain("`agent call mission plan tidy --relax`");
  const blocking = [{ atom: "at(a)", holds: true, detail: "no transition makes it true" }];
  const relaxed = { ...answer, relaxation: { blocking, goal: [], plan: null } };
  const told = await callOn({ [route]: relaxed }, ["mission", "plan", "tidy", "--relax"]);
  expect(told.stdout).toBe("✗ at(a): no transition makes it true\n");
  expect(told.bodies).toEqual([["POST", { relax: true }]]);
  const json = await callOn({ [route]: relaxed }, ["mission", "plan", "tidy", "--json"]);
  expect({ code: json.code, body: JSON.parse(json.stdout) }).toEqual({ code: 1, body: relaxed });
});

test("call execute prints each attempt and exits by how it ended", async () => {
  const results = [
    { ...STEP, success: false, message: "stuck" },
    { ...STEP, success: true, message: "" },
  ];
  const recovered = await callOn({ "POST /execute": { results } }, ["execute"]);
  expect(recovered.code).toBe(0);
  expect(recovered.stdout).toMatch(
    /^✗ move\(.*\): stuck\n✓ move\(.*\)\ndone: 1 step in .*, 1 failed on the way\n$/,
  );
  const failed = await callOn({ "POST /execute": { results: results.toReversed() } }, ["execute"]);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("agent: The plan failed after ");
});

test("call execute tells a goal that holds from one that has no plan", async () => {
  const holds = { plan: [], reason: "goal_already_satisfied" };
  const nothing: Answers = { "POST /execute": { results: [] } };
  const held = await callOn({ ...nothing, "POST /plan": holds }, ["execute"]);
  expect(held).toMatchObject({ code: 0, stdout: "The goal already holds: nothing to do.\n" });
  const none = { plan: null, reason: "no_goal_set" };
  for (const args of [["execute"], ["execute", "--json"]]) {
    const without = await callOn({ ...nothing, "POST /plan": none }, args);
    expect(without.code).toBe(1);
    expect(without.stderr).toContain("No plan (no_goal_set)");
  }
});

// Goal: whoever watches a terminal sees the running step advance before the plan is over.
// Method: a pty; the backend holds the execution open until the screen has shown the first tick.
test("call execute on a terminal shows the steps advancing, then their results", async () => {
  const logs: Json[] = [];
  const log = (event: string, step: string) => {
    const fields = { event: `step.${event}`, step, success: true, reason: "" };
    logs.push({ level: "info", message: "", timestamp: logs.length + 1, fields });
  };
  const steps = [STEP, { action_name: "pick", parameters: { box: "box_a" } }];
  await using backend: FakeDynos = fakeDynos({
    "POST /plan": { plan: steps, reason: "plan_found" },
    "GET /logs": () => ({ logs: [...logs] }),
    "POST /execute": async () => {
      log("started", STEP_TEXT);
      log("finished", STEP_TEXT);
      log("started", "pick(box=box_a)");
      await terminal.until(/✓ move[^\n]*\n[^\n]*[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] pick/);
      return { results: steps.map((step) => ({ ...step, success: true, message: "" })) };
    },
  });
  const terminal = executeOnTerminal(backend);
  expect(await terminal.exited).toBe(0);
  const frames = terminal.shown().split("\u001b[J");
  expect(frames[1]).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] move[^\n]*\n· pick/u);
  expect(frames.at(-1)).toMatch(/✓ move[^\n]*\n✓ pick[^\n]*\ndone: 2 steps in /u);
});

const ESCAPE = "\u001b";

// Goal: what is told of the link while steps are drawn stays to be read, and nothing stands twice.
// Method: a pty whose screen is worked out; the backend answers about the run once, then not, then again.
test("call execute on a terminal tells of an outage above the steps", async () => {
  let asked = 0;
  const result = { ...STEP, success: true, message: "" };
  const run = { run_id: "r1", kind: "execute", what: "goal", started: 1 };
  await using backend: FakeDynos = fakeDynos({
    "POST /plan": { plan: [STEP], reason: "plan_found" },
    "GET /logs": { logs: [] },
    "POST /execute": { run_id: "r1" },
    "GET /runs/r1": () => {
      asked += 1;
      if (asked === 1) return { ...run, status: "running" };
      // Drawn again since the warning: what would be drawn over is by now.
      const since = terminal.shown().split("asking on")[1] ?? "";
      const isWarned = since.split(`${ESCAPE}[J`).length > 3;
      if (!isWarned) return new Response("", { status: 503 });
      return { ...run, status: "succeeded", results: [result], ended: 2 };
    },
  });
  const terminal = executeOnTerminal(backend);
  expect(await terminal.exited).toBe(0);
  const lines = shown(terminal.shown()).filter((line) => line !== "");
  expect(lines).toEqual([
    expect.stringMatching(/^agent: no answer about run r1, asking on: /),
    "agent: the backend answers again about run r1",
    expect.stringMatching(/^✓ move\(/),
    expect.stringMatching(/^done: 1 step in /),
  ]);
});

function executeOnTerminal({ url }: FakeDynos): OnTerminal {
  const command = [process.execPath, MAIN, "call", "execute", "--to", url];
  return onTerminal(command, { ...ENV, TERM: "xterm" });
}

/** The lines of a terminal after all of this was written to it: cursor up, erase below, no colours. */
function shown(written: string): string[] {
  const lines: string[] = [""];
  let row = 0;
  for (const [index, piece] of written.split(ESCAPE).entries()) {
    const [whole, count, command] = (index > 0 && /^\[(\d*)([A-Za-z])/.exec(piece)) || [""];
    if (command === "A") row = Math.max(0, row - Number(count || 1));
    if (command === "J") lines.splice(row, lines.length, "");
    const [first = "", ...others] = piece.slice(whole.length).replaceAll("\r", "").split("\n");
    lines[row] = `${lines[row] ?? ""}${first}`;
    for (const text of others) {
      row += 1;
      lines[row] = `${lines[row] ?? ""}${text}`;
    }
  }
  return lines;
}

const T0 = Date.UTC(2026, 4, 11, 14, 3, 0) / 1_000;
const LOGS = ["one", "two", "three"].map((message, index) => ({
  level: index === 1 ? "warn" : "info",
  message,
  timestamp: T0 + index,
}));

test("call cancel sends the audit id and the reason, and says when there is no such thing", async () => {
  const answers = { "POST /cancel": { cancelled: [], execution: true } };
  const args = ["cancel", "a1", "--reason", "why", "--json"];
  const { code, stdout, bodies } = await callOn(answers, args);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ cancelled: [], execution: true });
  expect(bodies).toEqual([["POST", { audit_id: "a1", reason: "why" }]]);
  const detail = 'Cannot cancel "a1": it is unknown or answered';
  const unknown = { "POST /cancel": Response.json({ detail }, { status: 404 }) };
  const refused = await callOn(unknown, ["cancel", "a1"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(detail);
});

test("call live-log prints the entries, the last n, or those since a time", async () => {
  const answers: Answers = { "GET /logs": { logs: LOGS } };
  const messages = async (...args: string[]) => {
    const { stdout } = await callOn(answers, ["live-log", ...args, "--json"]);
    return (JSON.parse(stdout) as { message: string }[]).map(({ message }) => message);
  };
  expect(await messages()).toEqual(["one", "two", "three"]);
  expect(await messages("-n", "2")).toEqual(["two", "three"]);
  expect(await messages("-n", "0")).toEqual([]);
  expect(await messages("--since", "2026-05-11T14:03:01Z")).toEqual(["two", "three"]);
  const { stdout } = await callOn(answers, ["live-log", "-n", "1"]);
  expect(stdout).toMatch(/^\d\d:03:02 \[INFO\] three\n$/);
  expect((await call(["live-log", "--since", "bogus"])).code).toBe(2);
});

// Goal: following prints each entry once, and outlasts a backend that is away for a while.
// Method: the third answer fails, the fourth has one entry more; then the reader stops.
test("call live-log --follow prints what is new, once, and waits out an absence", async () => {
  let asked = 0;
  await using backend = fakeDynos({
    "GET /logs": () => {
      asked += 1;
      if (asked === 3) return new Response("", { status: 503 });
      return { logs: asked < 4 ? LOGS.slice(0, 2) : LOGS };
    },
  });
  const child = Bun.spawn(
    [process.execPath, MAIN, "call", "live-log", "--follow", "--interval", "0.05", "--json"].concat(
      ["--to", backend.url],
    ),
    { env: ENV, stdout: "pipe", stderr: "pipe" },
  );
  let text = "";
  for await (const chunk of child.stdout) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("three")) child.kill("SIGINT");
  }
  expect(await child.exited).toBe(0);
  const lines = text.trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
    "one",
    "two",
    "three",
  ]);
  const stderr = await new Response(child.stderr).text();
  expect(stderr).toContain("waiting for it");
  expect(stderr).toContain("answers again");
});

test("call without a backend says how to start one", async () => {
  const { code, stdout, stderr } = await call(["state"], "http://127.0.0.1:1");
  expect({ code, stdout }).toEqual({ code: 75, stdout: "" });
  expect(stderr).toContain('agent: Cannot reach the backend at "http://127.0.0.1:1"');
  expect(stderr).toContain("hint: start one with `agent host`");
});

test.each([
  { status: 401, code: 77 },
  { status: 400, code: 1 },
  { status: 503, code: 75 },
])("call exits $code when the backend answers $status", async ({ status, code }) => {
  const refusal = Response.json({ detail: "because" }, { status });
  const run = await callOn({ "GET /state": refusal }, ["state"]);
  expect(run.code).toBe(code);
  expect(run.stderr).toContain("because");
});
