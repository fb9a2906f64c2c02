/** The public Python client 0.2.2 against `agent host`: its orchestrator, its servant, its CLI. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { peerPython } from "../support/python.ts";
import { PATIENCE_MS, type Running, start, startHost } from "../support/running.ts";

const VERSION = "0.2.2";
const root = join(import.meta.dir, "..", "..");
const fixtures = join(root, "test", "fixtures", "peer");
const NODE = join(fixtures, "warehouse_node.py");
const peer = await peerPython(VERSION);

describe.skipIf(peer === undefined)(`dynos-client ${VERSION}`, () => {
  const { python, dynos } = peer ?? { python: "", dynos: "" };
  let running: Running[] = [];
  let url = "";
  let host: Running;

  beforeAll(async () => {
    ({ host, url } = await startHost());
  }, PATIENCE_MS);
  afterAll(async () => {
    host.kill();
    expect(await host.exited).toBe(0);
  });

  async function connect(env: Record<string, string> = {}, name = "WarehouseNode") {
    const servant = start([dynos, "connect", `${NODE}:${name}`, "--to", url], env);
    running.push(servant);
    await servant.until(/Entering poll loop/);
    return servant;
  }
  /** Ends the servants of a test as a supervisor does; they must exit 0. */
  async function disconnect(): Promise<void> {
    const ending = running;
    running = [];
    for (const servant of ending) servant.kill();
    for (const servant of ending) expect(await servant.exited).toBe(0);
  }
  async function call(...args: string[]): Promise<{ code: number; text: string }> {
    const child = start([dynos, "call", ...args, "--to", url]);
    return { code: await child.exited, text: child.output() };
  }
  async function callJson(...args: string[]): Promise<unknown> {
    const { code, text } = await call(...args);
    expect([code, text]).toEqual([0, expect.any(String)]);
    return JSON.parse(text);
  }
  /** A servant that ended is lost some seconds later. */
  async function untilNobodyServes(): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    while (performance.now() < untilMs) {
      const health = (await (await fetch(`${url}/health`)).json()) as { servants: number };
      if (health.servants === 0) return;
      await Bun.sleep(50);
    }
    throw new Error("a servant that ended is never lost");
  }

  test("RemoteOrchestrator: discovery, goal, plan, execute, trigger, reset", async () => {
    await connect();
    const script = start([python, join(fixtures, "orchestrate.py"), url]);
    expect([await script.exited, script.output()]).toEqual([0, expect.stringMatching(/^\{/)]);
    const seen = JSON.parse(script.output());
    expect(seen.health.status).toBe("ok");
    expect(seen.actions.map(({ name }: { name: string }) => name).sort()).toEqual([
      "move",
      "pick",
      "place",
    ]);
    expect(seen.created.object).toMatchObject({ created: true, value_fields: { weight: 2.5 } });
    expect(seen.handle).toEqual(["attic", 4]);
    expect(seen.boxes).toContainEqual({
      name: "crate",
      type: "box",
      value_fields: { weight: 2.5 },
    });
    expect(seen.start).toEqual(["box_at(room_one, box_a)", "hands_free", "robot_at(room_one)"]);
    expect(seen.no_goal).toEqual([null, "no_goal_set"]);
    expect(seen.goal).toEqual(["box_at(room_two, box_a)"]);
    const stepNames = (steps: { action_name: string }[]) =>
      steps.map(({ action_name }) => action_name);
    expect(stepNames(seen.plan)).toEqual(["pick", "move", "place"]);
    expect(seen.reason.reason).toBe("plan_found");
    expect(stepNames(seen.results)).toEqual(["pick", "move", "place"]);
    expect(seen.results[1]).toMatchObject({ success: true, telemetry: { metres: 3.2 } });
    expect(seen.state).toEqual(["box_at(room_two, box_a)", "hands_free", "robot_at(room_two)"]);
    expect(seen.again).toEqual([[], "goal_already_satisfied"]);
    expect(seen.unreachable[0]).toBeNull();
    expect(seen.trigger).toMatchObject({ success: true, action_name: "move" });
    const [goal, trigger, created, poll, route] = seen.refused;
    expect(goal).toEqual([422, expect.stringContaining('fluent "at"')]);
    expect(trigger).toEqual([422, expect.stringContaining('"fly"')]);
    expect(created).toEqual([422, expect.stringContaining('nearest is "box"')]);
    expect(poll).toEqual([404, expect.stringContaining('"nobody"')]);
    expect(route).toEqual([404, expect.stringContaining('"/nothing"')]);
    expect(seen.logs).toEqual([...new Set<number>(seen.logs)].sort((a, b) => a - b));
    expect(seen.reset).toEqual([["hands_free"], [], 8]);
    await disconnect();
  });

  test("a Python servant that slips and strays is planned around", async () => {
    await connect({ SLIPS: "1", STRAYS: "1" });
    await call("goal", "robot_at(room_two)");
    const results = (await callJson("execute")) as {
      message: string;
      success: boolean;
      parameters: object;
    }[];
    expect(results.map(({ success }) => success)).toEqual([false, false, true]);
    expect(results[0]?.message).toBe("wheel slipped");
    expect(results[1]?.message).toContain("not robot_at(room_two)");
    expect(results[2]?.parameters).toEqual({ start: "room_three", end: "room_two" });
    await disconnect();
  });

  test("a Python servant that is silent for longer than 3 s while it acts is not lost", async () => {
    await connect({ STEP_S: "4" });
    await call("goal", "robot_at(room_two)");
    expect(await callJson("execute")).toMatchObject([{ success: true }]);
    await disconnect();
  }, 60_000);

  test("every `dynos call` subcommand of the first slice works", async () => {
    await connect();
    expect(await callJson("health")).toMatchObject({ status: "ok" });
    expect(await callJson("state")).toContain("robot_at(room_one)");
    expect((await call("goal", "box_at(room_two, box_a)", "hands_free()")).text).toContain(
      "Goal set: box_at(room_two, box_a), hands_free()",
    );
    expect(await callJson("goal")).toEqual(["box_at(room_two, box_a)", "hands_free"]);
    expect(await callJson("plan")).toHaveLength(3);
    expect(await callJson("execute")).toHaveLength(3);
    expect(await callJson("objects", "--type", "room")).toHaveLength(5);
    expect(await callJson("actions")).toHaveLength(3);
    expect(await callJson("create", "Box(name=crate, weight=2)")).toMatchObject({
      object: { created: true },
    });
    const moved = await callJson("trigger", "move(start=room_two, end=room_one)");
    expect(moved).toMatchObject({ success: true, message: "at room_one" });
    expect(await callJson("trigger", "move(room_one, room_two)")).toMatchObject({ success: true });
    const log = await call("live-log", "-n", "3");
    expect([log.code, log.text.trim().split("\n").length]).toEqual([0, 3]);
    expect(log.text).toMatch(/^\d\d:\d\d:\d\d \[INFO\] /);
    expect((await call("live-log", "--since", "1h ago")).text).toContain("move(");
    expect(await call("reset")).toEqual({ code: 0, text: "Backend state cleared.\n" });
    expect(await callJson("state")).toEqual(["hands_free"]);
    await disconnect();
  }, 60_000);

  test("errors reach the people who use the client", async () => {
    await untilNobodyServes();
    const goal = await call("goal", "robot_att(room_one)");
    expect(goal.code).toBe(1);
    expect(goal.text).toContain('nearest is "robot_at"');
    const trigger = await call("trigger", "move(start=room_one, end=room_two)");
    expect(trigger.code).toBe(1);
    expect(trigger.text).toContain("no servant provides it");
    const execute = await call("execute");
    expect(execute.text).toContain("no_goal_set");
    await call("goal", "box_at(room_two, box_b)");
    const plan = await call("plan", "--relax");
    expect([plan.code, JSON.parse(plan.text).reason]).toEqual([1, "goal_unreachable"]);
    const stranger = start([dynos, "connect", `${NODE}:Stranger`, "--to", url]);
    expect(await stranger.exited).not.toBe(0);
    expect(stranger.output().replace(/\s+/g, " ")).toContain("nobody_has.this_domain");
    await call("reset");
  }, 60_000);

  test("a Python servant is still known after the backend restarts on its state folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "agent-host-"));
    const first = await startHost("--state-dir", folder);
    const { port } = new URL(first.url);
    const servant = start([dynos, "connect", `${NODE}:WarehouseNode`, "--to", first.url]);
    await servant.until(/Entering poll loop/);
    const post = (path: string, body: object) =>
      fetch(first.url + path, { method: "POST", body: JSON.stringify(body) });
    await post("/objects", { type: "room", name: "attic" });
    await post("/goal", { goal: ["robot_at(attic)"] });
    first.host.kill("SIGKILL");
    await first.host.exited;
    const again = ["host", "--port", port, "--json", "--state-dir", folder];
    const host = start([binary, ...again]);
    await host.until(/"url"/);
    const answer = await post("/execute", {});
    expect(await answer.json()).toMatchObject({
      results: [{ success: true, parameters: { start: "room_one", end: "attic" } }],
    });
    servant.kill();
    expect(await servant.exited).toBe(0);
    host.kill();
    expect(await host.exited).toBe(0);
    await rm(folder, { recursive: true });
  }, 60_000);
});
