/** Servants of the public Python client 0.2.2 on a bad day, and what its CLI says to people then. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { peerPython } from "../support/python.ts";
import { PATIENCE_MS, type Running, start, startHost } from "../support/running.ts";

const VERSION = "0.2.2";
const root = join(import.meta.dir, "..", "..");
const fixtures = join(root, "test", "fixtures", "peer");
const NODE = join(fixtures, "warehouse_node.py");
const peer = await peerPython(VERSION);

describe.skipIf(peer === undefined)(`dynos-client ${VERSION}`, () => {
  const { dynos } = peer ?? { dynos: "" };
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

  test("errors reach the people who use the client", async () => {
    await untilNobodyServes();
    await call("reset");
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
});
