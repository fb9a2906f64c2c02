/**
 * PUDA's messages as bytes: how a payload is read, what can still be read of one that is broken, and
 * how an answer is written that a server takes, whatever the result was.
 */
import { messageOf } from "../core/errors.ts";
import {
  isFiniteWithin,
  isJsonObject,
  isNestedWithin,
  type Json,
  type JsonObject,
} from "../core/json.ts";
import { answerTo, type Command, failed, type Response, readCommand, Step } from "./puda.ts";

/** What came instead of a command. */
export interface BrokenCommand {
  readonly problem: string;
  /** A message that its sender finds again as its own; undefined when run and step are not known. */
  readonly message: JsonObject | undefined;
}

const strict = new TextDecoder("utf-8", { fatal: true });
const lenient = new TextDecoder();
const encoder = new TextEncoder();

/** @throws when it is no JSON, nests too deep, or holds a number that JSON cannot write again. */
export function readJson(payload: Uint8Array): Json {
  const value = JSON.parse(strict.decode(payload)) as Json;
  if (!isNestedWithin(value)) throw new Error("It nests too deep");
  if (!isFiniteWithin(value)) throw new Error("It holds a number that is too large");
  return value;
}

/** The command in a payload for this machine, or what can be read of one. Never throws. */
export function readPayload(payload: Uint8Array, id: string): Command | BrokenCommand {
  let value: Json;
  try {
    value = readJson(payload);
  } catch (cause) {
    return { problem: messageOf(cause), message: salvagedFrom(lenient.decode(payload), id) };
  }
  const command = readCommand(value, id);
  if (typeof command !== "string") return command;
  return { problem: command, message: isJsonObject(value) ? mended(value, id) : undefined };
}

export function isBroken(read: Command | BrokenCommand): read is BrokenCommand {
  return "problem" in read;
}

// ─── A broken command ───────────────────────────────────────────────────────────────────────────

/** The same message with every member so that a commander takes the echo. */
function mended(message: JsonObject, id: string): JsonObject | undefined {
  const { header, command } = message;
  if (!isJsonObject(header) || !isJsonObject(command)) return undefined;
  const step = Step.safeParse(command.step_number);
  if (typeof header.run_id !== "string" || !step.success) return undefined;
  const text = (value: Json | undefined, fallback: string) =>
    typeof value === "string" ? value : fallback;
  const members = (value: Json | undefined) => (isJsonObject(value) ? value : {});
  return {
    ...message,
    header: {
      ...header,
      version: text(header.version, "1.0"),
      user_id: text(header.user_id, ""),
      username: text(header.username, ""),
      machine_id: text(header.machine_id, id),
    },
    command: {
      ...command,
      name: text(command.name, ""),
      params: members(command.params),
      kwargs: members(command.kwargs),
      version: text(command.version, "1.0"),
      machine_id: text(command.machine_id, id),
    },
  };
}

/** Of a text that is no JSON: its run and step where it names one of each, and no other. */
function salvagedFrom(text: string, id: string): JsonObject | undefined {
  const run = onlyOne(text, /"run_id"\s*:\s*"([^"\\]{1,200})"/g);
  const step = onlyOne(text, /"step_number"\s*:\s*"?(-?\d{1,15})"?\s*[,}]/g);
  if (run === undefined || step === undefined) return undefined;
  const said = (name: string) =>
    onlyOne(text, new RegExp(`"${name}"\\s*:\\s*"([^"\\\\]{0,200})"`, "g"));
  const header = { run_id: run, user_id: said("user_id") ?? "", username: said("username") ?? "" };
  const command = { name: said("name") ?? "", step_number: Number(step) };
  return mended({ header, command }, id);
}

function onlyOne(text: string, pattern: RegExp): string | undefined {
  const found = new Set<string>();
  for (const [, value] of text.matchAll(pattern)) if (value !== undefined) found.add(value);
  const [first] = found;
  return found.size === 1 ? first : undefined;
}

// ─── An answer ──────────────────────────────────────────────────────────────────────────────────

export interface Written {
  readonly text: string;
  /** What could not be told, and why; the answer says so too. */
  readonly problem?: string;
}

/** The Python commanders lose an answer in silence that nests from about 198 levels on. */
const ANSWER_DEPTH_MAX = 190;
/** Longer messages of an answer that was too large are cut. */
const MESSAGE_MAX_CHARS = 500;

/**
 * The answer as text of `maxBytes` at most, never a throw: a result that cannot be written or is too
 * large becomes an error that says so, and where even that is too large its echo loses the
 * parameters. A message without a run is never answered: the Python commanders take such an answer
 * again and again, without end.
 */
export function writeAnswer(
  message: JsonObject,
  response: Response,
  epochMs: number,
  maxBytes: number,
): Written {
  const whole = written(message, response, epochMs);
  const problem =
    typeof whole === "string" ? tooLarge(whole, maxBytes) : `it cannot be written: ${whole.reason}`;
  if (problem === undefined) return { text: whole as string };
  const instead = inPlaceOf(response, problem, epochMs);
  for (const echo of [message, slim(message)]) {
    const text = written(echo, instead, epochMs);
    if (typeof text === "string" && tooLarge(text, maxBytes) === undefined)
      return { text, problem };
  }
  return { text: wellFormed(JSON.stringify(answerTo(bare(message), instead, epochMs))), problem };
}

function written(message: JsonObject, response: Response, epochMs: number) {
  try {
    const answer = answerTo(message, response, epochMs);
    if (!isNestedWithin(answer, ANSWER_DEPTH_MAX)) return { reason: "it nests too deep" };
    return wellFormed(JSON.stringify(answer));
  } catch (cause) {
    return { reason: messageOf(cause) };
  }
}

/**
 * A text that was cut inside a character leaves half of one, which JSON writes as an escape and the
 * Python commanders read as no JSON at all. `\udXXX` in what `JSON.stringify` wrote is such a half.
 */
function wellFormed(json: string): string {
  if (!json.includes("\\ud")) return json;
  return json.replace(/\\(?:ud[89a-f][0-9a-f]{2}|.)/g, (half) =>
    half.length > 2 ? "\ufffd" : half,
  );
}

function tooLarge(text: string, maxBytes: number): string | undefined {
  if (text.length * 3 <= maxBytes) return undefined; // no character takes more
  const bytes = encoder.encode(text).length;
  return bytes <= maxBytes
    ? undefined
    : `it is too large: ${bytes} bytes, and the server takes ${maxBytes}`;
}

function inPlaceOf(response: Response, problem: string, epochMs: number): Response {
  if (response.status === "success") {
    return failed(epochMs, "EXECUTION_ERROR", `Cannot send the result: ${problem}`);
  }
  const message = response.message?.slice(0, MESSAGE_MAX_CHARS) ?? "";
  return { ...response, message: `${message} (cut: ${problem})`.trimStart(), data: null };
}

function slim(message: JsonObject): JsonObject {
  return { ...message, command: { ...(message.command as JsonObject), params: {}, kwargs: {} } };
}

/** Nothing but what a commander asks for, each of it of a length that is bounded. */
function bare({ header, command }: JsonObject): JsonObject {
  const cut = (members: JsonObject, names: readonly string[]) =>
    Object.fromEntries(
      names.flatMap((name) => {
        const value = members[name];
        if (value === undefined) return [];
        return [[name, typeof value === "string" ? value.slice(0, MESSAGE_MAX_CHARS) : value]];
      }),
    );
  const ofHeader = ["version", "user_id", "username", "machine_id", "run_id"];
  const ofCommand = ["name", "step_number", "version", "machine_id"];
  return {
    header: cut(header as JsonObject, ofHeader),
    command: { ...cut(command as JsonObject, ofCommand), params: {}, kwargs: {} },
  };
}
