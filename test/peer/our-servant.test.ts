// Goal: the public client cannot tell our servant from a Python one, only that it works. Method:
// `dynos call` 0.2.2 and RemoteOrchestrator's CLI drive `agent host` with `agent connect` behind it.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ensureBinary, root } from "../support/binary.ts";
import { peerPython } from "../support/python.ts";
import { start, startHost } from "../support/running.ts";
import { Folder } from "../support/servant.ts";

const peer = await peerPython("0.2.2");

describe.skipIf(peer === undefined)("dynos-client 0.2.2 with our servant", () => {
  const { dynos } = peer ?? { dynos: "" };

  test("goal, plan, execute, state, trigger and log", async () => {
    using folder = new Folder();
    const { host, url } = await startHost();
    const plugin = join(root, "plugins", "warehouse.ts:WarehouseNode");
    const connect = ["connect", plugin, "--to", url, "--state-dir", folder.state];
    const servant = start([await ensureBinary(), ...connect], { WAREHOUSE_STEP_MS: "5" });
    await servant.until(/registered as servant/);
    const call = async (...args: string[]): Promise<string> => {
      const child = start([dynos, "call", ...args, "--to", url]);
      expect([await child.exited, child.output()]).toEqual([0, expect.any(String)]);
      return child.output();
    };
    const steps = (text: string) =>
      (JSON.parse(text) as { action_name: string; success?: boolean }[]).map(
        ({ action_name, success }) => [action_name, success],
      );
    await call("goal", "box_at(room_two, box_a)");
    const names = ["move", "pick", "move", "place"];
    expect(steps(await call("plan"))).toEqual(names.map((name) => [name, undefined]));
    expect(steps(await call("execute"))).toEqual(names.map((name) => [name, true]));
    const state = JSON.parse(await call("state")) as string[];
    expect(state).toContain("box_at(room_two, box_a)");
    expect(state).toContain("robot_at(room_two)");
    const moved = JSON.parse(await call("trigger", "move(start=room_two, end=room_one)"));
    expect(moved).toMatchObject({ success: true, telemetry: { room: "room_one" } });
    expect(JSON.parse(await call("state"))).toContain("robot_at(room_one)");
    expect(await call("live-log", "-n", "50")).toContain("move(start=room_two, end=room_one)");
    servant.kill();
    expect(await servant.exited).toBe(0);
    host.kill();
    expect(await host.exited).toBe(0);
  }, 60_000);
});
