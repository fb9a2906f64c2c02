import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { Supervisor } from "../../src/agent/supervisor.ts";
import { providedModules } from "../../src/cli/provided-modules.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import type { Json } from "../../src/core/json.ts";
import { inlineChild } from "../../src/runner/inline-child.ts";
import { LINES_PER_S } from "../../src/runner/line-quota.ts";
import { systemClock } from "../../src/system/clock.ts";
import { type Project, project } from "../support/project.ts";
import { act, ask, freshLedger, never, pluginSource } from "./plugin-child.ts";

const HANDLERS = `
  @act("log") log(_params, ctx) { ctx.log.info("here", { a: 1 }); ctx.progress(0.5); return true; }
  @act("late", { timeoutMs: 20 }) late(_params, { signal }) {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }
  @act("call") async call(_params, { orchestrator }) {
    await orchestrator.setGoal([objectType("box").ref("box_a"), undefined]);
  }
  @act("throw") throw() { throw undefined; }
  @belief(seen) look() { return BeliefResult.unchecked(); }
`;

const folders: Project[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await folder[Symbol.asyncDispose]();
});

async function open(source: string) {
  const folder = await project({ "plugin.ts": source });
  folders.push(folder);
  const events: AgentEvent[] = [];
  const calls: (readonly Json[])[] = [];
  const publish = (event: AgentEvent) => void events.push(event);
  const spawn = inlineChild(
    { path: join(folder.path, "plugin.ts"), className: "P" },
    {
      modules: providedModules,
      publish,
      call: async (_method, args) => {
        calls.push(args);
        return null;
      },
    },
  );
  const limits = { hangTimeoutMs: 15_000, cancelGraceMs: 10_000, safeTimeoutMs: 10_000 };
  const supervisor = new Supervisor({ ...limits, clock: systemClock, publish, spawn });
  const runner = await supervisor.open(await freshLedger());
  return { runner, events, calls };
}

test("inlineChild() runs a plugin's handlers in this process", async () => {
  const { runner, events, calls } = await open(pluginSource(HANDLERS));
  expect(runner.offer.fluents).toEqual(["seen"]);
  const assignment = act("log");
  expect(await runner.run(assignment, never)).toMatchObject({ success: true });
  const { auditId } = assignment;
  expect(events).toEqual([
    { type: "plugin.log", level: "info", auditId, message: "here", fields: { a: 1 } },
    { type: "assignment.progress", auditId, fraction: 0.5, message: "" },
  ]);
  expect(await runner.run(ask("seen"), never)).toMatchObject({ unchecked: true });
  expect(await runner.run(act("throw"), never)).toMatchObject({ code: "handler.threw" });
  await runner.run(act("call"), never);
  expect(calls).toEqual([[["box_a", null]]]);
  await runner.close();
});

test("inlineChild() tells what is printed within the limits of a process, with its audit id", async () => {
  const { runner, events } = await open(
    pluginSource(`
      @act("print") print() { console.warn("one %d", 2); return true; }
      @act("flood") flood(_params, ctx) {
        ctx.log.info("large", { text: "x".repeat(300_000) });
        for (let n = 0; n < 200_000; n += 1) ctx.log.info("again", { n });
        return true;
      }
    `),
  );
  const before = console.warn;
  const assignment = act("print");
  await runner.run(assignment, never);
  const { auditId } = assignment;
  expect(events).toEqual([
    { type: "plugin.log", level: "warn", auditId, message: "one 2", fields: {} },
  ]);
  const begunMs = performance.now();
  await runner.run(act("flood"), never);
  const seconds = Math.ceil((performance.now() - begunMs) / 1_000);
  await runner.close();
  expect(console.warn).not.toBe(before);
  const told = events.filter(({ type }) => type === "plugin.log").length;
  const dropped = events.flatMap((event) => (event.type === "plugin.dropped" ? event.lines : []));
  expect(told).toBeLessThanOrEqual((seconds + 1) * LINES_PER_S);
  expect(told + dropped.reduce((sum, lines) => sum + lines, 0)).toBe(200_002);
  expect(Math.max(...events.map((event) => JSON.stringify(event).length))).toBeLessThan(200_000);
});

test("inlineChild() tells what a plugin measures, until it is let go", async () => {
  const { runner, events } = await open(
    pluginSource(`
      @act("open") open(_params, { events, telemetry }) {
        telemetry.stream("weight", () => { globalThis.readings = (globalThis.readings ?? 0) + 1; return { g: 1 }; }, 10);
        for (let n = 0; n < 5_000; n += 1) events.alert("overload", "high", { n });
        return true;
      }
    `),
  );
  const told = (type: AgentEvent["type"]) => events.filter((event) => event.type === type);
  await runner.run(act("open"), never);
  while (told("plugin.sample").length < 3) await Bun.sleep(1);
  await runner.close();
  expect(told("plugin.sample")[0]).toEqual({
    ...{ type: "plugin.sample", name: "weight", value: { g: 1 } },
  });
  expect(told("plugin.stream")).toMatchObject([{ isOpen: true }, { isOpen: false }]);
  expect(told("plugin.event").length).toBeLessThan(2_500);
  expect(told("plugin.dropped")[0]).toMatchObject({ what: "events" });
  const { readings } = globalThis as { readings?: number };
  await Bun.sleep(25); // two intervals: its timer has ended
  expect(globalThis as object).toHaveProperty("readings", readings);
});

test("inlineChild() aborts a handler over its time, and one the caller aborts", async () => {
  const { runner } = await open(pluginSource(HANDLERS));
  expect(await runner.run(act("late"), never)).toMatchObject({ code: "handler.timeout" });
  const abort = new AbortController();
  const run = runner.run(act("late"), abort.signal);
  abort.abort();
  expect(await run).toMatchObject({ code: "handler.cancelled" });
});

test("inlineChild() refuses a plugin as the child does", async () => {
  expect(await open("export class P {}").catch((cause) => cause)).toMatchObject({
    code: "plugin.no-handlers",
  });
  const broken = await open("export class P {").catch((cause) => cause);
  expect(broken).toMatchObject({ code: "plugin.load-failed" });
  expect(broken.message).toContain("plugin.ts:1:");
});
