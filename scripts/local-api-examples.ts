/** What stands in `docs/local-api.md` as an example; each is held against its schema. */
import type * as z from "zod/mini";
import * as wire from "../src/wire/local.ts";

interface Example {
  readonly schema: z.ZodMiniType;
  readonly value: unknown;
}

const auditId = "6f1c0a52";
const acceptedAt = "2026-05-11T14:32:07.120Z";
const startedAt = "2026-05-11T14:32:07.124Z";
const finishedAt = "2026-05-11T14:32:11.902Z";
const summary = {
  auditId,
  kind: "action",
  what: "move(room_one, room_two)",
  phase: "delivered",
  acceptedAt,
  startedAt,
  finishedAt,
  starts: 1,
  success: true,
  message: "",
};
const line = {
  seq: 1042,
  time: startedAt,
  level: "info",
  source: "agent",
  auditId,
  message: "started move(room_one, room_two)",
  fields: { event: "assignment.started", what: "move(room_one, room_two)" },
};

/** By the route or the frame that they are of. */
export const examples: Readonly<Record<string, Example>> = {
  "/v1/status": {
    schema: wire.Status,
    value: {
      version: "0.1.0",
      pid: 4711,
      startedAt: "2026-05-11T14:00:00.000Z",
      now: "2026-05-11T14:32:09.000Z",
      stateDir: "/var/lib/agent",
      state: "ready",
      reasons: [],
      link: {
        state: "up",
        origin: "http://127.0.0.1:8421",
        servantId: "s-1",
        since: "2026-05-11T14:00:00.210Z",
        failures: 0,
        registrations: 1,
      },
      inHand: [
        {
          auditId,
          kind: "action",
          what: "move(room_one, room_two)",
          phase: "started",
          acceptedAt,
          startedAt,
          starts: 1,
          progress: { fraction: 0.4, message: "in the corridor", at: "2026-05-11T14:32:08.700Z" },
        },
      ],
      outbox: { waiting: 0, aside: 0 },
      child: { pid: 4712, startedAt: "2026-05-11T14:00:00.090Z", restarts: 0 },
      journal: { bytes: 262_144, isFull: false },
      counts: { accepted: 12, succeeded: 10, failed: 1, delivered: 11 },
      troubles: [],
    },
  },
  "/v1/assignments": {
    schema: wire.AssignmentPage,
    value: { assignments: [summary], next: 17 },
  },
  "/v1/assignments/{auditId}": {
    schema: wire.AssignmentStory,
    value: {
      ...summary,
      assignment: {
        kind: "action",
        auditId,
        transition: "move",
        params: { start: "room_one", end: "room_two" },
      },
      result: {
        auditId,
        success: true,
        message: "",
        telemetry: { metres: 3.2 },
        observed: [],
        exclusive: [],
        unchecked: false,
      },
      facts: [
        { type: "accepted", at: acceptedAt, via: "s-1" },
        { type: "started", at: startedAt, nth: 1 },
        { type: "finished", at: finishedAt },
        { type: "delivered", at: "2026-05-11T14:32:11.910Z" },
      ],
      reused: [],
    },
  },
  "/v1/logs": { schema: wire.LogLine, value: line },
  "/v1/open": {
    schema: wire.Opening,
    value: {
      url: "http://127.0.0.1:8422/open?code=Q0fP…",
      expiresAt: "2026-05-11T14:33:07.000Z",
    },
  },
  Hello: {
    schema: wire.Hello,
    value: { hello: { boot: "2e645adb-2c7e-4491-9077-497fe38d1c3e", seq: 1041 } },
  },
  ClientFrame: {
    schema: wire.ClientFrame,
    value: { subscribe: { level: "info", sources: ["agent", "plugin"], since: 1000 } },
  },
  Subscribed: { schema: wire.Subscribed, value: { subscribed: { seq: 1041 } } },
  Lines: { schema: wire.Lines, value: { lines: [line] } },
  Gap: { schema: wire.Gap, value: { gap: { from: 1043, to: 2310, dropped: 871 } } },
  Failure: {
    schema: wire.Failure,
    value: {
      code: "assignment.not-open",
      message: `Cannot cancel "${auditId}": it is delivered`,
      hint: "It is unknown or answered already: there is nothing to cancel",
    },
  },
};

/** As a block of Markdown; "" when there is none of this name. */
export function exampleOf(name: string): string {
  const example = examples[name];
  if (example === undefined) return "";
  const text = JSON.stringify(example.value, null, 2);
  const short = JSON.stringify(example.value);
  // A line of the log stands on one line.
  const isShort = short.length <= 100 || example.schema === wire.LogLine;
  return `\`\`\`json\n${isShort ? short : text}\n\`\`\``;
}
