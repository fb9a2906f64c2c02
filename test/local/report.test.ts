// Goal: what a person reads of the agent follows what the agent says of itself. Method: events, told
// one after the other at known times.
import { expect, test } from "bun:test";
import type { AuditId } from "../../src/core/assignment.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import { Report, TROUBLES_MAX } from "../../src/local/report.ts";
import { Tally } from "../../src/local/tally.ts";

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
