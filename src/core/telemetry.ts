/**
 * What a plugin tells whoever follows the machine, beside its log: measurements again and again, and
 * events. Shared by whatever runs plugins; what each dialect makes of them is the adapter's.
 */
import { bytesAsText } from "./bytes.ts";
import { messageOf, ServantError } from "./errors.ts";
import type { Level } from "./events.ts";
import { isJsonObject, isNestedWithin, type Json, type JsonObject } from "./json.ts";
import { plainFields, textOf } from "./plain-fields.ts";

/**
 * A flat object of JSON values, or a number, which is told as `{ value }`; null and undefined are left
 * out: there is nothing to tell now.
 */
export type Reading = number | object | null | undefined;
/** Measures once. */
export type Read = () => Reading | Promise<Reading>;

export interface Telemetry {
  /**
   * Calls `read` at once and then every `intervalMs`, never a second time before it has ended, until
   * the function that this returns is called or the process ends. A stream of the same name is
   * replaced. Names are of letters, digits, `_` and `-`.
   *
   * @throws {ServantError} `usage.invalid`
   */
  stream(name: string, read: Read, intervalMs: number): () => void;
}

/** What happened, for whoever follows the machine; never fails the handler that tells it. */
export interface Events {
  /** Something a person should look at. Severities are free text: `info`, `low`, `high`, ... */
  alert(type: string, severity: string, fields?: JsonObject): void;
  /** A picture or a recording that lies at this address; `type` is `image` unless given. */
  media(url: string, type?: string, fields?: JsonObject): void;
  log(level: Level, message: string, fields?: JsonObject): void;
}

export type EventKind = "alert" | "media" | "log";

/** How many streams a plugin may have at a time. */
export const STREAMS_MAX = 64;
export const STREAM_NAME = /^[A-Za-z0-9_-]{1,64}$/;
export const INTERVAL_MIN_MS = 10;
/** A day. */
export const INTERVAL_MAX_MS = 86_400_000;
/** The largest measurement or event, in characters of JSON. */
export const TOLD_MAX_CHARS = 64 * 1024;

/** @throws {ServantError} `usage.invalid` */
export function checkStream(name: unknown, read: unknown, intervalMs: unknown): void {
  const refuse = (reason: string): never => {
    const shown = JSON.stringify(name)?.slice(0, 100);
    throw new ServantError("usage.invalid", `Cannot stream ${shown}: ${reason}`);
  };
  if (typeof name !== "string" || !STREAM_NAME.test(name)) {
    refuse("a name has 1 to 64 letters, digits, _ and -");
  }
  if (typeof read !== "function") refuse("give a function that measures");
  const isInterval = typeof intervalMs === "number" && intervalMs >= INTERVAL_MIN_MS;
  if (!isInterval || intervalMs > INTERVAL_MAX_MS) {
    refuse(`its interval is ${String(intervalMs)}, give ${INTERVAL_MIN_MS} ms to a day`);
  }
}

/** What is told of a reading; undefined when there is nothing to tell. @throws what is wrong with it */
export function sampleOf(reading: unknown): JsonObject | undefined {
  if (reading === null || reading === undefined) return undefined;
  if (typeof reading === "number") return { value: Number.isFinite(reading) ? reading : null };
  const text = JSON.stringify(reading, bytesAsText) ?? "";
  if (text.length > TOLD_MAX_CHARS) throw new TypeError(`it measured ${text.length} characters`);
  const plain = text === "" ? null : (JSON.parse(text) as Json);
  if (!isJsonObject(plain) || !isNestedWithin(plain)) {
    throw new TypeError("it must measure a number or an object");
  }
  return plain;
}

/** What stands in a log for the failure of a reading. */
export function readingProblem(name: string, cause: unknown): string {
  return `Cannot read "${name}": ${textOf(messageOf(cause)).slice(0, 1_000)}`;
}

/** As Python names them, which is what readers of these events know. */
const LOG_LEVELS = { debug: "DEBUG", info: "INFO", warn: "WARNING", error: "ERROR" } as const;

/** Events over one function that takes them; their own members win over `fields`. */
export function eventsOver(tell: (kind: EventKind, fields: JsonObject) => void): Events {
  const told = (kind: EventKind, own: JsonObject, fields: unknown) =>
    tell(kind, bounded(own, plainFields(fields)));
  return {
    alert: (type, severity, fields) =>
      told("alert", { type: textOf(type), severity: textOf(severity) }, fields),
    media: (url, type = "image", fields = {}) =>
      told("media", { media_url: textOf(url), media_type: textOf(type) }, fields),
    log: (level, message, fields) =>
      told("log", { log_level: LOG_LEVELS[level] ?? "INFO", msg: textOf(message) }, fields),
  };
}

function bounded(own: JsonObject, fields: JsonObject): JsonObject {
  const whole = { ...own, ...fields, ...own };
  const { length } = JSON.stringify(whole);
  if (length <= TOLD_MAX_CHARS) return whole;
  const cut = Object.entries(own).map(([name, text]) => [name, String(text).slice(0, 8_192)]);
  return { ...Object.fromEntries(cut), unprintable: `${length} characters` };
}
