import { expect, test } from "bun:test";
import type { AgentEvent } from "../../src/core/events.ts";
import { LINE_MAX_CHARS, readLines } from "../../src/runner/lines.ts";
import { act, line, never, openChild, pluginSource } from "./plugin-child.ts";

const HANDLERS = `
  @act("speak") async speak(_params, ctx) {
    console.log("log %d", 1, { a: 1 });
    console.debug("debug");
    console.warn("warn");
    console.error("error");
    ctx.log.info("info", { metres: 3.2, box: objectType("box").ref("box_a") });
    ctx.log.warning("warning");
    process.stdout.write("written\\nin two ");
    process.stdout.write(new TextEncoder().encode("pieces ä\\r\\n"));
    process.stderr.write("to stderr\\n");
    await sleep(1);
    console.log("two\\nlines");
    console.log("end of speech");
  }
  @act("tell") async tell({ what }, ctx) {
    await sleep(1);
    console.log("told " + what);
    process.stdout.write("wrote " + what + "\\n");
    return true;
  }
  @act("odd") odd(_params, ctx) {
    const cycle = {}; cycle.self = cycle;
    ctx.log.info("cycle", cycle);
    ctx.log.info("bigint", { n: 1n });
    ctx.log.info("list", [1, 2]);
    ctx.log.info("nothing", null);
    ctx.log.info(new Error("an error"));
    ctx.log.info(undefined);
    ctx.log.info(Object.create(null));
    console.log("end of odd");
  }
  @act("long") async long(_params, ctx) {
    ctx.log.info("\\u0000".repeat(100_000), { field: "x".repeat(200_000) });
    console.log("y".repeat(300_000));
    process.stdout.write("z".repeat(200_000));
    process.stdout.write("\\n");
    console.log("end of long");
  }
  @act("raw") async raw() {
    const { writeSync } = require("node:fs");
    writeSync(1, "raw text\\n");
    writeSync(1, Buffer.from([0xff, 0xfe, 0x00, 0x41, 0x0a]));
    writeSync(1, "\\u001e{ no frame\\n");
    writeSync(1, "\\u001e" + JSON.stringify({ level: "loud", message: "x", fields: {} }) + "\\n");
    writeSync(1, "r".repeat(200_000) + "\\n");
    writeSync(2, "raw warning");
    writeSync(1, "end of raw\\n");
    await sleep(60_000);
  }
  @act("progress") progress(_params, ctx) {
    ctx.progress(0.5, "half");
    ctx.progress(7);
    ctx.progress(-1, "back");
    ctx.progress(NaN, new Error("odd"));
    return true;
  }
`;
const source = pluginSource(HANDLERS);

type LogEvent = Extract<AgentEvent, { type: "plugin.log" }>;
const told = ({ level, message }: LogEvent) => `${level}: ${message}`;

test("all that a handler prints becomes log lines with its audit id, in order", async () => {
  await using child = await openChild(source);
  const assignment = act("speak");
  await child.runner.run(assignment, never);
  await child.seen(line("end of speech"));
  expect(child.logs().map(told)).toEqual([
    "info: log 1 { a: 1 }",
    "debug: debug",
    "warn: warn",
    "error: error",
    "info: info",
    "warn: warning",
    "info: written",
    "info: in two pieces ä",
    "warn: to stderr",
    "info: two\nlines",
    "info: end of speech",
  ]);
  expect(new Set(child.logs().map(({ auditId }) => auditId))).toEqual(
    new Set([assignment.auditId]),
  );
  expect(child.logs()[4]?.fields).toEqual({ metres: 3.2, box: "box_a" });
});

test("lines of assignments that run at once carry each their own audit id", async () => {
  await using child = await openChild(source);
  const assignments = ["a", "b", "c"].map((what) => act("tell", { what }));
  await Promise.all(assignments.map((assignment) => child.runner.run(assignment, never)));
  for (const [index, what] of ["a", "b", "c"].entries()) {
    const auditId = assignments[index]?.auditId as string;
    for (const message of [`told ${what}`, `wrote ${what}`]) {
      expect(await child.seen(line(message))).toMatchObject({ auditId });
    }
  }
});

test("nothing that a handler logs fails it", async () => {
  await using child = await openChild(source);
  expect(await child.runner.run(act("odd"), never)).toMatchObject({ success: true });
  await child.seen(line("end of odd"));
  const lines = child.logs();
  expect(lines[0]?.fields.unprintable).toContain("cyclic");
  expect(lines[1]?.fields.unprintable).toContain("BigInt");
  expect(lines[2]?.fields).toEqual({ value: [1, 2] });
  expect(lines.slice(3, 7).map(({ message, fields }) => [message, fields])).toEqual([
    ["nothing", {}],
    ["an error", {}],
    ["undefined", {}],
    ["a value that cannot be printed", {}],
  ]);
});

test("a very long line arrives whole, in pieces, with its audit id", async () => {
  await using child = await openChild(source);
  const assignment = act("long");
  await child.runner.run(assignment, never);
  await child.seen(line("end of long"));
  const lines = child.logs();
  const joined = lines.map(({ message }) => message).join("");
  expect(joined).toBe(
    `${"\u0000".repeat(100_000)}${"y".repeat(300_000)}${"z".repeat(200_000)}end of long`,
  );
  expect(lines.every(({ message }) => message.length <= LINE_MAX_CHARS)).toBe(true);
  expect(lines.every(({ auditId }) => auditId === assignment.auditId)).toBe(true);
  expect(lines[0]?.fields).toEqual({ unprintable: "200012 characters" });
});

test("what goes past our own output is read as text, whatever it is", async () => {
  await using child = await openChild(source);
  const assignment = act("raw");
  const run = child.runner.run(assignment, never).catch(() => {});
  await child.seen(line("end of raw"));
  await child.close();
  await run;
  const lines = child.logs();
  expect(lines.filter(({ level }) => level === "info").map(({ message }) => message)).toEqual([
    "raw text",
    "\ufffd\ufffd\u0000A",
    "\u001e{ no frame",
    '\u001e{"level":"loud","message":"x","fields":{}}',
    ...("r".repeat(200_000).match(/.{1,196608}/g) ?? []),
    "end of raw",
  ]);
  expect(lines.filter(({ level }) => level === "warn").map(told)).toEqual(["warn: raw warning"]);
  expect(lines[0]?.auditId).toBe(assignment.auditId);
});

test("ctx.progress() becomes events between 0 and 1", async () => {
  await using child = await openChild(source);
  const assignment = act("progress");
  await child.runner.run(assignment, never);
  const { auditId } = assignment;
  const type = "assignment.progress";
  expect(child.events.filter((event) => event.type === type)).toEqual([
    { type, auditId, fraction: 0.5, message: "half" },
    { type, auditId, fraction: 1, message: "" },
    { type, auditId, fraction: 0, message: "back" },
    { type, auditId, fraction: 0, message: "odd" },
  ]);
});

test("readLines() splits at line ends only, wherever the chunks end", async () => {
  const bytes = new TextEncoder().encode("eins\r\nzwö\n\n€nd");
  for (let size = 1; size <= bytes.length; size += 1) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.slice(index * size, (index + 1) * size),
    );
    const lines: string[] = [];
    await readLines(streamOf(chunks), { line: (text) => lines.push(text) });
    expect(lines).toEqual(["eins", "zwö", "", "€nd"]);
  }
});

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}
