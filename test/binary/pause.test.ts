// Goal: `agent pause` keeps the machine's agent from starting anything, whether it runs or not, and
// only `agent resume` ends that. Method: the compiled program, as a person beside the machine uses it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { ServantScene } from "../support/servant-scene.ts";

let scene: ServantScene;
beforeEach(() => {
  scene = new ServantScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

test("pauses a running agent, over its kill and restart, until it is resumed", async () => {
  const first = await scene.connect();
  const paused = await scene.run("pause", "--json");
  expect(paused).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(paused.out)).toMatchObject({ paused: true, pid: first.process.pid });
  scene.peer.assign("a1", { do: "work" }); // perhaps it is still asked for: then it waits
  await first.stop("SIGKILL");
  const second = await scene.connect();
  await scene.peer.until("it says so", () => second.events("agent.paused").length === 1);
  expect(scene.folder.effects()).toEqual([]);
  expect(scene.peer.taken).toEqual([]);
  expect((await scene.run("resume")).code).toBe(0);
  scene.peer.assign("a2", { do: "work" });
  expect(await scene.peer.result("a2")).toMatchObject({ success: true });
  expect(await second.stop()).toBe(0);
});

test("leaves word for the next agent when none runs, and can take it back", async () => {
  await (await scene.connect()).stop();
  expect(await scene.run("pause")).toMatchObject({
    code: 0,
    out: expect.stringContaining("no agent"),
  });
  expect((await scene.run("pause")).code).toBe(0); // once more changes nothing
  const paused = await scene.connect();
  await scene.peer.until("it says so", () => paused.events("agent.paused").length === 1);
  await paused.stop();
  expect((await scene.run("resume")).code).toBe(0);
  const resumed = await scene.connect();
  scene.peer.assign("a1", { do: "work" });
  expect(await scene.peer.result("a1")).toMatchObject({ success: true });
  expect(resumed.events("agent.paused")).toEqual([]);
});

test("says where it looked when no agent ever kept its state there, and makes nothing", async () => {
  const { code, err } = await scene.run("pause");
  expect(code).toBe(2);
  expect(err).toContain(scene.folder.state);
  expect(await Bun.file(`${scene.folder.state}/lock`).exists()).toBe(false);
});
