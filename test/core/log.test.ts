import { expect, test } from "bun:test";
import fc from "fast-check";
import type { AuditId } from "../../src/core/assignment.ts";
import { type EventLine, levels, sources } from "../../src/core/events.ts";
import type { JsonObject } from "../../src/core/json.ts";
import {
  canonicalFilter,
  headOf,
  LINE_TEXT_MAX_CHARS,
  type LogFilter,
  linesOf,
  MESSAGE_MAX_CHARS,
  matches,
  numbered,
} from "../../src/core/log.ts";

const words = ["Grip", "grip", "GRIPPER open", "", "İ", "a\nb", 'quote "'];
const auditIds = ["a-1", "a-2"].map((id) => id as AuditId);
const line: fc.Arbitrary<EventLine> = fc.record(
  {
    level: fc.constantFrom(...levels),
    source: fc.constantFrom(...sources),
    message: fc.oneof(fc.constantFrom(...words), fc.string({ unit: "binary" })),
    auditId: fc.constantFrom(...auditIds),
    fields: fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>,
  },
  { requiredKeys: ["level", "source", "message", "fields"] },
);
const filter: fc.Arbitrary<LogFilter> = fc.record(
  {
    level: fc.constantFrom(...levels),
    sources: fc.array(fc.constantFrom(...sources), { maxLength: 6 }),
    auditId: fc.constantFrom(...auditIds),
    text: fc.constantFrom("grip", "GRIP", "", "b"),
  },
  { requiredKeys: [] },
);

test("a filter lets through what each of its parts does", () => {
  fc.assert(
    fc.property(filter, line, (wanted, told) => {
      const { level = "debug", sources: some = sources, auditId, text = "" } = wanted;
      const passes =
        levels.indexOf(told.level) >= levels.indexOf(level) &&
        some.some((each) => each === told.source) &&
        (auditId === undefined || told.auditId === auditId) &&
        told.message.toLowerCase().includes(text.toLowerCase());
      expect(matches(canonicalFilter(wanted), told)).toBe(passes);
    }),
    { numRuns: 2_000 },
  );
});

test("filters that only look different have one form", () => {
  const form = (wanted: LogFilter) => JSON.stringify(canonicalFilter(wanted));
  fc.assert(
    fc.property(filter, (wanted) => {
      const { sources: some, text } = wanted;
      const other = {
        ...wanted,
        sources: some && [...some, ...some].reverse(),
        text: text?.toUpperCase(),
      };
      expect(form(other)).toBe(form(wanted));
      expect(form(canonicalFilter(wanted))).toBe(form(wanted));
    }),
  );
  expect(form({ level: "debug", sources: [...sources], text: "" })).toBe("{}");
  expect(form({ sources: [] })).not.toBe("{}");
});

test("a line's JSON says what the line does, and its head can be read off it", () => {
  const time = "2026-11-21T17:30:05.123Z";
  fc.assert(
    fc.property(line, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (told, seq) => {
      const { line: made, text } = numbered(seq, time, told);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify({ ...told, seq, time })));
      expect(JSON.parse(JSON.stringify(made))).toEqual(JSON.parse(text));
      expect(headOf(text)).toEqual({ seq, timeMs: Date.parse(time) });
      expect(linesOf(`${text}\n`)).toEqual([text]);
    }),
  );
});

test.each([
  "",
  "{}",
  '{"seq":1}',
  '{"seq":-1,"time":"2026-11-21T17:30:05.123Z",',
  '{"seq":1,"time":"2026-99-21T17:30:05.123Z",',
  ' {"seq":1,"time":"2026-11-21T17:30:05.123Z",',
  "\0\0\0",
])("what is no line of ours has no head: %j", (text) => {
  expect(headOf(text)).toBeUndefined();
});

test("a line is bounded: its message is cut, fields that are too much are left out", () => {
  const time = "2026-11-21T17:30:05.123Z";
  const told = { level: "info", source: "plugin", fields: { kept: 1 } } as const;
  const long = numbered(1, time, { ...told, message: "x".repeat(MESSAGE_MAX_CHARS + 7) });
  expect(long.line.message).toEndWith("x (and 7 characters)");
  expect(long.line.fields).toEqual({ kept: 1 });
  const fields = { image: "x".repeat(LINE_TEXT_MAX_CHARS) };
  const large = numbered(1, time, { ...told, message: "\0".repeat(MESSAGE_MAX_CHARS), fields });
  expect(large.text.length).toBeLessThan(LINE_TEXT_MAX_CHARS);
  expect(large.line.fields.unprintable).toMatch(/^\d+ characters$/);
});
