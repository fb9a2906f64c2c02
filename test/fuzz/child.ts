/** What a plugin's process sends: frames, output in pieces, log lines, and what handlers return. */
import { expect } from "bun:test";
import fc from "fast-check";
import { Telling } from "../../src/agent/telling.ts";
import type { ChildTelling } from "../../src/core/child.ts";
import { catalogue } from "../../src/core/errors.ts";
import { type AgentEvent, describeEvent } from "../../src/core/events.ts";
import { isNestedWithin } from "../../src/core/json.ts";
import { INTERVAL_MIN_MS, STREAM_NAME } from "../../src/core/telemetry.ts";
import { FromChildFrame } from "../../src/runner/frame-schemas.ts";
import { LOG_MARK, START_MARK, TELL_MARK } from "../../src/runner/frames.ts";
import { LINE_MAX_CHARS, readLines } from "../../src/runner/lines.ts";
import { toLogLine, toTelling } from "../../src/runner/output.ts";
import { type Decoder, decoder, expectBounded } from "./decoder.ts";
import { inPieces, json, spoiled, spoiledText, streamOf, text } from "./hostile.ts";

const code = fc.constantFrom(...Object.keys(catalogue), "no.code", "__proto__", "toString");
const result = spoiled(
  fc.record({
    auditId: text,
    success: fc.boolean(),
    message: text,
    telemetry: json,
    code,
    observed: fc.array(fc.record({ atom: text, holds: fc.boolean() }), { maxLength: 2 }),
    exclusive: fc.array(text, { maxLength: 2 }),
    unchecked: fc.boolean(),
  }),
);
const frame = fc.oneof(
  fc.record({ type: fc.constant("result"), id: fc.double(), result }),
  fc.record({ type: fc.constant("broken"), code, message: text }),
  fc.record({
    type: fc.constant("progress"),
    id: fc.double(),
    fraction: fc.double(),
    message: text,
  }),
  fc.record({ type: fc.constant("call"), id: fc.nat(), method: text, args: fc.array(json) }),
  fc.record({ type: fc.constantFrom("failed", "secured"), id: fc.nat(), code, message: text }),
  fc.record({
    type: fc.constant("reconciled"),
    id: fc.nat(),
    reconciled: fc.record({ state: fc.constantFrom("done", "odd"), message: text }),
  }),
  fc.record({
    type: fc.constantFrom("pong", "ready", "started", "__proto__"),
    id: fc.nat(),
    offer: json,
  }),
);

const frames = decoder("child frames", 60, spoiled(frame), (raw) => {
  const sent: unknown = JSON.parse(JSON.stringify(raw));
  const { data, error } = FromChildFrame.safeParse(sent);
  if (error !== undefined) expect(error.message).toBeString();
  if (data === undefined) return;
  expectBounded(data, JSON.stringify(raw).length);
  if (data.type !== "result") return;
  // It goes into the journal and onto the wire: both must be able to write it.
  expect(isNestedWithin(data.result.telemetry)).toBe(true);
  if (data.result.code !== undefined) expect(Object.hasOwn(catalogue, data.result.code)).toBe(true);
});

const line = fc.record({
  level: fc.constantFrom("info", "warn", "loud"),
  auditId: text,
  message: text,
  fields: fc.dictionary(text, json, { maxKeys: 3 }),
});
const logLines = decoder(
  "log lines",
  40,
  fc.tuple(spoiledText(spoiled(line)), fc.boolean()),
  ([body, isMarked]) => {
    const printed = toLogLine(isMarked ? LOG_MARK + body : body, "warn", undefined);
    expect(["debug", "info", "warn", "error"]).toContain(printed.level);
    expect(printed.message).toBeString();
    if (!isMarked && !body.startsWith(LOG_MARK)) expect(printed.message).toBe(body);
    expectBounded(printed, body.length);
    for (const value of Object.values(printed.fields)) expect(isNestedWithin(value)).toBe(true);
  },
);

const telling = fc.oneof(
  fc.record({
    type: fc.constant("event"),
    kind: fc.constantFrom("alert", "media", "log", "__proto__"),
    fields: fc.dictionary(text, json, { maxKeys: 3 }),
  }),
  fc.record({
    type: fc.constant("stream"),
    name: fc.oneof(text, fc.constant("weight")),
    intervalMs: fc.double(),
    isOpen: fc.boolean(),
  }),
  fc.record({
    type: fc.constantFrom("sample", "toString"),
    name: fc.oneof(text, fc.constant("weight")),
    value: fc.dictionary(text, json, { maxKeys: 3 }),
  }),
);
const tellings = decoder("tellings", 30, spoiledText(spoiled(telling)), (body) => {
  const told = toTelling(TELL_MARK + body);
  if (told === undefined) return;
  expectBounded(told, body.length);
  if (told.type === "stream") expect(told.intervalMs).toBeGreaterThanOrEqual(INTERVAL_MIN_MS);
  if (told.type !== "event") expect(told.name).toMatch(STREAM_NAME);
  const members = told.type === "event" ? told.fields : told.type === "sample" ? told.value : {};
  for (const value of Object.values(members)) expect(isNestedWithin(value)).toBe(true);
  const [event] = heard(told);
  if (event !== undefined) expect(describeEvent(event).message.length).toBeLessThan(10_000);
});

/** What the agent makes of it, the stream being open. */
function heard(told: ChildTelling): AgentEvent[] {
  const events: AgentEvent[] = [];
  const telling = new Telling((event) => void events.push(event));
  if (told.type === "sample")
    telling.hear({ ...told, type: "stream", intervalMs: 10, isOpen: true });
  telling.hear(told);
  telling.end();
  return events;
}

const long = fc.constant("long".repeat(20_000));
const mark = fc.constantFrom(`${START_MARK}7`, `half ${START_MARK}8`, START_MARK, `${START_MARK}x`);
const output = fc.record({
  lines: fc.array(
    fc.oneof(
      { weight: 50, arbitrary: text },
      { weight: 1, arbitrary: long },
      { weight: 10, arbitrary: mark },
    ),
    { maxLength: 5 },
  ),
  isEnded: fc.boolean(),
  cuts: fc.array(fc.nat(100_000), { maxLength: 6 }),
  noise: fc.uint8Array({ maxLength: 4 }),
});
const outputs = decoder("output in pieces", 20, output, async ({ lines, isEnded, cuts, noise }) => {
  const written = lines.join("\n") + (isEnded ? "\n" : "");
  const bytes = new Uint8Array([...new TextEncoder().encode(written), ...noise]);
  const read: string[] = [];
  const started: number[] = [];
  const reader = {
    line: (each: string) => void read.push(each),
    start: (id: number) => void started.push(id),
  };
  await readLines(streamOf(inPieces(bytes, cuts)), reader);
  for (const each of read) expect(each.length).toBeLessThanOrEqual(LINE_MAX_CHARS);
  for (const id of started) expect(Number.isInteger(id)).toBe(true);
  // Everything arrives, in order, but for the ends of lines, a carriage return before them, and
  // the marks of starts.
  if (started.length > 0) return;
  const bare = (from: string) => from.replaceAll(/[\r\n]/g, "");
  expect(bare(read.join(""))).toBe(bare(new TextDecoder().decode(bytes)));
});

export const child: readonly Decoder[] = [frames, logLines, tellings, outputs];
