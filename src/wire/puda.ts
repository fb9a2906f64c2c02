/**
 * PUDA's messages, as data: a command, and the same message again with the response in it. Three
 * generations of commanders lose an answer in silence when it lacks a member of theirs, so what was
 * received is kept as it is and echoed, member for member. Read loosely, since each generation knows
 * other members; what is optional anywhere is optional here.
 */
import * as z from "zod/mini";
import type { Result } from "../core/assignment.ts";
import type { ErrorCode } from "../core/errors.ts";
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../core/json.ts";

/** Every code that a commander takes. A response with any other is lost on its way, in silence. */
export const RESPONSE_CODES = [
  "COMMAND_CANCELLED",
  "JSON_DECODE_ERROR",
  "EXECUTION_ERROR",
  "EXECUTION_LOCKED",
  "UNKNOWN_COMMAND",
  "PAUSE_ERROR",
  "RESUME_ERROR",
  "CANCEL_ERROR",
  "NO_EXECUTION",
  "RUN_ID_MISMATCH",
  "MISSING_RUN_ID",
  "MACHINE_PAUSED",
] as const;
export type ResponseCode = (typeof RESPONSE_CODES)[number];
/** What an immediate command may be named. Compared in lower case. */
export const IMMEDIATE_NAMES = ["pause", "resume", "cancel", "start", "complete", "reset"] as const;
export type ImmediateName = (typeof IMMEDIATE_NAMES)[number];

export type Response =
  | {
      readonly status: "success";
      readonly completed_at: string;
      readonly code: null;
      readonly message: string | null;
      readonly data: JsonObject | null;
    }
  | {
      readonly status: "error";
      readonly completed_at: string;
      /** Never null: such an answer would be lost. */
      readonly code: ResponseCode;
      readonly message: string | null;
      readonly data: JsonObject | null;
    };

/** A command that could be read. */
export interface Command {
  readonly name: string;
  /** `params` with `kwargs` over it. */
  readonly params: JsonObject;
  readonly step: number;
  /** Null and `""` are different things to a machine; one that is absent is null. */
  readonly runId: string | null;
  /** The commanders of the first generation say no user, and start no runs. */
  readonly isFirstGeneration: boolean;
  /** Set when it says that it is for another machine, or no command at all. */
  readonly mismatch: string | undefined;
  /** As received: what an answer echoes. */
  readonly message: JsonObject;
}

/** Whole seconds of UTC, as every timestamp of this wire is written. */
export function timestampOf(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

// ─── Reading a command ──────────────────────────────────────────────────────────────────────────

/** Numbers in strings are taken, as the peers take them. */
export const Step = z.pipe(
  z.union([z.number(), z.string().check(z.regex(/^\s*[+-]?\d{1,16}(?:\.0*)?\s*$/))]),
  z.pipe(z.transform(Number), z.int()),
);
const Members = z.nullish(
  z.custom<JsonObject>((value) => isJsonObject(value), "expected an object"),
);
// What is not read here is left out: an answer echoes the message as it came.
const Header = z.object({
  message_type: z.nullish(z.string()),
  machine_id: z.nullish(z.string()),
  run_id: z.nullish(z.string()),
  user_id: z.nullish(z.string()),
});
const CommandMembers = z.object({
  name: z.string().check(z.minLength(1)),
  params: Members,
  kwargs: Members,
  step_number: Step,
  machine_id: z.nullish(z.string()),
});
export const CommandMessage = z.object({ header: Header, command: CommandMembers });

/** A command of a JSON object; a text that says what is wrong where it is none. */
export function readCommand(message: Json, id: string): Command | string {
  if (!isJsonObject(message)) return "it is no object";
  const { data, error } = CommandMessage.safeParse(message);
  if (data === undefined) return problemOf(error);
  const { header, command } = data;
  const { params, kwargs } = command;
  return {
    name: command.name,
    params: kwargs ? { ...params, ...kwargs } : (params ?? {}),
    step: command.step_number,
    runId: header.run_id ?? null,
    isFirstGeneration: header.user_id === undefined,
    mismatch: mismatchOf(data, id),
    message,
  };
}

function problemOf(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  const place = issue?.path.join(".") ?? "";
  return place === "" ? "it is no command" : `${place}: ${issue?.message ?? "it is wrong"}`;
}

function mismatchOf({ header, command }: z.infer<typeof CommandMessage>, id: string) {
  const type = header.message_type ?? "command";
  if (type !== "command") return `it says that it is a "${type}"`;
  const other = [header.machine_id, command.machine_id].find((each) => each && each !== id);
  return other ? `it says that it is for "${other}"` : undefined;
}

/**
 * The same for two commands that ask for the same: run, step, name and parameters, whoever sent
 * them whenever. Commanders publish again when they heard no confirmation.
 */
export function sameness({ runId, step, name, params }: Command): string {
  return canonicalJson([runId, step, name, params]);
}

// ─── Responses ──────────────────────────────────────────────────────────────────────────────────

export function succeeded(epochMs: number, data: JsonObject | null = null): Response {
  const completed_at = timestampOf(epochMs);
  return { status: "success", completed_at, code: null, message: null, data };
}

export function failed(epochMs: number, code: ResponseCode, message: string): Response {
  return { status: "error", completed_at: timestampOf(epochMs), code, message, data: null };
}

/** What is nothing of these ended in an `EXECUTION_ERROR`. */
const CODE_OF: Partial<Record<ErrorCode, ResponseCode>> = {
  "assignment.malformed": "JSON_DECODE_ERROR",
  "assignment.unknown": "UNKNOWN_COMMAND",
  "handler.cancelled": "COMMAND_CANCELLED",
  "machine.locked": "EXECUTION_LOCKED",
  "machine.paused": "MACHINE_PAUSED",
  "run.cancelled": "COMMAND_CANCELLED",
  "run.mismatch": "RUN_ID_MISMATCH",
};

/**
 * A result of ours in this dialect's words. What was called off is answered so, however it ended: whoever
 * cancels must not read that the run went on. What it did all the same stands in message and data.
 */
export function toResponse(result: Result, epochMs: number, cancelled?: string): Response {
  const { success, code, message, telemetry } = result;
  const completed_at = timestampOf(epochMs);
  const said = message === "" ? null : message;
  const all = dataOf(telemetry);
  // A handler that returned nothing: None in Python.
  const data = all !== null && Object.keys(all).length > 0 ? all : null;
  if (cancelled !== undefined) {
    const ending = success ? `${cancelled}; it was carried out all the same` : (said ?? cancelled);
    return { status: "error", completed_at, code: "COMMAND_CANCELLED", message: ending, data };
  }
  if (success) return { status: "success", completed_at, code: null, message: said, data };
  const wireCode = (code && CODE_OF[code]) ?? "EXECUTION_ERROR";
  return {
    status: "error",
    completed_at,
    code: wireCode,
    message: said,
    data,
  };
}

/** Anything but an object is `{"result": x}`: an answer whose data is no object is lost. */
export function dataOf(value: Json): JsonObject | null {
  return value === null || isJsonObject(value) ? value : { result: value };
}

/** The message as it was received, with the response in it. */
export function answerTo(message: JsonObject, response: Response, epochMs: number): JsonObject {
  const header = message.header as JsonObject;
  const timestamp = timestampOf(epochMs);
  return { ...message, header: { ...header, message_type: "response", timestamp }, response };
}

// ─── What a commander writes, and reads ─────────────────────────────────────────────────────────

export interface Sender {
  readonly userId: string;
  readonly username: string;
}
export interface CommandSpec {
  readonly machine: string;
  readonly name: string;
  readonly params?: JsonObject | undefined;
  readonly step: number;
  readonly runId: string | null;
}

/** A command with every member that any generation of machines asks for. */
export function toCommandMessage(spec: CommandSpec, sender: Sender, epochMs: number): JsonObject {
  const { machine, name, params = {}, step, runId } = spec;
  return {
    header: {
      version: "1.0",
      message_type: "command",
      user_id: sender.userId,
      username: sender.username,
      machine_id: machine,
      // Python turns an empty one into null before sending: a machine reads "" as a mismatch.
      run_id: runId === "" ? null : runId,
      timestamp: timestampOf(epochMs),
    },
    command: { name, params, kwargs: {}, step_number: step, version: "1.0", machine_id: machine },
    response: null,
  };
}

/** A response, as a commander of ours takes it: more than the peers' own do. */
export const ResponseMessage = z.looseObject({
  header: z.looseObject({
    run_id: z.nullish(z.string()),
    machine_id: z.nullish(z.string()),
  }),
  command: z.nullish(z.looseObject({ name: z.nullish(z.string()), step_number: z.nullish(Step) })),
  response: z.looseObject({
    status: z.string(),
    completed_at: z.nullish(z.string()),
    code: z.nullish(z.string()),
    message: z.nullish(z.string()),
    data: z.optional(z.custom<Json>((value) => value !== undefined)),
  }),
});
export type ResponseMessage = z.infer<typeof ResponseMessage>;
