/**
 * What a PUDA machine tells beside its answers: telemetry, events, its state, its commands, and who
 * it is when it is pinged. Each is one flat object that begins with its timestamp.
 */
import * as z from "zod/mini";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { timestampOf } from "./puda.ts";

/** Every such payload: its time, then its own members. */
export function told(epochMs: number, members: JsonObject = {}): JsonObject {
  return { timestamp: timestampOf(epochMs), ...members };
}

/** A sample of a telemetry stream; null is no sample. */
export function sampleOf(value: Json): JsonObject | undefined {
  if (value === null) return undefined;
  return isJsonObject(value) ? value : { value };
}

/** In percent, `temp` in degrees Celsius. */
export interface Health {
  readonly cpu: number | null;
  readonly mem: number | null;
  readonly temp: number | null;
}
export const toHealth = (epochMs: number, { cpu, mem, temp }: Health) =>
  told(epochMs, { cpu, mem, temp });

export type LogLevel = "DEBUG" | "INFO" | "WARNING" | "ERROR";
export function toLog(epochMs: number, level: LogLevel, msg: string, extra: JsonObject = {}) {
  return told(epochMs, { log_level: level, msg, ...extra });
}
export function toAlert(epochMs: number, type: string, severity: string, extra: JsonObject = {}) {
  return told(epochMs, { type, severity, ...extra });
}
export function toMedia(epochMs: number, url: string, type = "image", extra: JsonObject = {}) {
  return told(epochMs, { media_url: url, media_type: type, ...extra });
}

// ─── State and commands, in their buckets ───────────────────────────────────────────────────────

/** Of the newest machines; older ones say `active` too, or whatever they like. */
export type MachineState = "idle" | "busy" | "paused" | "error" | "offline";
export function toState(
  epochMs: number,
  state: MachineState,
  runId: string | null,
  extra: JsonObject = {},
): JsonObject {
  return told(epochMs, { state, run_id: runId, ...extra });
}
export const StateValue = z.looseObject({
  timestamp: z.nullish(z.string()),
  state: z.nullish(z.string()),
  run_id: z.nullish(z.string()),
});
export type StateValue = z.infer<typeof StateValue>;

/** What a person should know before a command; nobody enforces it. */
export const Safety = z.looseObject({
  summary: z.nullish(z.string()),
  hazards: z.nullish(z.array(z.string())),
  requires: z.nullish(z.unknown()),
  forbidden_when: z.nullish(z.unknown()),
  confirm: z.nullish(z.unknown()),
});
const CatalogueEntry = z.looseObject({
  name: z.string(),
  signature: z.nullish(z.string()),
  doc: z.nullish(z.string()),
  safety: z.nullish(Safety),
});
export const CommandsValue = z.looseObject({
  commands: z.nullish(z.string()),
  catalog: z.nullish(z.array(CatalogueEntry)),
});

export interface CommandOffer {
  readonly name: string;
  /** `(grams: number, slow?: boolean)` */
  readonly signature: string;
  readonly doc: string;
  readonly safety?: JsonObject | null;
}

/** The text is for people: each signature, its doc indented under it. */
export function toCommands(offers: readonly CommandOffer[]): JsonObject {
  const texts = offers.map(({ name, signature, doc }) =>
    [name + signature, ...(doc === "" ? [] : doc.split("\n").map((line) => `    ${line}`))].join(
      "\n",
    ),
  );
  return {
    commands: texts.join("\n\n"),
    catalog: offers.map(({ name, signature, doc, safety = null }) => ({
      name,
      signature,
      doc,
      safety,
    })),
  };
}

// ─── Ping ───────────────────────────────────────────────────────────────────────────────────────

export const PING = "ping";
/** Case and blanks around it are ignored. */
export function isPing(text: string): boolean {
  return text.length < 100 && text.trim().toLowerCase() === PING;
}

export interface StreamOffer {
  readonly name: string;
  readonly subject: string;
  /** In seconds. */
  readonly interval: number;
  readonly description: string | null;
}
export interface About {
  readonly id: string;
  readonly version: string;
  readonly uptimeS: number;
  readonly isBusy: boolean;
  readonly streams: readonly StreamOffer[];
  /** Such as `description`, `local_ip`, `e2e_encrypt_kid`: what is known. */
  readonly extra?: JsonObject;
}
export function toPong(epochMs: number, about: About): JsonObject {
  const { id, version, uptimeS, isBusy, streams, extra } = about;
  return {
    status: "pong",
    machine_id: id,
    timestamp: timestampOf(epochMs),
    sdk_version: version,
    uptime_seconds: Math.round(uptimeS * 1000) / 1000,
    run_status: isBusy ? "busy" : "idle",
    tlm_streams: streams.map((each) => ({ ...each })),
    ...extra,
  };
}
export function toPingRefusal(epochMs: number, id: string): JsonObject {
  const timestamp = timestampOf(epochMs);
  return { status: "error", machine_id: id, timestamp, message: "expected ping" };
}
export const Pong = z.looseObject({
  status: z.string(),
  machine_id: z.string(),
  timestamp: z.nullish(z.string()),
  sdk_version: z.nullish(z.string()),
  uptime_seconds: z.nullish(z.number()),
  run_status: z.nullish(z.string()),
  description: z.nullish(z.string()),
});
export type Pong = z.infer<typeof Pong>;
