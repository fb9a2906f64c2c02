/**
 * Events report, they never command: removing every listener changes nothing. Each kind of event
 * has one line in `describeEvent`, which is what people and log shippers read.
 */
import type { AuditId } from "./assignment.ts";
import type { ErrorCode } from "./errors.ts";
import { expiryText } from "./gateway.ts";
import type { Json, JsonObject } from "./json.ts";
import type { EventKind } from "./telemetry.ts";

export const levels = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof levels)[number];
export const sources = ["agent", "adapter", "runner", "plugin", "backend"] as const;
export type Source = (typeof sources)[number];

export type AgentEvent =
  | { type: "agent.started"; stateDir: string; origin: string }
  | { type: "agent.stopping"; reason: string; inHand: number }
  /** `aside` of the undelivered ones are what the backend did not take while it took others. */
  | { type: "agent.stopped"; undelivered: number; aside?: number }
  | { type: "agent.not-ready"; reason: string; retryInMs: number }
  | { type: "agent.ready" }
  | { type: "machine.unsafe"; reason: string; retryInMs: number }
  | { type: "machine.secured" }
  | { type: "agent.paused"; reason: string }
  | { type: "agent.resumed" }
  | { type: "journal.elsewhere"; origin: string; open: number }
  | { type: "journal.full"; reason: string; retryInMs: number }
  | { type: "journal.recovered" }
  | {
      type: "journal.damaged";
      setAside: string;
      reason: string;
      /** How many entries were read from it, and how many rows could not be. */
      entries?: number;
      unreadable?: number;
    }
  | { type: "servant.registered"; servantId: string; transitions: number; fluents: number }
  | { type: "servant.forgotten"; reason: string; registrations: number }
  | { type: "session.ending"; inS: number }
  | { type: "link.lost"; code: ErrorCode; reason: string; retryInMs: number; failures: number }
  | { type: "link.restored"; failures: number }
  /** Whoever asks connects to us. */
  | { type: "link.listening"; urls: readonly string[]; isExposed: boolean }
  /** What somebody sent there was no request; `count` of them so far. */
  | { type: "link.refused"; address: string; reason: string; count: number }
  | { type: "poll.malformed"; reason: string; count: number }
  | { type: "assignment.accepted"; auditId: AuditId; what: string; held: boolean }
  /** Its backend keeps it meanwhile: what runs leaves it no room, or nothing may start. */
  | { type: "assignment.waiting"; auditId: AuditId; what: string; waitedMs: number }
  | { type: "assignment.started"; auditId: AuditId; what: string }
  | { type: "assignment.cancelled"; auditId: AuditId; reason: string }
  | { type: "assignment.repeated"; auditId: AuditId; phase: string }
  | { type: "assignment.rejected"; auditId: AuditId; code: ErrorCode; reason: string }
  | {
      type: "assignment.finished";
      auditId: AuditId;
      what: string;
      success: boolean;
      message: string;
      tookMs: number;
      /** What the handler measured; a large one stands in the assignment's story alone. */
      telemetry?: Json;
    }
  | { type: "assignment.progress"; auditId: AuditId; fraction: number; message: string }
  | { type: "result.delivered"; auditId: AuditId }
  | { type: "result.delayed"; auditId: AuditId; code: ErrorCode; retryInMs: number; reason: string }
  | { type: "result.aside"; auditId: AuditId; code: ErrorCode; reason: string; aside: number }
  | { type: "result.refused"; auditId: AuditId; code: ErrorCode; reason: string }
  | { type: "door.opened"; url: string; isElsewhere: boolean }
  | { type: "door.trouble"; reason: string }
  | { type: "log.dropping"; reason: string }
  | { type: "log.recovered"; dropped: number }
  | { type: "child.started"; pid: number }
  | { type: "child.ended"; pid: number; reason: string }
  | { type: "plugin.dropped"; lines: number; what?: "events" | "samples" | "streams" }
  /**
   * What a handler tells whoever follows the machine, beside its log. `fields` has `type` and
   * `severity` of an alert, `media_url` and `media_type`, or `log_level` and `msg`, and what it adds.
   */
  | { type: "plugin.event"; kind: EventKind; auditId?: AuditId; fields: JsonObject }
  /**
   * The plugin measures something again and again from now on, or at another interval, or no longer;
   * its process ended, maybe. Whoever wants to know all that are open listens from the start.
   */
  | { type: "plugin.stream"; name: string; intervalMs: number; isOpen: boolean }
  /** One measurement: data, not a line of the log. */
  | { type: "plugin.sample"; name: string; value: JsonObject }
  | { type: "plugin.log"; level: Level; auditId?: AuditId; message: string; fields: JsonObject }
  | { type: "backend.log"; level: Level; message: string; fields: JsonObject };

/** A measurement is data: no line is made of it, or streams would fill every log. */
export function isLine({ type }: AgentEvent): boolean {
  return type !== "plugin.sample";
}

/** What a person or a log shipper reads of an event. */
export interface EventLine {
  readonly level: Level;
  readonly source: Source;
  readonly message: string;
  readonly auditId?: AuditId;
  readonly fields: Readonly<Record<string, Json>>;
}

let last: { readonly event: AgentEvent; readonly line: EventLine } | undefined;

/**
 * The one line that tells an event; its own members become the fields. Those who listen to a bus ask
 * for it one after the other: it is phrased once for all of them.
 */
export function describeEvent(event: AgentEvent): EventLine {
  if (last?.event !== event) last = { event, line: lineOf(event) };
  return last.line;
}

function lineOf(event: AgentEvent): EventLine {
  if (event.type === "plugin.log" || event.type === "backend.log") {
    const { type, level, message, fields } = event;
    const source = type === "plugin.log" ? "plugin" : "backend";
    const auditId = type === "plugin.log" ? event.auditId : undefined;
    return { level, source, message, fields, ...(auditId === undefined ? {} : { auditId }) };
  }
  const { type, ...members } = event;
  const { auditId, ...fields } = members as { auditId?: AuditId } & Record<string, Json>;
  const [level, message] = phrase(event);
  return {
    level,
    source: sourceOf(type),
    message,
    fields: { event: type, ...fields },
    ...(auditId === undefined ? {} : { auditId }),
  };
}

function sourceOf(type: AgentEvent["type"]): Source {
  if (type.startsWith("child.") || type === "plugin.dropped") return "runner";
  if (type.startsWith("plugin.")) return "plugin";
  return /^(link|poll|servant|session)\./.test(type) ? "adapter" : "agent";
}

type Phrased = Exclude<AgentEvent, { type: "plugin.log" | "backend.log" }>;

function phrase(event: Phrased): [Level, string] {
  switch (event.type) {
    case "agent.started":
      return ["info", `started for ${event.origin}, state in ${event.stateDir}`];
    case "agent.stopping":
      return ["info", `stopping (${event.reason}), ${event.inHand} in hand`];
    case "agent.stopped":
      return event.undelivered === 0
        ? ["info", "stopped"]
        : ["warn", `stopped, ${event.undelivered} results wait in the journal${asideText(event)}`];
    case "agent.not-ready":
      return ["warn", `not ready, taking no work${soon(event)}: ${event.reason}`];
    case "agent.ready":
      return ["info", "ready for work again"];
    case "machine.unsafe":
      return ["error", `the machine may be unsafe${soon(event)}: ${event.reason}`];
    case "machine.secured":
      return ["info", "the machine was made safe"];
    case "agent.paused":
      return ["warn", `paused: ${event.reason}; no action is taken or started until it is resumed`];
    case "agent.resumed":
      return ["info", "resumed"];
    case "journal.elsewhere":
      return ["warn", `${event.open} entries belong to ${event.origin}: kept, not sent`];
    case "journal.full":
      return ["error", `cannot write the journal: ${event.reason}; taking no work`];
    case "journal.recovered":
      return ["info", "the journal can be written again"];
    case "journal.damaged":
      return ["error", damagedLine(event)];
    case "servant.registered":
      return ["info", `registered as servant ${event.servantId}`];
    case "servant.forgotten":
      return ["warn", `${event.reason}; registering again`];
    case "session.ending":
      return ["warn", `the session ${expiryText(event.inS)}`];
    case "link.lost":
      return ["warn", `${event.reason}; trying again in ${event.retryInMs / 1000} s`];
    case "link.restored":
      return ["info", `the backend answers again after ${event.failures} failures`];
    case "link.listening":
      return listeningLine(event);
    case "link.refused":
      return ["warn", `refused what ${event.address} sent: ${event.reason}`];
    case "poll.malformed":
      return ["warn", `the backend sent what is no assignment: ${event.reason}`];
    case "assignment.accepted":
      return ["debug", `accepted ${event.what}${event.held ? ", waits for its turn" : ""}`];
    case "assignment.waiting":
      return ["info", `${event.what} waits for its turn: \`agent status\` shows what is before it`];
    case "assignment.started":
      return ["info", `started ${event.what}`];
    case "assignment.cancelled":
      return ["warn", `called off: ${event.reason}`];
    case "assignment.repeated":
      return ["info", `seen again, it is ${event.phase}: not run twice`];
    case "assignment.rejected":
      return ["warn", `answered failed: ${event.reason}`];
    case "assignment.finished":
      return [event.success ? "info" : "warn", finishedLine(event)];
    case "assignment.progress":
      return ["info", `${Math.round(event.fraction * 100)} % ${event.message}`.trim()];
    case "result.delivered":
      return ["debug", "result delivered"];
    case "result.delayed":
      return ["warn", `result waits: ${event.reason}; trying again in ${event.retryInMs / 1000} s`];
    case "result.aside":
      return ["warn", `the result waits aside (${event.aside} do), others pass: ${event.reason}`];
    case "result.refused":
      return ["error", `the backend will not take the result: ${event.reason}`];
    case "door.opened":
      return [
        "info",
        `local door on ${event.url}${event.isElsewhere ? ", its port is taken" : ""}`,
      ];
    case "door.trouble":
      return ["warn", `the local door: ${event.reason}`];
    case "log.dropping":
      return ["warn", `the log on disk takes no lines: ${event.reason}`];
    case "log.recovered":
      return ["info", `the log on disk takes lines again, ${event.dropped} are missing`];
    case "plugin.event":
      return eventLine(event);
    case "plugin.stream":
      return ["debug", streamLine(event)];
    case "plugin.sample":
      return ["debug", `${event.name}: ${JSON.stringify(event.value)}`];
    case "plugin.dropped":
      return ["warn", droppedLine(event)];
    case "child.started":
      return ["debug", `plugin process ${event.pid} started`];
    case "child.ended":
      return ["warn", `plugin process ${event.pid} ended: ${event.reason}`];
  }
}

/** The longest text of a plugin's event in a line, in characters. */
const TOLD_MAX_CHARS = 200;
const LEVELS: Readonly<Record<string, Level>> = { DEBUG: "debug", WARNING: "warn", ERROR: "error" };

function eventLine(event: Extract<AgentEvent, { type: "plugin.event" }>): [Level, string] {
  const { kind, fields } = event;
  const cut = (text: string) =>
    text.length <= TOLD_MAX_CHARS ? text : `${text.slice(0, TOLD_MAX_CHARS)}...`;
  if (kind === "log") return [LEVELS[String(fields.log_level)] ?? "info", cut(`${fields.msg}`)];
  if (kind === "media") return ["info", cut(`${fields.media_type}: ${fields.media_url}`)];
  return ["warn", cut(`alert: ${fields.type} (${fields.severity})`)];
}

function droppedLine({ lines, what }: Extract<AgentEvent, { type: "plugin.dropped" }>): string {
  const too = what === undefined ? "prints too much" : "tells too much";
  return `the plugin ${too}: ${lines} ${what ?? "lines"} of a second are not told`;
}

function streamLine(event: Extract<AgentEvent, { type: "plugin.stream" }>): string {
  const { name, intervalMs, isOpen } = event;
  return isOpen ? `measures ${name} every ${intervalMs} ms` : `measures ${name} no more`;
}

function soon({ retryInMs }: { readonly retryInMs: number }): string {
  return retryInMs === 0 ? "" : ` (trying again in ${retryInMs / 1000} s)`;
}

function asideText({ aside = 0 }: { aside?: number }): string {
  return aside === 0 ? "" : `, ${aside} of them aside`;
}

function damagedLine(event: Extract<AgentEvent, { type: "journal.damaged" }>): string {
  const { reason, setAside, entries, unreadable } = event;
  const read = entries === undefined ? "" : `; ${entries} entries were read from it`;
  const lost = unreadable === undefined ? "" : `, ${unreadable} rows or pages could not be`;
  return `the journal was damaged (${reason}), kept as ${setAside}${read}${lost}`;
}

function listeningLine(event: Extract<AgentEvent, { type: "link.listening" }>): [Level, string] {
  const listening = `listening on ${event.urls.join(" and ")}`;
  if (!event.isExposed) return ["info", listening];
  return ["warn", `${listening}: whoever reaches it moves the machine, its clients log in nowhere`];
}

function finishedLine(event: Extract<AgentEvent, { type: "assignment.finished" }>): string {
  const outcome = event.success ? "done" : "failed";
  const message = event.message === "" ? "" : `: ${event.message}`;
  return `${event.what} ${outcome} in ${Math.round(event.tookMs)} ms${message}`;
}
