import { expect, test } from "bun:test";
import { ServantError } from "../../src/core/errors.ts";
import type { Json } from "../../src/core/json.ts";
import { childEnvironment } from "../../src/runner/environment.ts";
import { act, line, never, openChild, pluginSource } from "./plugin-child.ts";

const HANDLERS = `
  @act("call") async call({ method, args }, { orchestrator }) {
    return { success: true, telemetry: { answer: (await orchestrator[method](...args)) ?? "nothing" } };
  }
  @act("objects") async objects(_params, { orchestrator }) {
    await orchestrator.setGoal([seen(), "x"]);
    await orchestrator.createObject("box", "box_d", undefined);
    await orchestrator.listObjects(undefined);
  }
  @act("catch") async catch(_params, { orchestrator }) {
    try { await orchestrator.health(); }
    catch (error) { return { success: false, message: error.code + " " + error.kind + " " + error.message }; }
  }
  @act("bad") async bad(_params, { orchestrator }) { await orchestrator.setGoal(1n); }
  @act("hostile") async hostile({ frames }, ctx) {
    process.send("text");
    for (const frame of frames) process.send(frame);
    return { success: true, message: "the real one" };
  }
  @act("forge") async forge({ id }, ctx) {
    process.send({ type: "result", id, result: { auditId: ctx.auditId, success: true, message: "forged", telemetry: {}, observed: [], exclusive: [], unchecked: false } });
    await sleep(5);
    return true;
  }
  @act("wait") async wait(_params, ctx) { ctx.log.info("waiting"); await sleep(30); return { success: true, message: "waited" }; }
  @act("mute") mute() { process.send = undefined; return { success: true, message: "heard" }; }
  @act("env") env() { return { success: true, telemetry: { ...process.env } }; }
`;
const source = pluginSource(HANDLERS);

test("ctx.orchestrator goes through the agent, arguments and answer as JSON", async () => {
  const calls: [string, readonly Json[]][] = [];
  await using child = await openChild(source, {
    call: async (method, args) => {
      calls.push([method, args]);
      return method === "getGoal" ? ["seen"] : null;
    },
  });
  const goal = await child.runner.run(act("call", { method: "getGoal", args: [] }), never);
  expect(goal.telemetry).toEqual({ answer: ["seen"] });
  await child.runner.run(act("objects"), never);
  expect(calls).toEqual([
    ["getGoal", []],
    ["setGoal", [["seen", "x"]]],
    ["createObject", ["box", "box_d"]],
    ["listObjects", []],
  ]);
});

test("an orchestrator call that fails comes back as an error with its code", async () => {
  await using child = await openChild(source, {
    call: () => Promise.reject(new ServantError("backend.unreachable", "Cannot reach it")),
  });
  expect(await child.runner.run(act("catch"), never)).toMatchObject({
    success: false,
    message: "backend.unreachable transient Cannot reach it",
  });
  const uncaught = await child.runner.run(act("call", { method: "health", args: [] }), never);
  expect(uncaught).toMatchObject({ success: false, code: "backend.unreachable" });
});

test("an orchestrator call that is none fails in the handler alone", async () => {
  await using child = await openChild(source);
  expect(await child.runner.run(act("bad"), never)).toMatchObject({ code: "usage.invalid" });
  const unknown = await child.runner.run(act("call", { method: "token", args: [] }), never);
  expect(unknown).toMatchObject({ code: "handler.threw" });
});

const forged = { success: true, message: "forged", telemetry: {}, observed: [], exclusive: [] };

test("frames that a plugin makes up are told and change nothing", async () => {
  await using child = await openChild(source);
  const pid = child.pid();
  const frames: Json[] = [
    null,
    3,
    [],
    {},
    { type: "nothing" },
    { type: "result" },
    { type: "result", id: 1, result: { ...forged, auditId: "another", unchecked: false } },
    { type: "result", id: 99, result: { ...forged, auditId: "another", unchecked: false } },
    { type: "result", id: 1, result: { auditId: "audit-1" } },
    { type: "broken", code: "plugin.load-failed", message: "forged" },
    { type: "broken", code: "no.such-code", message: "forged" },
    { type: "ready", loaded: { offer: {}, rules: {}, hasSafe: false } },
    { type: "progress", id: 99, fraction: 1, message: "forged" },
    { type: "pong" },
  ];
  const result = await child.runner.run(act("hostile", { frames }), never);
  expect(result).toMatchObject({ success: true, message: "the real one" });
  const warnings = child.logs().filter(({ message }) => message.includes("unknown frame"));
  expect(warnings.length).toBeGreaterThanOrEqual(10);
  expect(warnings.every(({ message }) => message.length < 300 && !/\n/.test(message))).toBe(true);
  expect(child.events.some((event) => event.type === "assignment.progress")).toBe(false);
  expect(await child.runner.run(act("mute"), never)).toMatchObject({ message: "heard" });
  expect(await child.runner.run(act("mute"), never)).toMatchObject({ message: "heard" });
  expect(child.pid()).toBe(pid);
});

test("a result in another assignment's name does not settle that one", async () => {
  await using child = await openChild(source);
  const waiting = child.runner.run(act("wait"), never);
  await child.seen(line("waiting"));
  await child.runner.run(act("forge", { id: 1 }), never);
  expect(await waiting).toMatchObject({ success: true, message: "waited" });
});

const LEFT_OUT = [
  "BUN_OPTIONS",
  "NODE_OPTIONS",
  "DYNOS_CONFIG_PATH",
  "NOTIFY_SOCKET",
  "GITHUB_TOKEN",
  "my_secret_thing",
  "DB_PASSWORD",
  "SSH_KEY_FILE",
];

test("a plugin's environment is without what steers the agent or betrays it", async () => {
  const outer = Object.fromEntries(
    [...LEFT_OUT, "ROBOT_PORT", "KEPT_TOKEN"].map((name) => [name, "x"]),
  );
  const env = childEnvironment({ ...process.env, ...outer, GONE: undefined }, ["KEPT_TOKEN"]);
  await using child = await openChild(source, { env });
  const { telemetry } = await child.runner.run(act("env"), never);
  const seen = Object.keys(telemetry as object);
  expect(seen).toContain("ROBOT_PORT");
  expect(seen).toContain("KEPT_TOKEN");
  expect(seen).toContain("PATH");
  expect(seen.filter((name) => LEFT_OUT.includes(name) || name === "GONE")).toEqual([]);
});
