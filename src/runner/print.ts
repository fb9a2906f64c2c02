/** The child's own side of its output: each line goes out whole, marked, with its audit id. */
import type { Writable } from "node:stream";
import type { AuditId } from "../core/assignment.ts";
import type { ChildTelling } from "../core/child.ts";
import type { Level } from "../core/events.ts";
import type { LogLine } from "../core/handlers.ts";
import { LOG_MARK, START_MARK, TELL_MARK } from "./frames.ts";
import { LINE_MAX_CHARS } from "./lines.ts";

// JSON writes a character as six at the most: a piece and the fields are sure to fit on one line.
const PIECE_MAX_CHARS = 8 * 1024;
/** Room for a small image: 96 KiB as base64. */
const FIELDS_MAX_CHARS = 128 * 1024;
/** The longest unfinished line that is waited for, in characters. */
const PARTIAL_MAX_CHARS = LINE_MAX_CHARS;

/** The line as it is told, with its JSON: a long one in pieces, fields that are too large left out. */
export function* piecesOf(
  line: LogLine,
): Generator<{ readonly line: LogLine; readonly text: string }> {
  const text = JSON.stringify(line);
  if (text.length < LINE_MAX_CHARS) {
    yield { line, text };
    return;
  }
  const { message, fields, ...rest } = line;
  const length = JSON.stringify(fields).length;
  const kept = length <= FIELDS_MAX_CHARS ? fields : { unprintable: `${length} characters` };
  for (let from = 0; from === 0 || from < message.length; from += PIECE_MAX_CHARS) {
    const piece = message.slice(from, from + PIECE_MAX_CHARS);
    const part = { ...rest, message: piece, fields: from === 0 ? kept : {} };
    yield { line: part, text: JSON.stringify(part) };
  }
}

/** Returns when the line is written: a plugin that prints without end waits for its reader. */
export function printLine(line: LogLine): void {
  for (const { text } of piecesOf(line)) writeLine(`${LOG_MARK}${text}`);
}

/** What the plugin tells is bounded in size before it comes here. */
export function printTelling(telling: ChildTelling): void {
  writeLine(tellingText(telling));
}

/** The line that it is told by. */
export function tellingText({ type, ...rest }: ChildTelling): string {
  return `${TELL_MARK}${JSON.stringify({ type, ...rest })}`;
}

/** How long to wait for the reader of a full pipe before the next try, in milliseconds. */
const FULL_PIPE_WAIT_MS = 1;

/**
 * Tells the agent that the work of this id starts. When this returns the agent will know, even if
 * this process ends with its next instruction; when it cannot be told it throws.
 */
export function printStart(id: number): void {
  write(Buffer.from(`${START_MARK}${id}\n`));
}

function writeLine(text: string): void {
  try {
    write(Buffer.from(`${text}\n`));
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code !== "EPIPE") throw cause; // else nobody reads any more: the agent is gone
  }
}

function write(bytes: Buffer): void {
  // Loaded with the first line: it takes time that a child's start does not have.
  const { writeSync } = process.getBuiltinModule("node:fs");
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (cause) {
      const { code } = cause as { code?: unknown };
      if (code !== "EAGAIN") throw cause;
      Bun.sleepSync(FULL_PIPE_WAIT_MS); // the runtime made the pipe non-blocking
    }
  }
}

/**
 * What a plugin prints with `console` carries the audit id of the handler that printed it. Returns
 * what gives the console back.
 */
export function captureConsole(
  auditId: () => AuditId | undefined,
  tell: (line: LogLine) => void,
): () => void {
  const before = { ...console };
  const print =
    (level: Level) =>
    (...values: unknown[]) => {
      const id = auditId();
      // Loaded with the first line: it would be a tenth of a child's start.
      const { format } = process.getBuiltinModule("node:util");
      const line = { level, message: format(...values), fields: {} };
      tell(id === undefined ? line : { ...line, auditId: id });
    };
  Object.assign(console, {
    debug: print("debug"),
    log: print("info"),
    info: print("info"),
    warn: print("warn"),
    error: print("error"),
    trace: print("debug"),
  });
  return () => void Object.assign(console, before);
}

/** What a plugin writes to `process.stdout` and `process.stderr` becomes log lines as well. */
export function captureStreams(auditId: () => AuditId | undefined): void {
  captureStream("stdout", "info", auditId);
  captureStream("stderr", "warn", auditId);
}

function captureStream(
  name: "stdout" | "stderr",
  level: Level,
  auditId: () => AuditId | undefined,
): void {
  const fd = name === "stdout" ? 1 : 2;
  let stream: Writable | undefined;
  const make = () => Object.assign(lineStream(level, auditId), { fd, isTTY: false });
  // Made when first asked for: setting up a stream takes longer than most children's start.
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => {
      stream ??= make();
      return stream;
    },
  });
}

function lineStream(level: Level, auditId: () => AuditId | undefined): Writable {
  const stream = process.getBuiltinModule("node:stream");
  const decoder = new TextDecoder();
  let partial = "";
  const print = (message: string) => {
    const id = auditId();
    printLine({ level, message, fields: {}, ...(id === undefined ? {} : { auditId: id }) });
  };
  process.on("exit", () => {
    if (partial !== "") print(partial);
  });
  return new stream.Writable({
    write(chunk: Uint8Array, _encoding, done) {
      const lines = (partial + decoder.decode(chunk, { stream: true })).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) print(line.replace(/\r$/, ""));
      if (partial.length > PARTIAL_MAX_CHARS) {
        print(partial);
        partial = "";
      }
      done();
    },
  });
}
