// Goal: what a person reads of the agent follows what the agent says of itself. Method: events, told
// one after the other at known times.
import { expect, test } from "bun:test";
import { eventLog } from "../../src/cli/event-log.ts";
import type { AuditId } from "../../src/core/assignment.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { Feed } from "../../src/local/feed.ts";
import { Report, TROUBLES_MAX } from "../../src/local/report.ts";
import { Tally } from "../../src/local/tally.ts";
import { systemClock } from "../../src/system/clock.ts";

const ORIGIN = "http://127.0.0.1:8421";
const auditId = "a1" as AuditId;
const registered: AgentEvent = {
  type: "servant.registered",
  servantId: "s1",
  transitions: 1,
  fluents: 0,
};

function told(...events: AgentEvent[]): Report {
  const report = new Report(0);
  for (const [index, event] of events.entries()) report.hear(event, (index + 1) * 1_000);
  return report;
}

function lost(failures: number): AgentEvent {
  const reason = `refused ${failures}`;
  return { type: "link.lost", code: "backend.unreachable", reason, retryInMs: 0, failures };
}

test("the link: connecting, up, down since its first failure, and up again", () => {
  expect(told().link(ORIGIN)).toMatchObject({ state: "connecting", registrations: 0 });
  expect(told(registered).link(ORIGIN)).toMatchObject({ state: "up", servantId: "s1" });
  const down = told(registered, lost(1), lost(2)).link(ORIGIN);
  expect(down).toMatchObject({ state: "down", failures: 2, reason: "refused 2" });
  expect(down.since).toBe("1970-01-01T00:00:02.000Z");
  const back: AgentEvent = { type: "link.restored", failures: 2 };
  const up = told(registered, lost(1), lost(2), back).link(ORIGIN);
  expect(up).toMatchObject({ state: "up", failures: 0, since: "1970-01-01T00:00:04.000Z" });
  expect("reason" in up).toBe(false);
  // Never registered: that the backend answers is not yet a link.
  expect(told(lost(1), back).link(ORIGIN).state).toBe("connecting");
  const forgotten: AgentEvent = { type: "servant.forgotten", reason: "gone", registrations: 1 };
  expect(told(registered, forgotten).link(ORIGIN).state).toBe("connecting");
  expect(told(registered, forgotten, registered).link(ORIGIN).registrations).toBe(2);
});

test("progress is that of what runs, and forgotten with its end", () => {
  const progress: AgentEvent = {
    type: "assignment.progress",
    auditId,
    fraction: 0.4,
    message: "half way",
  };
  expect(told(progress).progressOf("a1")).toMatchObject({ fraction: 0.4, message: "half way" });
  const finished: AgentEvent = {
    ...{ type: "assignment.finished", auditId, what: "move()", success: true, message: "" },
    tookMs: 5,
  };
  expect(told(progress, finished).progressOf("a1")).toBeUndefined();
});

test("the child: its process while it lives, its last end, how often it ended early", () => {
  const started: AgentEvent = { type: "child.started", pid: 7 };
  const ended: AgentEvent = { type: "child.ended", pid: 7, reason: "exit code 3" };
  expect(told(started).child).toMatchObject({ pid: 7, restarts: 0 });
  expect(told(started, ended).child).toEqual({ restarts: 1, lastEnd: "exit code 3" });
  expect(told(started, ended, started).child).toMatchObject({ pid: 7, restarts: 1 });
});

test("the last warnings and errors are kept, newest first, however many there were", () => {
  const say = (level: "info" | "error", message: string): AgentEvent => ({
    ...{ type: "plugin.log", level, message },
    fields: {},
  });
  const all = Array.from({ length: 100 }, (_, n) => [say("info", "fine"), say("error", `e${n}`)]);
  const { troubles } = told(...all.flat());
  expect(troubles).toHaveLength(TROUBLES_MAX);
  expect(troubles.slice(0, 2).map(({ message }) => message)).toEqual(["e99", "e98"]);
  expect(told(say("error", "x".repeat(10_000))).troubles[0]?.message.length).toBe(500);
});

test("the tally counts each outcome once, and durations in their buckets", () => {
  const tally = new Tally();
  const finished = (success: boolean, tookMs: number): AgentEvent => ({
    ...{ type: "assignment.finished", auditId, what: "", success, message: "", tookMs },
  });
  for (const event of [finished(true, 10), finished(true, 11), finished(false, 3.6e6)]) {
    tally.hear(event);
  }
  tally.hear({ type: "assignment.rejected", auditId, code: "handler.cancelled", reason: "" });
  tally.polled(25_000);
  expect(tally).toMatchObject({ succeeded: 2, failed: 1, rejected: 1 });
  expect(tally.took.counts).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  expect(tally.polls.sum).toBe(25);
  expect(tally.lines).toEqual({ debug: 0, info: 2, warn: 2, error: 0 });
});

test("streams: the last measurement of each that is open, a large one left out", () => {
  const stream = (name: string, isOpen: boolean): AgentEvent => ({
    ...{ type: "plugin.stream", name, intervalMs: 500, isOpen },
  });
  const sample = (name: string, value: JsonObject): AgentEvent => ({
    ...{ type: "plugin.sample", name, value },
  });
  const report = told(
    ...[stream("weight", true), stream("gone", true), stream("pos", true), stream("scan", true)],
    ...[sample("weight", { g: 1 }), sample("weight", { g: 2 }), sample("unopened", { g: 3 })],
    ...[sample("scan", { text: "x".repeat(5_000) }), stream("gone", false)],
  );
  expect(report.streams).toEqual([
    { name: "pos", intervalMs: 500 },
    { name: "scan", intervalMs: 500, at: "1970-01-01T00:00:08.000Z", value: { large: true } },
    { name: "weight", intervalMs: 500, at: "1970-01-01T00:00:06.000Z", value: { g: 2 } },
  ]);
});

test("a measurement is no line: neither of the log nor of what the tally counts", () => {
  const sample: AgentEvent = { type: "plugin.sample", name: "weight", value: { g: 1 } };
  const tally = new Tally();
  tally.hear(sample);
  expect(tally.lines).toEqual({ debug: 0, info: 0, warn: 0, error: 0 });
  const feed = new Feed({ clock: systemClock });
  feed.push(sample);
  expect(feed.lastSeq).toBe(0);
  let printed = "";
  const write = (text: string) => {
    printed += text;
  };
  eventLog({ format: "pretty", level: "debug", colours: false, clock: systemClock, write })(sample);
  expect(printed).toBe("");
});
