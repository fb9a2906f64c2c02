/**
 * What a scenario asks of the actions that it runs elsewhere: the requests of scenario-execution's
 * remote modifier. Read loosely: nil and a field that is missing mean the same where both were seen,
 * and fields that nobody knows are passed over.
 */
import * as z from "zod/mini";
import { ServantError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { decodeMap, encodeMap, malformed } from "./scenario-msgpack.ts";
import { usualRequest } from "./scenario-usual.ts";

declare const actionIdBrand: unique symbol;
/** One action in the scenario of one client, for as long as that lives; executed any number of times. */
export type ActionId = string & { readonly [actionIdBrand]: true };

/** How a round ended for the client, in its upper case: `INVALID` means to stop what runs. */
export type NewStatus = "SUCCESS" | "FAILURE" | "INVALID";

export type Request =
  | {
      readonly cmd: "init";
      readonly actionId: ActionId;
      /** The action's name, `arm.pick` for one of an actor. */
      readonly pluginKey: string;
      readonly initArgs: JsonObject;
      /** On the client's machine, maybe relative to its folder. */
      readonly outputDir: string | null;
    }
  | {
      readonly cmd: "setup";
      readonly actionId: ActionId;
      readonly tickPeriodS: number;
      readonly outputDir: string | null;
      /** On the client's machine; empty when it is not known. */
      readonly scenarioFileDirectory: string;
    }
  | { readonly cmd: "execute"; readonly actionId: ActionId; readonly execArgs: JsonObject }
  | { readonly cmd: "update"; readonly actionId: ActionId }
  | { readonly cmd: "terminate"; readonly actionId: ActionId; readonly newStatus: NewStatus }
  /** Null: every action there is. No stock client says that. */
  | { readonly cmd: "reset"; readonly actionId: ActionId | null }
  | { readonly cmd: "heartbeat" };
export type RequestCommand = Request["cmd"];

/** As the reference server, for a client that does not say. */
const TICK_PERIOD_S = 0.1;
/** A stock client's is a UUID. */
const ID_MAX_CHARS = 200;
const NAME_MAX_CHARS = 200;
const PATH_MAX_CHARS = 4_096;

// ─── The payload of each ────────────────────────────────────────────────────────────────────────

const name = (maxChars: number) =>
  z
    .string("is no text")
    .check(z.minLength(1, "is empty"), z.maxLength(maxChars, `is longer than ${maxChars}`));
const Id = z.pipe(
  name(ID_MAX_CHARS),
  z.transform((id) => id as ActionId),
);
const Path = z.nullish(
  z.string("is no text").check(z.maxLength(PATH_MAX_CHARS, `is longer than ${PATH_MAX_CHARS}`)),
);
const Args = z.nullish(z.custom<JsonObject>(isJsonObject, "is no map"));

export const InitPayload = z.object({
  action_id: Id,
  plugin_key: name(NAME_MAX_CHARS),
  init_args: Args,
  output_dir: Path,
});
export const SetupPayload = z.object({
  action_id: Id,
  tick_period: z.nullish(z.number("is no number")),
  output_dir: Path,
  scenario_file_directory: Path,
});
export const ExecutePayload = z.object({ action_id: Id, exec_args: Args });
export const UpdatePayload = z.object({ action_id: Id });
/** A status that is missing or unknown means that the action was abandoned. */
export const TerminatePayload = z.object({
  action_id: Id,
  new_status: z.catch(z.enum(["SUCCESS", "FAILURE", "INVALID"]), "INVALID"),
});
export const ResetPayload = z.object({
  action_id: z.nullish(z.union([z.literal(""), Id], "is no text that names an action")),
});

// ─── Reading ────────────────────────────────────────────────────────────────────────────────────

type Reader<C extends RequestCommand> = (payload: JsonObject) => Extract<Request, { cmd: C }>;
const READERS: { readonly [C in RequestCommand]: Reader<C> } = {
  init(payload) {
    const read = checked("init", InitPayload, payload);
    return {
      cmd: "init",
      actionId: read.action_id,
      pluginKey: read.plugin_key,
      initArgs: read.init_args ?? {},
      outputDir: read.output_dir ?? null,
    };
  },
  setup(payload) {
    const read = checked("setup", SetupPayload, payload);
    const period = read.tick_period ?? 0;
    return {
      cmd: "setup",
      actionId: read.action_id,
      tickPeriodS: period > 0 ? period : TICK_PERIOD_S,
      outputDir: read.output_dir ?? null,
      scenarioFileDirectory: read.scenario_file_directory ?? "",
    };
  },
  execute(payload) {
    const { action_id, exec_args } = checked("execute", ExecutePayload, payload);
    return { cmd: "execute", actionId: action_id, execArgs: exec_args ?? {} };
  },
  update(payload) {
    return { cmd: "update", actionId: checked("update", UpdatePayload, payload).action_id };
  },
  terminate(payload) {
    const { action_id, new_status } = checked("terminate", TerminatePayload, payload);
    return { cmd: "terminate", actionId: action_id, newStatus: new_status };
  },
  reset(payload) {
    return { cmd: "reset", actionId: checked("reset", ResetPayload, payload).action_id || null };
  },
  heartbeat: () => ({ cmd: "heartbeat" }),
};

/**
 * The request in a message's frames, of which it has one.
 *
 * @throws {ServantError} `scenario.malformed`: its message is what the client is answered
 */
export function readRequest(frames: readonly Uint8Array[]): Request {
  const [body] = frames;
  if (body === undefined || frames.length > 1) throw malformed(`it has ${frames.length} parts`);
  const usual = usualRequest(body);
  if (usual !== undefined) return usual;
  const { cmd = "", payload = {} } = decodeMap(body);
  if (!isCommand(cmd)) throw unknownCommand(cmd);
  if (!isJsonObject(payload)) throw malformed(`payload of "${cmd}" is no map`);
  return READERS[cmd](payload);
}

function unknownCommand(cmd: Json): ServantError {
  const said = typeof cmd === "string" ? `'${cmd}'` : JSON.stringify(cmd);
  return new ServantError(
    "scenario.malformed",
    `Unknown command: ${said.slice(0, NAME_MAX_CHARS)}`,
  );
}

function isCommand(cmd: unknown): cmd is RequestCommand {
  return typeof cmd === "string" && Object.hasOwn(READERS, cmd);
}

function checked<T extends z.ZodMiniType>(cmd: string, schema: T, payload: JsonObject) {
  const { data, error } = schema.safeParse(payload);
  if (error === undefined) return data as z.output<T>;
  const issue = error.issues[0];
  const field = String(issue?.path[0] ?? "payload");
  const wrong = Object.hasOwn(payload, field) ? (issue?.message ?? "is wrong") : "is missing";
  throw malformed(`${field} of "${cmd}" ${wrong}`);
}

// ─── Writing, as a stock client ─────────────────────────────────────────────────────────────────

/** The body of a request, its fields in the order of a stock client. */
export function encodeRequest(request: Request): Uint8Array<ArrayBuffer> {
  return encodeMap({ cmd: request.cmd, payload: payloadOf(request) });
}

function payloadOf(request: Request): JsonObject {
  switch (request.cmd) {
    case "init":
      return {
        action_id: request.actionId,
        plugin_key: request.pluginKey,
        init_args: request.initArgs,
        output_dir: request.outputDir,
      };
    case "setup":
      return {
        action_id: request.actionId,
        tick_period: request.tickPeriodS,
        output_dir: request.outputDir,
        scenario_file_directory: request.scenarioFileDirectory,
      };
    case "execute":
      return { action_id: request.actionId, exec_args: request.execArgs };
    case "update":
      return { action_id: request.actionId };
    case "terminate":
      return { action_id: request.actionId, new_status: request.newStatus };
    case "reset":
      return request.actionId === null ? {} : { action_id: request.actionId };
    case "heartbeat":
      return {};
  }
}
