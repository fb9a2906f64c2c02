// Goal: a handler that takes its process along, or never lets go of it, fails its action with words that say
// so; the server answers all the while, and what comes next runs. Method: pyzmq against the compiled program.
import { expect, test } from "bun:test";
import { ScenarioClient } from "../support/scenario-client.ts";
import { ServedProbe } from "../support/scenario-server.ts";
import { zmqPython } from "../support/zmq-python.ts";

const found = await zmqPython();
const python = found ?? "";

test.skipIf(found === undefined)(
  "a handler that ends its process fails its action; the server and others' actions go on",
  async () => {
    await using served = await ServedProbe.start();
    using client = new ScenarioClient(python);
    const other = await client.begun(served.tcp, "probe.ok", { mark: "before" });
    expect(await other.ended()).toMatchObject({ action_status: "success" });
    const beside = await client.begun(served.tcp, "probe.wait", { mark: "beside" });
    await served.left("wait beside");
    const remote = await client.begun(served.tcp, "probe.exit", { mark: "e" });
    const told = [];
    for (let at = 0; at < 20; at += 1) told.push((await other.update()).says.action_status);
    expect(new Set(told)).toEqual(new Set(["success"]));
    expect(await remote.ended()).toEqual({ status: "error", message: expect.stringMatching(/9/) });
    // What ran in the same process is gone with it, and its client is told so.
    const crashed = await beside.ended();
    expect(crashed).toEqual({ status: "error", message: expect.stringMatching(/9/) });
    await other.execute({ mark: "after" });
    expect(await other.ended()).toMatchObject({ action_status: "success" });
    expect(served.effects()).toContain("ok after");
  },
);

test.skipIf(found === undefined)(
  "a handler that blocks for too long is ended, and its client is told so; the next one runs",
  async () => {
    await using served = await ServedProbe.start({ args: ["--hang-timeout", "0.5"] });
    using client = new ScenarioClient(python);
    const remote = await client.begun(served.tcp, "probe.block", { mark: "for ever", seconds: 60 });
    const told = await remote.ended();
    expect(told).toEqual({ status: "error", message: expect.stringContaining("event loop") });
    expect((await remote.terminate("FAILURE")).says).toEqual({ status: "ok" });
    await remote.execute({ seconds: 0 });
    expect(await remote.ended()).toMatchObject({ action_status: "success" });
  },
);
