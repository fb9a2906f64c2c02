// Goal: what a plugin measures and tells reaches the bus, in order and within bounds; a stream goes on
// after its handler, never overlaps itself, and ends with what closes it or with its process.
import { expect, test } from "bun:test";
import type { AgentEvent } from "../../src/core/events.ts";
import { EVENTS_PER_S, SAMPLES_PER_S } from "../../src/runner/line-quota.ts";
import { act, line, never, type OpenChild, openChild, pluginSource } from "./plugin-child.ts";

type Sample = Extract<AgentEvent, { type: "plugin.sample" }>;

const samples = ({ events }: OpenChild, name: string) =>
  events.filter((event): event is Sample => event.type === "plugin.sample" && event.name === name);
const streams = ({ events }: OpenChild) => events.filter(({ type }) => type === "plugin.stream");

/** Resolves with the stream's sample of that number, past or to come. */
function sample(child: OpenChild, name: string, count: number): Promise<Sample> {
  return child.seen((event) => {
    const found = event.type === "plugin.sample" ? samples(child, name) : [];
    return found.length >= count ? found[count - 1] : undefined;
  });
}

test("a stream goes on after its handler until it is closed; the same name replaces", async () => {
  await using child = await openChild(
    pluginSource(`
      count = 0;
      @act("open") open({ add }, ctx) {
        this.close = ctx.telemetry.stream("count", async () => ({ count: (this.count += add) }), 10);
        return true;
      }
      @act("close") close() { this.close(); this.close(); return true; }
    `),
  );
  const { runner } = child;
  await runner.run(act("open", { add: 1 }), never);
  expect((await sample(child, "count", 3)).value).toEqual({ count: 3 });
  await runner.run(act("open", { add: 1_000 }), never);
  await child.seen((event) =>
    event.type === "plugin.sample" && Number(event.value.count) > 2_000 ? event : undefined,
  );
  const since = samples(child, "count").length;
  await sample(child, "count", since + 3);
  // The stream that was replaced reads no more: it would count along.
  const counts = samples(child, "count")
    .slice(since)
    .map(({ value }) => Number(value.count));
  expect(counts.map((each) => each % 1_000)).toEqual(counts.map(() => (counts[0] ?? 0) % 1_000));
  await runner.run(act("close"), never);
  const closed = (event: AgentEvent) =>
    event.type === "plugin.stream" && !event.isOpen ? event : undefined;
  await child.seen(closed);
  const stream = { type: "plugin.stream", name: "count", intervalMs: 10, isOpen: true } as const;
  expect(streams(child)).toEqual([stream, stream, { ...stream, isOpen: false }]);
  const all = samples(child, "count").length;
  expect(child.events.findLastIndex(({ type }) => type === "plugin.sample")).toBeLessThan(
    child.events.findIndex((event) => closed(event)),
  );
  await runner.run(act("open", { add: 0 }), never);
  await sample(child, "count", all + 1);
});

test("a reading never overlaps itself; null is left out and a number stands as value", async () => {
  await using child = await openChild(
    pluginSource(`
      reading = 0; most = 0; turn = 0;
      @act("open") open(_params, { telemetry: { stream } }) {
        stream("slow", async () => {
          this.most = Math.max(this.most, (this.reading += 1));
          await sleep(25);
          this.reading -= 1;
          return this.most;
        }, 10);
        stream("odd", () => ((this.turn += 1) % 2 === 0 ? null : this.turn), 10);
        stream("nan", () => 0 / 0, 10);
        return true;
      }
    `),
  );
  await child.runner.run(act("open"), never);
  expect((await sample(child, "slow", 4)).value).toEqual({ value: 1 });
  await sample(child, "odd", 3);
  expect(
    samples(child, "odd")
      .slice(0, 3)
      .map(({ value }) => value.value),
  ).toEqual([1, 3, 5]);
  expect((await sample(child, "nan", 1)).value).toEqual({ value: null });
});

test("a reading that fails is told once, and once more after it was well", async () => {
  await using child = await openChild(
    pluginSource(`
      turn = 0;
      @act("open") open(_params, ctx) {
        ctx.telemetry.stream("weight", () => {
          this.turn += 1;
          if (this.turn === 2) console.log("second");
          if (this.turn === 5) return 5;
          if (this.turn === 8) return "heavy";
          throw new Error("no answer from the cell");
        }, 10);
        ctx.telemetry.stream("turn", () => this.turn, 10);
        return true;
      }
    `),
  );
  await child.runner.run(act("open"), never);
  await child.seen((event) =>
    event.type === "plugin.sample" && Number(event.value.value) > 10 ? event : undefined,
  );
  const problem = {
    level: "warn",
    message: 'Cannot read "weight": no answer from the cell',
  } as const;
  expect(child.logs()).toMatchObject([problem, { message: "second" }, problem]);
  // What it prints is not the work of the handler that opened it.
  expect(child.logs().filter(({ auditId }) => auditId !== undefined)).toEqual([]);
});

test("a stream that cannot be is refused", async () => {
  await using child = await openChild(
    pluginSource(`
      @act("open") open({ name, intervalMs, many = 1, none }, ctx) {
        for (let n = 0; n < many; n += 1) {
          ctx.telemetry.stream(many > 1 ? name + n : name, none ? undefined : () => 1, intervalMs);
        }
        return true;
      }
    `),
  );
  const open = (params: Parameters<typeof act>[1]) => child.runner.run(act("open", params), never);
  const refused = (message: string) => ({ success: false, code: "usage.invalid", message });
  expect(await open({ name: "a b", intervalMs: 10 })).toMatchObject(
    refused('Cannot stream "a b": a name has 1 to 64 letters, digits, _ and -'),
  );
  expect(await open({ name: "a", intervalMs: 9 })).toMatchObject(
    refused('Cannot stream "a": its interval is 9, give 10 ms to a day'),
  );
  expect(await open({ name: "a", intervalMs: 10, none: true })).toMatchObject(
    refused('Cannot stream "a": give a function that measures'),
  );
  expect(await open({ name: "a", intervalMs: 60_000, many: 65 })).toMatchObject(
    refused('Cannot stream "a64": there are 64 streams already'),
  );
});

test("the streams of a process that ended are closed", async () => {
  await using child = await openChild(
    pluginSource(`
      @act("open") open(_params, ctx) { ctx.telemetry.stream("w", () => 1, 10); return true; }
      @act("die") die(_params, ctx) {
        ctx.events.alert("overload", "high", { grams: 250, severity: "mine" });
        process.kill(process.pid, "SIGKILL");
      }
    `),
  );
  await child.runner.run(act("open"), never);
  await sample(child, "w", 1);
  const dying = act("die");
  const died = await child.runner.run(dying, never).catch((cause) => cause);
  expect(died).toMatchObject({ code: "handler.crashed" });
  const told = { type: "plugin.stream", name: "w", intervalMs: 10 } as const;
  expect(streams(child)).toEqual([
    { ...told, isOpen: true },
    { ...told, isOpen: false },
  ]);
  // Its last words are heard, though it died with the next instruction.
  expect(child.events.find(({ type }) => type === "plugin.event")).toEqual({
    type: "plugin.event",
    kind: "alert",
    auditId: dying.auditId,
    fields: { type: "overload", severity: "high", grams: 250 },
  });
});

test("events are told in the order of the log, with what else they say", async () => {
  await using child = await openChild(
    pluginSource(`
      @act("tell") tell(_params, { events, log }) {
        log.info("first");
        events.media("http://cam/1.png");
        events.media("http://cam/1.csv", "table", { rows: 3 });
        events.log("warn", "door open", { door: 2 });
        events.log("shout", 7);
        const round = {}; round.round = round;
        events.alert("odd", "low", round);
        events.alert("large", "low", { text: "x".repeat(100_000) });
        log.info("last");
        return true;
      }
    `),
  );
  const { auditId } = act("tell");
  await child.runner.run({ kind: "action", auditId, transition: "tell", params: {} }, never);
  await child.seen(line("last"));
  const told = child.events.slice(child.events.findIndex((event) => line("first")(event)));
  const event = (kind: string, fields: object) => ({ type: "plugin.event", kind, auditId, fields });
  expect(told.slice(1, -1) as unknown[]).toEqual([
    event("media", { media_url: "http://cam/1.png", media_type: "image" }),
    event("media", { media_url: "http://cam/1.csv", media_type: "table", rows: 3 }),
    event("log", { log_level: "WARNING", msg: "door open", door: 2 }),
    event("log", { log_level: "INFO", msg: "7" }),
    event("alert", { type: "odd", severity: "low", unprintable: expect.stringContaining("cycl") }),
    event("alert", { type: "large", severity: "low", unprintable: "100043 characters" }),
  ]);
});

test("a plugin that floods is dropped from, and told of", async () => {
  await using child = await openChild(
    pluginSource(`
      @act("odd") odd() {
        const { writeSync } = require("node:fs");
        writeSync(1, '\\u001c{"type":"sample","name":"a b","value":{}}\\n');
        writeSync(1, '\\u001c{"type":"sample","name":"unopened","value":{}}\\n');
        return true;
      }
      @act("flood") async flood(_params, ctx) {
        for (let n = 0; n < 20_000; n += 1) ctx.events.alert("a", "low", { n });
        // Past the SDK, as a plugin may.
        ctx.telemetry.stream("w", () => 1, 10);
        const { writeSync } = require("node:fs");
        for (let n = 0; n < 20_000; n += 1) {
          try { writeSync(1, '\\u001c{"type":"sample","name":"w","value":{}}\\n'); } catch { n -= 1; }
        }
        return true;
      }
    `),
  );
  await child.runner.run(act("odd"), never);
  const odd = await child.seen((event) =>
    event.type === "plugin.log" && event.message.startsWith("\u001c") ? event : undefined,
  );
  expect(odd.message).toContain("a b");
  const begunMs = performance.now();
  await child.runner.run(act("flood"), never);
  const seconds = Math.ceil((performance.now() - begunMs) / 1_000) + 1;
  await child.close();
  const count = (type: AgentEvent["type"]) =>
    child.events.filter((event) => event.type === type).length;
  const dropped = (what: string) =>
    child.events
      .flatMap((event) => (event.type === "plugin.dropped" && event.what === what ? [event] : []))
      .reduce((sum, { lines }) => sum + lines, 0);
  expect(count("plugin.event")).toBeLessThanOrEqual(EVENTS_PER_S * seconds);
  expect(count("plugin.sample")).toBeLessThanOrEqual(SAMPLES_PER_S * seconds);
  expect(count("plugin.event") + dropped("events")).toBeGreaterThanOrEqual(20_000);
  expect(count("plugin.sample") + dropped("samples")).toBeGreaterThanOrEqual(20_000);
});
