import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "../../src/core/json.ts";
import { type Answers, fakeDynos } from "../support/fake-dynos.ts";
import { project } from "../support/project.ts";
import { call, callOn, ENV, MAIN } from "./calling.ts";

// --- create ---

const MADE = { status: "ok", object: { name: "site", type: "zone", created: true } };
const ZONE = { type: "zone", name: "site", width: 170, vertices: [[-70, 41.5]] };

test("call create reads a call, Python style, and its type in lower case", async () => {
  const text = "Zone(name=site, width=170, vertices=[[-70, 41.5]])";
  const { code, stdout, bodies } = await callOn({ "POST /objects": MADE }, ["create", text]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "✓ zone site created\n" });
  expect(bodies).toEqual([["POST", ZONE]]);
});

test("call create reads a file, and says when the object was there by another name", async () => {
  await using folder = await project({ "zone.json": JSON.stringify(ZONE) });
  const merged = { name: "site", created: false, merged_into: "old", warning: "use old" };
  const answers: Answers = { "POST /objects": { status: "ok", object: merged } };
  const run = await callOn(answers, ["create", join(folder.path, "zone.json")]);
  expect(run).toMatchObject({ code: 0, stdout: "✓ zone old is there already\n" });
  expect(run.stderr).toBe("agent: use old\n");
  expect(run.bodies).toEqual([["POST", ZONE]]);
  const json = await callOn(answers, ["create", join(folder.path, "zone.json"), "--json"]);
  expect(JSON.parse(json.stdout)).toEqual({ status: "ok", object: merged });
});

test.each([
  ["Zone(width=3)", "it has no name=...; write it as Zone(name=site"],
  ["Zone(nam=x)", "it has no name=... (but nam=...)"],
  ["Zone(name=3)", "its name is no text"],
  ["Zone(site)", "every value with its name"],
  ["Zone(name=x, **more)", "Cannot read expression"],
  ["os.system(name=x)", "Cannot read expression"],
  ["Zone(name=open('/etc/passwd'))", "Cannot read expression"],
  ["none.json", "ENOENT"],
  ["bad.json", "JSON"],
  ["list.json", '"type" and "name"'],
  ["zone(name=zone)", "may not have its type's name"],
])("call create %s is refused before the backend is asked", async (source, says) => {
  await using folder = await project({ "bad.json": "{", "list.json": "[1]" });
  const given = source.endsWith(".json") ? join(folder.path, source) : source;
  const { code, stderr, bodies } = await callOn({}, ["create", given]);
  expect(code).toBeGreaterThan(0);
  expect(stderr).toContain(says);
  expect(bodies).toEqual([]);
});

// --- geojson ---

const MAP = { type: "FeatureCollection", features: [] };

async function geojsonIn(folder: string, args: readonly string[]) {
  await using backend = fakeDynos({ "GET /as_geojson": MAP });
  const child = Bun.spawn(
    [process.execPath, MAIN, "call", "geojson", "--to", backend.url, ...args],
    { cwd: folder, env: ENV, stdout: "pipe", stderr: "pipe" },
  );
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr, asked: backend.heard.length };
}

test("call geojson prints the map, or writes it to a file under the current folder", async () => {
  await using folder = await project({ "maps/old.json": "old" });
  const printed = await geojsonIn(folder.path, []);
  expect(JSON.parse(printed.stdout)).toEqual(MAP);
  for (const name of ["new.json", "maps/old.json", "./maps/../also.json"]) {
    expect(await geojsonIn(folder.path, ["-o", name])).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(await readFile(join(folder.path, name), "utf8"))).toEqual(MAP);
  }
  expect((await readdir(folder.path)).sort()).toEqual(["also.json", "maps", "new.json"]);
});

test("call geojson writes elsewhere only when told, and never by a link", async () => {
  await using folder = await project({ "inside/kept.json": "kept" });
  await using other = await project({ "target.json": "kept" });
  const inside = join(folder.path, "inside");
  await symlink(join(other.path, "target.json"), join(inside, "link.json"));
  await symlink(join(other.path, "none.json"), join(inside, "dangling.json"));
  await symlink(other.path, join(inside, "away"));
  await symlink(inside, join(other.path, "back"));
  const refused: [string[], string][] = [
    [["-o", "../out.json"], "outside"],
    [["-o", join(other.path, "out.json")], "outside"],
    [["-o", "link.json"], "it is a link"],
    [["-o", "dangling.json"], "it is a link"],
    [["-o", "link.json", "--allow-anywhere"], "it is a link"],
    [["-o", "away/out.json"], "a folder on the way is a link"],
    [["-o", join(other.path, "back", "out.json"), "--allow-anywhere"], "on the way is a link"],
    [["-o", "nowhere/out.json"], "ENOENT"],
    [["-o", "."], "outside"],
    [["-o", other.path, "--allow-anywhere"], "no file"],
  ];
  for (const [args, says] of refused) {
    const { code, stderr, asked } = await geojsonIn(inside, args);
    expect({ args, code, asked, said: stderr.includes(says) }).toEqual({
      args,
      code: 2,
      asked: 0,
      said: true,
    });
  }
  expect(await readFile(join(other.path, "target.json"), "utf8")).toBe("kept");
  expect(existsSync(join(folder.path, "out.json"))).toBe(false);
  const away = join(other.path, "out.json");
  expect(await geojsonIn(inside, ["-o", away, "--allow-anywhere"])).toMatchObject({ code: 0 });
  expect(JSON.parse(await readFile(away, "utf8"))).toEqual(MAP);
});

// --- trace, fluents, beliefs, missions, runs ---

const TRACES = [
  { ts: 100, kind: "plan_start", summary: "planning", data: {} },
  { ts: 200, kind: "plan_end", summary: "plan_found", data: {} },
  { ts: 300, kind: "behavior_end", summary: "move failed", data: { success: false } },
];

test.each<{ args: string[]; shows: string[] }>([
  { args: [], shows: ["planning", "plan_found", "move failed"] },
  { args: ["-n", "1"], shows: ["move failed"] },
  { args: ["--kind", "plan_start, plan_end"], shows: ["planning", "plan_found"] },
  { args: ["--since", "200"], shows: ["plan_found", "move failed"] },
])("call live-trace $args prints what happened", async ({ args, shows }) => {
  for (const name of ["live-trace", "trace"]) {
    const { code, stdout } = await callOn({ "GET /traces": { traces: TRACES } }, [name, ...args]);
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d \[\w+\] /, ""))).toEqual(shows);
  }
});

test("call live-trace --follow goes on with what is new, of its kinds", async () => {
  let asked = 0;
  await using backend = fakeDynos({
    "GET /traces": () => {
      asked += 1;
      return { traces: asked < 3 ? TRACES.slice(0, 1) : TRACES };
    },
  });
  const args = ["live-trace", "-f", "--interval", "0.05", "--json", "--kind", "plan_end"];
  const child = Bun.spawn([process.execPath, MAIN, "call", ...args, "--to", backend.url], {
    env: ENV,
    stdout: "pipe",
  });
  let text = "";
  for await (const chunk of child.stdout) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("plan_found")) child.kill("SIGINT");
  }
  expect(await child.exited).toBe(0);
  expect(
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Json),
  ).toEqual([...TRACES.slice(1, 2)]);
});

const RUN = {
  run_id: "r1",
  kind: "goal",
  what: "at(a)",
  status: "failed",
  started: 100,
  ended: 112,
  success: false,
  message: "stuck",
};
const STEP = { action_name: "move", parameters: { end: "b" } };
const PLAN_BLOCK = { type: "plan", goal: ["at(a)"], success: false, message: "stuck" };
const TIDY = [
  { type: "plan", goal: ["at(a)"] },
  {
    type: "order",
    name: "back",
    children: [{ type: "action", action: "move", params: { end: "b" } }],
  },
];

test.each<{ args: string[]; answers: Answers; prints: string; code?: number; body?: Json }>([
  {
    args: ["fluents"],
    answers: {
      "GET /fluents": [
        { name: "at", args: [{ name: "of", type: "room" }], default: false, groundings: ["at(a)"] },
      ],
    },
    prints: "FLUENT DEFAULT OBSERVER HOLDS\nat(of: room) false nobody at(a)\n",
  },
  {
    args: ["belief", "at"],
    answers: { "POST /belief/query": { observed: true, atoms: { "at(a)": true, "at(b)": false } } },
    prints: "observed\nat(a)\nnot at(b)\n",
    body: { fluent: "at" },
  },
  {
    args: ["belief", "at( a )", "false"],
    answers: { "POST /belief/set": { status: "ok" } },
    prints: "at(a) is false\n",
    body: { fluent: "at(a)", value: false },
  },
  {
    args: ["mission", "list"],
    answers: { "GET /missions": { missions: [{ name: "tidy" }] } },
    prints: "tidy\n",
  },
  {
    args: ["mission", "load", "tidy"],
    answers: { "POST /missions/tidy/load": { mission: { name: "tidy", blocks: TIDY } } },
    prints: "1. plan for at(a)\n2. in order (back)\n 1. move(end=b)\n",
  },
  {
    args: ["mission", "plan", "tidy"],
    answers: { "POST /missions/tidy/plan": { plan: [STEP] } },
    prints: "1. move(end=b)\n",
  },
  {
    args: ["mission", "execute", "tidy"],
    answers: {
      "POST /missions/tidy/execute": {
        results: [{ ...PLAN_BLOCK, steps: [{ ...STEP, success: false, message: "stuck" }] }],
      },
    },
    prints: "✗ plan for at(a): stuck\n✗ move(end=b): stuck\n",
    code: 1,
  },
  {
    args: ["mission", "fork", "tidy"],
    answers: { "POST /fork": { status: "ok" } },
    prints: "Mission tidy saved.\n",
    body: { name: "tidy" },
  },
  {
    args: ["mission", "delete", "tidy"],
    answers: { "DELETE /missions/tidy": null },
    prints: "Mission tidy deleted.\n",
  },
  {
    args: ["run", "r1"],
    answers: {
      "GET /runs/r1": { ...RUN, results: [{ ...STEP, success: false, message: "stuck" }] },
    },
    prints: "failed at(a), DAY: stuck\n ✗ move(end=b): stuck\n",
    code: 1,
  },
  {
    args: ["run", "r1"],
    answers: {
      "GET /runs/r1": {
        ...{ ...RUN, status: "running", ended: null, success: null, message: "" },
        results: [
          { ...STEP, success: null, message: "under way", steps: [{ ...STEP, success: true }] },
        ],
      },
    },
    prints: "running at(a), DAY\n ⠋ move(end=b)\n ✓ move(end=b)\n",
  },
  {
    args: ["runs"],
    answers: { "GET /runs": { runs: [RUN] } },
    prints: "RUN STATUS STARTED TOOK WHAT\nr1 failed DAY 12 s at(a)\n",
  },
])("call $args prints it for people", async ({ args, answers, prints, code = 0, body }) => {
  const run = await callOn(answers, args);
  const shown = run.stdout.replace(/ +/g, " ").replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, "DAY");
  expect({ code: run.code, shown }).toEqual({ code, shown: prints });
  if (body !== undefined) expect(run.bodies.at(-1)?.[1]).toEqual(body);
  const json = await callOn(answers, [...args, "--json"]);
  expect(json.code).toBe(code);
  expect(() => JSON.parse(json.stdout) as Json).not.toThrow();
});

test("call mission save saves what the file says, and refuses what is no mission", async () => {
  const mission = { name: "tidy", blocks: TIDY };
  await using folder = await project({
    "tidy.json": JSON.stringify(mission),
    "bad.json": JSON.stringify({ name: "m", blocks: [{ type: "wait" }] }),
  });
  const answers: Answers = { "PUT /missions/tidy": { mission } };
  const saved = await callOn(answers, ["mission", "save", join(folder.path, "tidy.json")]);
  expect(saved).toMatchObject({ code: 0, bodies: [["PUT", { blocks: TIDY }]] });
  const bad = await callOn(answers, ["mission", "save", join(folder.path, "bad.json")]);
  expect(bad.code).toBe(2);
  expect(bad.stderr).toMatch(/Cannot save ".*bad.json": .*its type is "wait"/);
  expect(bad.bodies).toEqual([]);
});

test("call plan --relax says what blocks the goal, and what does not", async () => {
  const relaxation = {
    blocking: [{ atom: "at(a)", holds: true, why: "needs", detail: "move needs at(any)" }],
    goal: ["at(b)", "not at(c)"],
    plan: [STEP],
  };
  const answer = { plan: null, reason: "goal_unreachable", detail: "no", relaxation };
  const run = await callOn({ "POST /plan": answer }, ["plan", "--relax"]);
  expect(run).toMatchObject({
    code: 1,
    stdout: "✗ at(a): move needs at(any)\n✓ at(b), not at(c): in 1 step\n",
    stderr: "agent: No plan (goal_unreachable): no\n",
  });
  const other = { ...answer, relaxation: { conditions: ["at(a)"] } };
  const theirs = await callOn({ "POST /plan": other }, ["plan", "--relax"]);
  expect(JSON.parse(theirs.stdout)).toEqual({ conditions: ["at(a)"] });
});

// --- the client ends before what it waits for ---

const GOING = { ...RUN, status: "running", ended: null, success: null, message: "step 1" };
const BEGUN: Answers = {
  "POST /execute": { run_id: "r1", status: "running" },
  "GET /runs/r1": GOING,
};

test("call execute --timeout ends the client, not the plan, and says how to go on", async () => {
  await using backend = fakeDynos(BEGUN);
  const { code, stderr } = await call(["execute", "--timeout", "0.3"], backend.url);
  expect(code).toBe(75);
  expect(stderr).toContain("it took longer than 0.3 s; it may go on");
  expect(stderr).toContain(`\`agent call run r1 --to ${backend.url}\``);
  expect(stderr).toContain("agent call cancel --to");
  expect(backend.heard.map(({ path }) => path)).not.toContain("/cancel");
});

test("call trigger --timeout says so too, of a backend that holds the request", async () => {
  const held = () => new Promise<never>(() => {});
  await using backend = fakeDynos({ "POST /trigger": held, "POST /execute": held });
  for (const args of [
    ["trigger", "go()"],
    ["execute", "--json"],
  ]) {
    const { code, stderr } = await call([...args, "--timeout", "0.3"], backend.url);
    expect({ code, says: stderr.includes("it may go on: see `agent call runs") }).toEqual({
      code: 75,
      says: true,
    });
  }
});

test("Ctrl-C during call execute says that the plan goes on, and how to cancel it", async () => {
  const asked = Promise.withResolvers<void>();
  await using backend = fakeDynos({
    ...BEGUN,
    "GET /runs/r1": () => {
      asked.resolve();
      return GOING;
    },
  });
  const child = Bun.spawn([process.execPath, MAIN, "call", "execute", "--to", backend.url], {
    env: ENV,
    stdout: "pipe",
    stderr: "pipe",
  });
  await asked.promise;
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  const stderr = await new Response(child.stderr).text();
  expect(stderr).toContain("it goes on at the backend: see `agent call run r1");
  expect(stderr).toContain("end it with `agent call cancel");
});

test("what was never begun is not said to go on", async () => {
  const { stderr } = await call(["execute"], "http://127.0.0.1:1");
  expect(stderr).not.toContain("go on");
  const refused = Response.json({ detail: "r0 goes" }, { status: 409 });
  const busy = await callOn({ "POST /execute": refused }, ["execute"]);
  expect(busy.stderr).toContain("r0 goes");
  expect(busy.stderr).not.toContain("may go on");
});
