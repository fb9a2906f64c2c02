// Goal: one screen tells a person what matters, the most urgent first, and nothing that a plugin says
// can steer the terminal. Method: statuses as the door gives them, on a stream that is no terminal.
import { expect, test } from "bun:test";
import { bytesText, statusLines } from "../../src/cli/local/status.ts";
import { openOutput } from "../../src/cli/output.ts";
import type { Status } from "../../src/wire/local.ts";
import { STATUS } from "../local/harness.ts";

const out = openOutput({ write: () => {} }, {});
const screen = (more: Partial<Status>) => statusLines({ ...STATUS, ...more }, out).join("\n");

const running: Status["inHand"][number] = {
  auditId: "a1",
  kind: "action",
  what: "move(room_one, room_two)",
  phase: "started",
  acceptedAt: "2026-05-11T14:59:50.000Z",
  startedAt: "2026-05-11T14:59:51.000Z",
  starts: 1,
};

test("a ready agent that does nothing", () => {
  expect(screen({})).toBe(`ready  agent 42, version 1.2.3, up 1 h 0 min
  link     up for 59 min 59 s, http://127.0.0.1:8421, servant s1
  plugin   process 43, up 1 h 0 min, 3 restarts
  runs     nothing
  outbox   2 results, the oldest for 1 min 0 s, 1 aside
  journal  4 kB
  so far   3 done, 1 failed, 2 delivered`);
});

test("what runs has its progress, and says when it was called off or started again", () => {
  const at = "2026-05-11T14:59:59.000Z";
  const progress = { fraction: 0.45, message: "at the door", at };
  const again = {
    ...running,
    auditId: "a2",
    starts: 2,
    cancelled: "in the way",
    what: "pick(box)",
  };
  const text = screen({ inHand: [{ ...running, progress }, again] });
  expect(text).toContain(
    "  runs     move(room_one, room_two)  9.0 s  █████████░░░░░░░░░░░ 45 % at the door  [a1]",
  );
  expect(text).toContain("           pick(box)  9.0 s, start 2, called off: in the way  [a2]");
  const wild = { ...progress, fraction: 7 };
  expect(screen({ inHand: [{ ...running, progress: wild }] })).toContain("█ 100 %");
});

test("what the plugin measures stands with its age", () => {
  const at = "2026-05-11T14:59:59.000Z";
  const streams = [
    { name: "pos", intervalMs: 500 },
    { name: "temp", intervalMs: 500, at, value: { value: 21.5 } },
    { name: "weight", intervalMs: 500, at, value: { g: 1.5, note: "\u001b[2J" } },
  ];
  expect(screen({ streams })).toContain(`  measures pos nothing yet
           temp 21.5, 1.0 s ago
           weight g=1.5 note="\\u001b[2J", 1.0 s ago
`);
});

test("what waits is no more than a few lines", () => {
  const waiting = Array.from({ length: 50 }, (_, n) => ({
    ...{ ...running, auditId: `w${n}`, phase: "accepted" as const },
  }));
  const text = screen({ inHand: waiting });
  expect(text.match(/move\(/g)).toHaveLength(8);
  expect(text).toContain("and 42 more");
});

test("a narrow terminal cuts no audit id off: whoever cancels needs the whole", () => {
  const narrow = openOutput({ write: () => {}, isTTY: true, columns: 60 }, { NO_COLOR: "1" });
  const inHand = [
    { ...running, auditId: "83e8c251-770f-445c-bb99-adae6386feb3" },
    { ...running, auditId: "w1", phase: "accepted" as const },
  ];
  const lines = statusLines({ ...STATUS, inHand }, narrow);
  expect(lines).toContain("           [83e8c251-770f-445c-bb99-adae6386feb3]");
  expect(lines).toContain("  waits    move(room_one, room_two)  for 10 s  [w1]");
});

test("a trouble of another day says which", () => {
  const trouble = { level: "warn", source: "agent", message: "no link" } as const;
  const text = screen({ troubles: [{ ...trouble, time: "2026-05-09T15:00:00.000Z" }] });
  expect(text).toMatch(/trouble {2}2026-05-\d\d \d\d:\d\d:\d\d agent: no link$/);
});

test("reasons stand under the state, troubles at the end, and neither steers the terminal", () => {
  const trouble = { time: "2026-05-11T14:59:00.000Z", level: "error", source: "plugin" } as const;
  const text = screen({
    state: "not-ready",
    reasons: ["no link to the backend: \u001b[2Jrefused"],
    troubles: [{ ...trouble, message: "line one\nline two \u001b]0;title\u0007" }],
  });
  expect(text.split("\n")[1]).toContain("no link to the backend: \\x1b[2Jrefused");
  expect(text.split("\n").at(-1)).toContain("plugin: line one ⏎ line two \\x1b]0;title\\x07");
  expect(text).not.toContain("\u001b");
});

test("bytesText() says sizes as people do", () => {
  expect([0, 999, 1_000, 45_328, 1_234_567, 2e9].map(bytesText)).toEqual([
    ...["0 B", "999 B", "1 kB", "45 kB", "1.2 MB", "2.0 GB"],
  ]);
});
