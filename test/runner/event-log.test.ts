import { expect, test } from "bun:test";
import { type EventLogOptions, eventLog } from "../../src/cli/event-log.ts";
import type { AuditId } from "../../src/core/assignment.ts";
import type { JsonObject } from "../../src/core/json.ts";

function told(
  message: string,
  fields: JsonObject = {},
  options: Partial<EventLogOptions> = {},
): string {
  let text = "";
  const write = (part: string) => {
    text += part;
  };
  const clock = { now: () => 0 };
  const all = {
    format: "pretty",
    level: "info",
    colours: false,
    clock,
    write,
    ...options,
  } as const;
  const auditId = "0123456789" as AuditId;
  eventLog(all)({ type: "plugin.log", level: "warn", auditId, message, fields });
  return text;
}

test("eventLog() prints a line with its level, source, audit id and fields", () => {
  expect(told("low", { volts: 11.2, cell: "b" })).toMatch(
    /^\d\d:\d\d:\d\d ! plugin {2}\[01234567\] low volts=11.2 cell=b\n$/,
  );
  const coloured = told("low", {}, { colours: true });
  expect([coloured.startsWith("\u001b[33m"), coloured.endsWith("\u001b[0m\n")]).toEqual([
    true,
    true,
  ]);
  expect(told("low", {}, { level: "error" })).toBe("");
});

test("eventLog() lets no plugin steer the terminal or fake a line of the agent's", () => {
  const text = told("a\u001b[2Jb\u0007\n12:00:00 ✗ agent   forged\r\u009b", { x: "\n\u001b]0;t" });
  expect(text).not.toMatch(/[^\n\P{Cc}]/u);
  expect(text).toContain("a\\x1b[2Jb\\x07");
  expect(
    text
      .split("\n")
      .slice(1, -1)
      .every((line) => line.startsWith(" ")),
  ).toBe(true);
});

test("eventLog() tells commands of one machine apart by the ends of their ids", () => {
  let text = "";
  const write = (part: string) => {
    text += part;
  };
  const log = eventLog({
    ...{ format: "pretty", level: "info", colours: false, clock: { now: () => 0 }, write },
  });
  for (const auditId of ["balance:1795319394405145167:44", "balance:1795319394512907131:45"]) {
    log({
      ...{
        type: "plugin.log",
        level: "info",
        auditId: auditId as AuditId,
        message: "",
        fields: {},
      },
    });
  }
  expect(text.match(/\[.*\]/g)).toEqual(["[45167:44]", "[07131:45]"]);
});

test("eventLog() prints JSON that reads back as it was", () => {
  const message = "a\nb\u001b[2J";
  const line = JSON.parse(told(message, { volts: 11.2 }, { format: "json" }));
  expect(line).toEqual({
    time: "1970-01-01T00:00:00.000Z",
    level: "warn",
    source: "plugin",
    auditId: "0123456789",
    message,
    fields: { volts: 11.2 },
  });
});

test("eventLog() shows what a plugin's event says, and not how it is told", () => {
  let text = "";
  const write = (part: string) => {
    text += part;
  };
  const clock = { now: () => 0 };
  const fields = { type: "overload", severity: "high", grams: 250 };
  eventLog({ format: "pretty", level: "info", colours: false, clock, write })({
    ...{ type: "plugin.event", kind: "alert", fields },
  });
  expect(text).toEndWith(
    "! plugin  alert: overload (high) type=overload severity=high grams=250\n",
  );
});
