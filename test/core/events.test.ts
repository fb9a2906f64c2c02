import { expect, test } from "bun:test";
import { type AgentEvent, describeEvent, levels } from "../../src/core/events.ts";
import { id } from "../support/fake-ports.ts";

const auditId = id("a1");
const code = "backend.unreachable" as const;
const reason = "no route";
/** One of each type: a new type of event does not compile until it stands here. */
const examples: { [T in AgentEvent["type"]]: [Extract<AgentEvent, { type: T }>, RegExp] } = {
  "agent.started": [
    { type: "agent.started", stateDir: "/s", origin: "http://b" },
    /http:\/\/b.*\/s/,
  ],
  "agent.stopping": [{ type: "agent.stopping", reason, inHand: 2 }, /no route.* 2 in hand/],
  "agent.stopped": [{ type: "agent.stopped", undelivered: 3 }, /3 results wait/],
  "agent.not-ready": [
    { type: "agent.not-ready", reason: "it crashed", retryInMs: 4_000 },
    /not ready, taking no work \(trying again in 4 s\): it crashed/,
  ],
  "agent.ready": [{ type: "agent.ready" }, /ready for work again/],
  "machine.unsafe": [
    { type: "machine.unsafe", reason: "the valve sticks", retryInMs: 0 },
    /may be unsafe: the valve sticks/,
  ],
  "machine.secured": [{ type: "machine.secured" }, /made safe/],
  "agent.paused": [{ type: "agent.paused", reason }, /paused: no route/],
  "agent.resumed": [{ type: "agent.resumed" }, /resumed/],
  "journal.elsewhere": [
    { type: "journal.elsewhere", origin: "http://b", open: 4 },
    /4 entries.*http/,
  ],
  "journal.full": [{ type: "journal.full", reason, retryInMs: 1_000 }, /no route/],
  "journal.recovered": [{ type: "journal.recovered" }, /again/],
  "journal.damaged": [{ type: "journal.damaged", setAside: "/j.damaged", reason }, /\/j\.damaged/],
  "servant.registered": [
    { type: "servant.registered", servantId: "s1", transitions: 1, fluents: 2 },
    /s1/,
  ],
  "servant.forgotten": [
    { type: "servant.forgotten", reason, registrations: 2 },
    /no route.*registering again/,
  ],
  "session.ending": [{ type: "session.ending", inS: 125 }, /session expires in 2 min unless/],
  "link.lost": [
    { type: "link.lost", code, reason, retryInMs: 4_000, failures: 3 },
    /no route.* 4 s/,
  ],
  "link.restored": [{ type: "link.restored", failures: 3 }, /3 failures/],
  "link.listening": [
    {
      type: "link.listening",
      urls: ["tcp://127.0.0.1:7613", "ipc:///run/arm.sock"],
      isExposed: false,
    },
    /^listening on tcp:\/\/127\.0\.0\.1:7613 and ipc:\/\/\/run\/arm\.sock$/,
  ],
  "link.refused": [
    { type: "link.refused", address: "tcp://127.0.0.1:5", reason: "it is no map", count: 3 },
    /tcp:\/\/127\.0\.0\.1:5 sent: it is no map/,
  ],
  "poll.malformed": [{ type: "poll.malformed", reason, count: 1 }, /no route/],
  "assignment.accepted": [
    { type: "assignment.accepted", auditId, what: "move(a)", held: true },
    /move\(a\), waits/,
  ],
  "assignment.waiting": [
    { type: "assignment.waiting", auditId, what: "lift()", waitedMs: 2_000 },
    /lift\(\) waits for its turn/,
  ],
  "assignment.started": [{ type: "assignment.started", auditId, what: "move(a)" }, /move\(a\)/],
  "assignment.cancelled": [{ type: "assignment.cancelled", auditId, reason }, /no route/],
  "assignment.repeated": [{ type: "assignment.repeated", auditId, phase: "started" }, /is started/],
  "assignment.rejected": [
    { type: "assignment.rejected", auditId, code, reason },
    /failed: no route/,
  ],
  "assignment.finished": [
    {
      type: "assignment.finished",
      auditId,
      what: "move(a)",
      success: false,
      message: "stuck",
      tookMs: 1.6,
    },
    /move\(a\) failed in 2 ms: stuck/,
  ],
  "assignment.progress": [
    { type: "assignment.progress", auditId, fraction: 0.504, message: "half" },
    /50 % half/,
  ],
  "result.delivered": [{ type: "result.delivered", auditId }, /delivered/],
  "result.delayed": [
    { type: "result.delayed", auditId, code, reason, retryInMs: 2_000 },
    /no route.* 2 s/,
  ],
  "result.aside": [
    { type: "result.aside", auditId, code, reason, aside: 2 },
    /waits aside \(2 do\).*no route/,
  ],
  "result.refused": [{ type: "result.refused", auditId, code, reason }, /no route/],
  "door.opened": [
    { type: "door.opened", url: "http://127.0.0.1:8422", isElsewhere: false },
    /door on http:\/\/127\.0\.0\.1:8422$/,
  ],
  "log.dropping": [{ type: "log.dropping", reason: "no space" }, /takes no lines: no space/],
  "log.recovered": [{ type: "log.recovered", dropped: 7 }, /again, 7 are missing/],
  "door.trouble": [{ type: "door.trouble", reason: "no room" }, /door: no room/],
  "child.started": [{ type: "child.started", pid: 7 }, /7/],
  "child.ended": [{ type: "child.ended", pid: 7, reason: "exit code 3" }, /7.*exit code 3/],
  "plugin.dropped": [{ type: "plugin.dropped", lines: 7 }, /7 lines/],
  "plugin.event": [
    { type: "plugin.event", kind: "alert", auditId, fields: { type: "leak", severity: "high" } },
    /^alert: leak \(high\)$/,
  ],
  "plugin.stream": [
    { type: "plugin.stream", name: "weight", intervalMs: 100, isOpen: true },
    /measures weight every 100 ms/,
  ],
  "plugin.sample": [{ type: "plugin.sample", name: "weight", value: { g: 1.5 } }, /weight: .*1\.5/],
  "plugin.log": [
    { type: "plugin.log", level: "warn", auditId, message: "low battery", fields: { volts: 3 } },
    /^low battery$/,
  ],
  "backend.log": [
    { type: "backend.log", level: "info", message: "planned", fields: {} },
    /^planned$/,
  ],
};

test("describeEvent() tells each type of event in one line, its members as fields", () => {
  for (const [event, expected] of Object.values(examples)) {
    const line = describeEvent(event);
    expect(line.message, event.type).toMatch(expected);
    expect(line.message, event.type).not.toContain("\n");
    expect(levels, event.type).toContain(line.level);
    if ("auditId" in event) expect(line.auditId, event.type).toBe(auditId);
    else expect(line, event.type).not.toHaveProperty("auditId");
    expect(line.fields, event.type).not.toHaveProperty("auditId");
    if (event.type === "plugin.log" || event.type === "backend.log") continue;
    const { type, ...members } = event;
    for (const [member, value] of Object.entries(members)) {
      if (member !== "auditId") expect(line.fields[member], `${type} ${member}`).toEqual(value);
    }
    expect(line.fields.event).toBe(type);
  }
});

test("describeEvent() names the room an event comes from", () => {
  const sources = Object.values(examples).map(([event]) => [
    event.type,
    describeEvent(event).source,
  ]);
  const by = (source: string) =>
    sources.filter(([, from]) => from === source).map(([type]) => type);
  expect(by("runner")).toEqual(["child.started", "child.ended", "plugin.dropped"]);
  expect(by("plugin")).toEqual(["plugin.event", "plugin.stream", "plugin.sample", "plugin.log"]);
  expect(by("backend")).toEqual(["backend.log"]);
  expect(by("adapter")).toEqual([
    "servant.registered",
    "servant.forgotten",
    "session.ending",
    "link.lost",
    "link.restored",
    "link.listening",
    "link.refused",
    "poll.malformed",
  ]);
});

test("describeEvent() raises its voice only when something is wrong", () => {
  const level = (event: AgentEvent) => describeEvent(event).level;
  expect(level({ type: "agent.stopped", undelivered: 0 })).toBe("info");
  expect(level({ type: "agent.stopped", undelivered: 1 })).toBe("warn");
  const finished = examples["assignment.finished"][0];
  expect(level({ ...finished, success: true })).toBe("info");
  expect(level(finished)).toBe("warn");
  expect(
    describeEvent({ type: "plugin.log", level: "info", message: "", fields: {} }),
  ).not.toHaveProperty("auditId");
});
