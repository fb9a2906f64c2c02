// Goal: a plugin that prints without end costs the agent a bounded share of its time, every line is
// told or counted, and marks of starts come through whatever is printed.

import { expect, test } from "bun:test";
import type { AgentEvent } from "../../src/core/events.ts";
import { LINE_CHARS_PER_S, LINES_PER_S, LineQuota } from "../../src/runner/line-quota.ts";
import { act, line, never, openChild, pluginSource } from "./plugin-child.ts";

function openQuota() {
  const dropped: number[] = [];
  const time = { ms: 0 };
  const quota = new LineQuota({ now: () => time.ms, onDropped: (lines) => dropped.push(lines) });
  return { quota, dropped, time };
}

test("so many lines of a second are told, the rest is counted", () => {
  const { quota, dropped, time } = openQuota();
  const told = (count: number) =>
    Array.from({ length: count }).filter(() => quota.takes("x")).length;
  expect(told(LINES_PER_S + 7)).toBe(LINES_PER_S);
  time.ms = 999;
  expect(told(5)).toBe(0);
  time.ms = 1_000;
  expect(told(LINES_PER_S)).toBe(LINES_PER_S);
  quota.tell();
  quota.tell();
  expect(dropped).toEqual([12]);
});

test("long lines use up the second's characters", () => {
  const { quota, dropped } = openQuota();
  const text = "x".repeat(LINE_CHARS_PER_S / 4);
  const told = Array.from({ length: 6 }, () => quota.takes(text));
  expect(told).toEqual([true, true, true, true, false, false]);
  quota.tell();
  expect(dropped).toEqual([2]);
});

test("a plugin that prints without end is dropped from, and what it starts goes on", async () => {
  await using child = await openChild(
    pluginSource(`
      @act("flood") async flood() {
        const { spawn } = require("node:child_process");
        this.noise = spawn("yes", ["a lot to say"], { stdio: ["ignore", 1, 1] });
        await new Promise((resolve) => this.noise.on("exit", resolve));
        return true;
      }
      @act("work") async work(_params, ctx) {
        await sleep(5);
        ctx.log.info("worked");
        return true;
      }
      @act("stop") async stop() { this.noise.kill("SIGKILL"); return true; }
    `),
  );
  const begunMs = performance.now();
  const flood = child.runner.run(act("flood"), never);
  const isDropped = (event: AgentEvent) => event.type === "plugin.dropped" || undefined;
  await child.seen(isDropped);
  for (let done = 0; done < 6; done += 1) {
    expect(await child.runner.run(act("work"), never)).toMatchObject({ success: true });
  }
  let lines = 0;
  await child.seen((event) => {
    if (event.type === "plugin.dropped") lines += event.lines;
    return lines > 10_000 || undefined;
  });
  await child.runner.run(act("stop"), never);
  expect(await flood).toMatchObject({ success: true });
  const seconds = Math.ceil((performance.now() - begunMs) / 1_000);
  expect(child.logs().length).toBeLessThanOrEqual(LINES_PER_S * (seconds + 1));
  expect(child.events.filter(isDropped).length).toBeLessThanOrEqual(seconds + 1);
});

test("bytes that a handler logs are kept", async () => {
  await using child = await openChild(
    pluginSource(`
      @act("look") look(_params, ctx) {
        ctx.log.info("seen", { image: new Uint8Array(90_000).fill(7), depth: Float32Array.of(1, 2) });
        return true;
      }
    `),
  );
  await child.runner.run(act("look"), never);
  const { fields } = (await child.seen(line("seen"))) as { fields: Record<string, unknown> };
  expect(fields).toEqual({
    image: { $base64: new Uint8Array(90_000).fill(7).toBase64() },
    depth: { $base64: "AACAPwAAAEA=", type: "float32" },
  });
});
