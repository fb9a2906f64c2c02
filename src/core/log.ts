/**
 * The numbered log: what each event says, one line each, numbered without a hole. The numbers go
 * on over restarts, so that whoever lost the thread can say from where to go on.
 */
import { type EventLine, type Level, levels, type Source, sources } from "./events.ts";
import type { JsonObject } from "./json.ts";

export interface NumberedLine extends EventLine {
  /** From 1; one more than the line before. */
  readonly seq: number;
  /** ISO 8601, UTC: may jump, `seq` does not. */
  readonly time: string;
}

/** Which lines a reader wants; what is absent excludes nothing. */
export interface LogFilter {
  /** This level and those above. */
  readonly level?: Level | undefined;
  readonly sources?: readonly Source[] | undefined;
  readonly auditId?: string | undefined;
  /** Stands in the message, in whatever case. */
  readonly text?: string | undefined;
}

/** The longest message of a line, in characters; a longer one is cut. */
export const MESSAGE_MAX_CHARS = 16 * 1024;
/** The longest line as JSON, in characters; a longer one loses its fields. */
export const LINE_TEXT_MAX_CHARS = 192 * 1024;

/**
 * The same filter in one form: two that let the same lines through have equal texts as JSON (but
 * for texts that contain one another). `matches` takes this form alone.
 */
export function canonicalFilter({ level, sources: wanted, auditId, text }: LogFilter): LogFilter {
  const some = wanted && sources.filter((source) => wanted.includes(source));
  return {
    ...(level === undefined || level === levels[0] ? {} : { level }),
    ...(some === undefined || some.length === sources.length ? {} : { sources: some }),
    ...(auditId === undefined ? {} : { auditId }),
    ...(text === undefined || text === "" ? {} : { text: text.toLowerCase() }),
  };
}

/** Whether a line passes a canonical filter. */
export function matches(filter: LogFilter, line: EventLine): boolean {
  const { level, sources: wanted, auditId, text } = filter;
  if (level !== undefined && levels.indexOf(line.level) < levels.indexOf(level)) return false;
  if (wanted !== undefined && !wanted.includes(line.source)) return false;
  if (auditId !== undefined && line.auditId !== auditId) return false;
  return text === undefined || line.message.toLowerCase().includes(text);
}

/** A line and its JSON, bounded in length. The JSON begins with `seq` and `time`: see `headOf`. */
export function numbered(
  seq: number,
  time: string,
  told: EventLine,
): { readonly line: NumberedLine; readonly text: string } {
  const line = inOrder(seq, time, told, cut(told.message), told.fields);
  const text = JSON.stringify(line);
  if (text.length <= LINE_TEXT_MAX_CHARS) return { line, text };
  const fields = { unprintable: `${text.length} characters` };
  const short = inOrder(seq, time, told, line.message, fields);
  return { line: short, text: JSON.stringify(short) };
}

/** A line's members in the one order that all its readers may rely on. */
function inOrder(
  seq: number,
  time: string,
  { level, source, auditId }: EventLine,
  message: string,
  fields: JsonObject,
): NumberedLine {
  return auditId === undefined
    ? { seq, time, level, source, message, fields }
    : { seq, time, level, source, auditId, message, fields };
}

function cut(message: string): string {
  if (message.length <= MESSAGE_MAX_CHARS) return message;
  const rest = message.length - MESSAGE_MAX_CHARS;
  return `${message.slice(0, MESSAGE_MAX_CHARS)} (and ${rest} characters)`;
}

/** The number and time of a line from its JSON; undefined for what is no line of ours. */
export function headOf(
  text: string,
): { readonly seq: number; readonly timeMs: number } | undefined {
  const head = /^\{"seq":(\d{1,16}),"time":"([^"]{20,30})",/.exec(text);
  if (head === null) return undefined;
  const timeMs = Date.parse(head[2] ?? "");
  return Number.isNaN(timeMs) ? undefined : { seq: Number(head[1]), timeMs };
}

/** A stretch of the log: whole lines as NDJSON, numbered without a hole. */
export interface LogChunk {
  readonly first: number;
  readonly last: number;
  readonly bytes: Uint8Array;
}

/** The log that outlives the process. It serves the log alone: nothing here ever fails the agent. */
export interface LogStore {
  /** The number that the next line gets. */
  readonly nextSeq: number;
  /** Copies lines that are to be kept; never throws and never waits. */
  append(chunk: LogChunk): void;
  /**
   * Some of the lines kept from this number on. They begin before it when they are stored
   * together, later when what was between is lost. Undefined: there are none.
   */
  read(fromSeq: number): Promise<LogChunk | undefined>;
  /** The number of the first line kept that is not older than this; undefined when there is none. */
  seqAt(timeMs: number): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Splits whole lines. */
export function linesOf(ndjson: string): string[] {
  const lines = ndjson.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
