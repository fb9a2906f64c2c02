// Goal: whatever becomes of the plugin's process or of the agent, the machine is made safe before
// anything else moves, what was cut off is told for what it is, and the agent stays.
// Method: the compiled agent with a plugin that dies, hangs and waits as its assignments say.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/binary.ts";
import { ServantScene } from "../support/servant-scene.ts";

const CAREFUL = join(root, "test", "fixtures", "servant", "careful.ts:Careful");

let scene: ServantScene;
beforeEach(() => {
  scene = new ServantScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

const connect = (...args: string[]) => scene.connect({ reference: CAREFUL, args });
const begun = (line: string) => scene.peer.until(line, () => scene.folder.effects().includes(line));
const flag = (name: string) => `${scene.folder.effectsFile}.${name}`;

async function resultOf(auditId: string) {
  const { success, message, telemetry } = await scene.peer.result(auditId);
  const { code, interruption } = (telemetry ?? {}) as { code?: string; interruption?: string };
  return { success, message: String(message), code, interruption };
}

test("a crash is told with its signal, and the machine made safe before the next one starts", async () => {
  const servant = await connect();
  scene.peer.assign("a1", { do: "crash" }, "swing");
  scene.peer.assign("a2", {}, "swing");
  const { message, ...rest } = await resultOf("a1");
  expect(rest).toEqual({ success: false, code: "handler.crashed", interruption: "failed" });
  expect(message).toContain("signal SIGABRT");
  expect(await resultOf("a2")).toMatchObject({ success: true });
  expect(scene.folder.effects()).toEqual(["a1 crash", "safe", "a2 succeed"]);
  expect(servant.events("machine.secured")).toHaveLength(1);
  expect(await servant.stop()).toBe(0);
});

test("an agent that was killed makes the machine safe when it starts again", async () => {
  const first = await connect();
  scene.peer.assign("a1", { do: "wait" }, "swing");
  await begun("a1 wait");
  await first.stop("SIGKILL");
  writeFileSync(flag("stuck"), "");
  const second = await connect();
  await scene.peer.until("it is told", () => second.events("machine.unsafe").length > 0);
  expect(second.events("agent.not-ready")).toHaveLength(1);
  const polls = scene.peer.requests("/next_assignment").length;
  scene.peer.assign("a2", {}, "roll");
  expect(await resultOf("a1")).toMatchObject({ success: false, code: "handler.interrupted" });
  await scene.peer.until("it failed again", () => second.events("machine.unsafe").length > 1);
  expect(scene.peer.requests("/next_assignment").length).toBe(polls);
  await second.stop("SIGKILL");
  // What is in doubt stays so, although its assignment is long answered.
  const third = await connect();
  await scene.peer.until("it is told", () => third.events("machine.unsafe").length > 0);
  expect(scene.folder.effects()).toEqual(["a1 wait"]);
  rmSync(flag("stuck"));
  expect(await resultOf("a2")).toMatchObject({ success: true });
  expect(scene.folder.effects()).toEqual(["a1 wait", "safe", "a2 succeed"]);
  expect(await third.stop()).toBe(0);
}, 30_000);

test("of two actions the one that blocks is hung, the other in doubt, and a belief waits", async () => {
  const servant = await connect("--concurrency", "2", "--hang-timeout", "1.5");
  scene.peer.assign("a1", { do: "wait" }, "roll");
  await begun("a1 wait");
  await Bun.sleep(2_500); // at least one ping is answered meanwhile: the interval is 1 s
  scene.peer.assign("a2", { do: "loop" }, "swing");
  await begun("a2 loop");
  scene.peer.ask("b1", "ready");
  expect(await resultOf("a2")).toMatchObject({ success: false, code: "handler.hung" });
  expect(await resultOf("a1")).toMatchObject({
    success: false,
    code: "handler.interrupted",
    interruption: "failed",
  });
  expect(await resultOf("b1")).toMatchObject({ success: true });
  expect(scene.folder.effects()).toEqual(["a1 wait", "a2 loop", "safe"]);
  expect(await servant.stop()).toBe(0);
}, 30_000);

test("a plugin that dies in a loop leaves the agent not ready, until it does not", async () => {
  const servant = await connect();
  writeFileSync(flag("broken"), "");
  scene.peer.assign("a1", { do: "crash" }, "swing");
  expect(await resultOf("a1")).toMatchObject({ code: "handler.crashed" });
  const waits = () =>
    servant.events("agent.not-ready").flatMap(({ fields }) => {
      const { retryInMs } = fields as { retryInMs?: number };
      return retryInMs === undefined || retryInMs === 0 ? [] : [retryInMs];
    });
  await scene.peer.until("it waits longer", () => waits().includes(2_000));
  expect(waits()).toEqual([1_000, 2_000]);
  expect(servant.process.exitCode).toBeNull();
  rmSync(flag("broken"));
  scene.peer.assign("a2", {}, "swing");
  expect(await resultOf("a2")).toMatchObject({ success: true });
  expect(servant.events("agent.ready").length).toBeGreaterThan(0);
  expect(await servant.stop()).toBe(0);
}, 30_000);

test.each([
  { found: "partly", isFull: false, success: false },
  { found: "done", isFull: true, success: true },
])("a killed agent asks its plugin what it left: $found", async ({ found, isFull, success }) => {
  const first = await connect();
  scene.peer.assign("a1", { do: "wait" }, "pour");
  await begun("a1 wait");
  await first.stop("SIGKILL");
  if (isFull) writeFileSync(flag("full"), "");
  const second = await connect();
  expect(await resultOf("a1")).toMatchObject({ success, interruption: found });
  expect(scene.folder.effects()).toEqual(["a1 wait", "safe", "a1 looked at"]);
  expect(await second.stop()).toBe(0);
});

test("an action that may run again does so after a crash, and says so", async () => {
  const servant = await connect();
  scene.peer.assign("a1", { do: "crash once" }, "measure");
  expect(await resultOf("a1")).toMatchObject({ success: true, interruption: "rerun" });
  expect(scene.folder.effects()).toEqual(["a1 crash once", "safe", "a1 crash once"]);
  expect(await servant.stop()).toBe(0);
});

test("a hurried stop kills what does not heed it, after the grace", async () => {
  const servant = await connect("--cancel-grace", "0.2");
  scene.peer.assign("a1", { do: "wait" }, "swing");
  await begun("a1 wait");
  servant.process.kill("SIGTERM");
  await scene.peer.until("it stops", () => servant.events("agent.stopping").length === 1);
  expect(await servant.stop()).toBe(0);
  const next = await connect(); // in a hurry nobody waits for the delivery
  const { message, code } = await resultOf("a1");
  expect(await next.stop()).toBe(0);
  expect(code).toBe("agent.draining");
  expect(message).toContain("it did not stop within 0.2 s and was killed");
});
