/** Prints events to stderr, one a line: for a person on a terminal, as JSON for programs. */
import {
  type AgentEvent,
  describeEvent,
  type EventLine,
  isLine,
  type Level,
  levels,
  type Source,
} from "../core/events.ts";
import { isJsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import { printableLines } from "../core/printable.ts";

export interface EventLogOptions {
  readonly format: "pretty" | "json";
  readonly level: Level;
  readonly colours: boolean;
  readonly clock: Pick<Clock, "now">;
  readonly write: (text: string) => void;
}

/** A line that is printed: an agent's, or one of the gateway, which has no log but this. */
export type PrintedLine = Omit<EventLine, "source"> & { readonly source: Source | "gateway" };

/** A listener for the bus. */
export function eventLog(options: EventLogOptions): (event: AgentEvent) => void {
  const print = linePrinter(options);
  return (event) => {
    if (isLine(event)) print(describeEvent(event));
  };
}

/** Prints what is of the level that is wanted, or above. */
export function linePrinter(options: EventLogOptions): (told: PrintedLine) => void {
  const least = levels.indexOf(options.level);
  const { clock, colours, format, write } = options;
  return (told) => {
    if (levels.indexOf(told.level) < least) return;
    const time = new Date(clock.now());
    write(`${format === "json" ? jsonLine(told, time) : prettyLine(told, time, colours)}\n`);
  };
}

function jsonLine(told: PrintedLine, time: Date): string {
  return JSON.stringify({ time: time.toISOString(), ...told });
}

const MARKS = { debug: "·", info: " ", warn: "!", error: "E" } as const satisfies Record<
  Level,
  string
>;
const COLOURS = { debug: 90, info: 0, warn: 33, error: 31 } as const satisfies Record<
  Level,
  number
>;

/** A line for a person, at the local time of day. */
export function prettyLine(told: PrintedLine, at: Date, colours: boolean): string {
  const time = at.toTimeString().slice(0, 8);
  const audit = told.auditId === undefined ? "" : `[${shortId(told.auditId)}] `;
  // A plugin's fields say what its message does not; ours are the message again, for programs.
  const fields = told.source === "plugin" ? fieldsText(told) : "";
  const head = `${time} ${MARKS[told.level]} ${told.source.padEnd(7)} ${safe(audit)}`;
  const text = `${head}${safe(told.message + fields)}`;
  return colours && COLOURS[told.level] !== 0
    ? `\u001b[${COLOURS[told.level]}m${text}\u001b[0m`
    : text;
}

/** What tells one id from others: those that begin with a machine's name differ at their end. */
function shortId(auditId: string): string {
  return auditId.includes(":") ? auditId.slice(-SHORT_ID) : auditId.slice(0, SHORT_ID);
}

const SHORT_ID = 8;

/**
 * What a plugin or a backend says must neither steer the terminal nor pass for a line of ours: a
 * control character shows as its code, a further line stands indented.
 */
function safe(text: string): string {
  return printableLines(text.replace(/\r?\n/g, `\n${" ".repeat(CONTINUED)}`));
}

/** How far a further line of one message is indented. */
const CONTINUED = 19;

function fieldsText({ fields }: PrintedLine): string {
  const { event, fields: own } = fields;
  const shown = event === "plugin.event" && isJsonObject(own) ? own : fields;
  return Object.entries(shown)
    .map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("");
}
