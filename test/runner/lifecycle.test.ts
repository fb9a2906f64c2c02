// Goal: a plugin's `setup` runs before anything else in each of its processes, and its `shutdown` when
// the agent lets the process go: in peace, within its time, and never beside a successor.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { Supervisor } from "../../src/agent/supervisor.ts";
import { providedModules } from "../../src/cli/provided-modules.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import { inlineChild } from "../../src/runner/inline-child.ts";
import { systemClock } from "../../src/system/clock.ts";
import { project } from "../support/project.ts";
import { act, freshLedger, gone, line, never, openChild, pluginSource } from "./plugin-child.ts";

const MEMBERS = `
  constructor() { this.calls = ["constructor"]; }
  async setup(ctx) {
    await sleep(1);
    this.answer = await ctx.orchestrator.health();
    this.calls.push("setup");
    ctx.telemetry.stream("calls", () => this.calls.length, 10);
    ctx.events.log("info", "set up");
  }
  @act("look") look() { return { success: true, telemetry: { calls: this.calls, answer: this.answer } }; }
  @act("die") die() { process.exit(3); }
  async shutdown(ctx) {
    await sleep(1);
    await ctx.orchestrator.health();
    ctx.log.info("put away " + this.calls.join(" "));
  }
`;

const looks = { telemetry: { calls: ["constructor", "setup"], answer: { status: "ok" } } };
const call = () => Promise.resolve({ status: "ok" });
const messages = (events: readonly AgentEvent[]) =>
  events.flatMap((event) => (event.type === "plugin.log" ? [event.message] : []));

test("setup runs in each process, shutdown at the end alone", async () => {
  await using child = await openChild(pluginSource(MEMBERS), { call });
  const { runner } = child;
  expect(await runner.run(act("look"), never)).toMatchObject(looks);
  await runner.run(act("die"), never).catch(() => {});
  expect(await runner.run(act("look"), never)).toMatchObject(looks);
  const pid = child.pid();
  const atMs = performance.now();
  await child.close();
  await gone(pid);
  expect(performance.now() - atMs).toBeLessThan(1_500);
  expect(messages(child.events)).toEqual([
    "it ends the plugin's process: process.exit(3)",
    "put away constructor setup",
  ]);
  expect(child.events.filter(({ type }) => type === "plugin.event")).toHaveLength(2);
  // Streams end before what they measure is put away.
  const last = child.events.findLastIndex(({ type }) => type === "plugin.stream");
  const away = child.events.findIndex((event) => line("put away constructor setup")(event));
  expect(child.events[last]).toMatchObject({ name: "calls", isOpen: false });
  expect(last).toBeLessThan(away);
});

test("inside the agent they run as well", async () => {
  await using folder = await project({ "plugin.ts": pluginSource(MEMBERS) });
  const events: AgentEvent[] = [];
  const publish = (event: AgentEvent) => void events.push(event);
  const spawn = inlineChild(
    { path: join(folder.path, "plugin.ts"), className: "P" },
    { modules: providedModules, publish, call },
  );
  const limits = { hangTimeoutMs: 15_000, cancelGraceMs: 10_000, safeTimeoutMs: 10_000 };
  const supervisor = new Supervisor({ ...limits, clock: systemClock, publish, spawn });
  const runner = await supervisor.open(await freshLedger());
  expect(await runner.run(act("look"), never)).toMatchObject(looks);
  await runner.close();
  expect(messages(events)).toEqual(["put away constructor setup"]);
});

test("a setup that throws is a plugin that does not load", async () => {
  const source = pluginSource(`
    setup() { throw new Error("the port is taken"); }
    @act("look") look() { return true; }
  `);
  expect(await openChild(source).catch((cause) => cause)).toMatchObject({
    code: "plugin.load-failed",
    message: "Cannot set the plugin up: the port is taken",
  });
});

test("a setup that throws in a later process is told, and tried again", async () => {
  const source = pluginSource(`
    setup() {
      const { existsSync, writeFileSync } = require("node:fs");
      const [first, second] = ["first", "second"].map((name) => import.meta.dir + "/" + name);
      if (!existsSync(first)) return writeFileSync(first, "");
      if (existsSync(second)) return;
      writeFileSync(second, "");
      throw new Error("the port is taken");
    }
    @act("look") look() { return true; }
    @act("die") die() { process.exit(3); }
  `);
  await using child = await openChild(source);
  await child.runner.run(act("die"), never).catch(() => {});
  expect(await child.runner.run(act("look"), never)).toMatchObject({ success: true });
  expect(child.events).toContainEqual({
    type: "agent.not-ready",
    reason: "Cannot set the plugin up: the port is taken",
    retryInMs: 1_000,
  });
});

test("a handler of such a name is called for its assignments alone", async () => {
  const source = pluginSource(`
    count = 0;
    @act("look") setup() { this.count += 1; return { success: true, telemetry: { count: this.count } }; }
    @act("leave") shutdown(_params, ctx) { ctx.log.info("left"); return true; }
  `);
  await using child = await openChild(source);
  expect(await child.runner.run(act("look"), never)).toMatchObject({ telemetry: { count: 1 } });
  await child.close();
  expect(child.logs()).toEqual([]);
});

test("shutdown hears the end of what still runs, and one that throws is told", async () => {
  await using child = await openChild(
    pluginSource(`
      @act("move") async move(_params, { signal }) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        this.reason = signal.reason.code;
        return true;
      }
      async shutdown(ctx) {
        await sleep(1);
        ctx.log.info(this.reason);
        throw new Error("stuck");
      }
    `),
  );
  const moving = child.runner.run(act("move"), never).catch(() => {});
  await child.runner.hook("reset"); // by then the handler may have started
  await child.close();
  await moving;
  expect(messages(child.events)).toEqual(["agent.draining", "Cannot shut the plugin down: stuck"]);
});

test("a process whose agent is gone does not shut down beside its successor", async () => {
  await using child = await openChild(
    pluginSource(`
      @act("cut") cut() { process.disconnect(); return true; }
      shutdown(ctx) { ctx.log.info("put away"); }
    `),
  );
  await child.runner.run(act("cut"), never).catch(() => {});
  await child.seen((event) => (event.type === "child.ended" ? event : undefined));
  expect(child.logs()).toEqual([]);
});
