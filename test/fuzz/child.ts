/** What a plugin's process sends: frames, output in pieces, log lines, and what handlers return. */
import { expect } from "bun:test";
import fc from "fast-check";
import { catalogue } from "../../src/core/errors.ts";
import { isNestedWithin } from "../../src/core/json.ts";
import { FromChildFrame } from "../../src/runner/frame-schemas.ts";
import { LOG_MARK, START_MARK } from "../../src/runner/frames.ts";
import { LINE_MAX_CHARS, readLines } from "../../src/runner/lines.ts";
import { toLogLine } from "../../src/runner/output.ts";
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

export const child: readonly Decoder[] = [frames, logLines, outputs];
