/** What a child prints, as log lines: its marked ones as they are, any other line as text. */
import type { AuditId } from "../core/assignment.ts";
import type { ChildTelling } from "../core/child.ts";
import type { LogLine } from "../core/handlers.ts";
import { LogFrame, TellFrame } from "./frame-schemas.ts";
import { LOG_MARK, TELL_MARK } from "./frames.ts";

/** The log line of one line of output; `auditId` is whose it is when it does not say itself. */
export function toLogLine(
  line: string,
  level: "info" | "warn",
  auditId: AuditId | undefined,
): LogLine {
  if (line.startsWith(LOG_MARK)) {
    const frame = LogFrame.safeParse(parsedJson(line.slice(LOG_MARK.length)));
    if (frame.success) return frame.data;
  }
  return { level, message: line, fields: {}, ...(auditId === undefined ? {} : { auditId }) };
}

/** What the plugin tells by this line; undefined when it tells nothing that could be read. */
export function toTelling(line: string): ChildTelling | undefined {
  return TellFrame.safeParse(parsedJson(line.slice(TELL_MARK.length))).data;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a plugin may print the mark too: then it is ordinary output
  }
}
