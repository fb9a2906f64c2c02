/**
 * What a scenario's client is answered. It knows three words and one text, the message of an error;
 * nothing of a result gets further. Bodies are made once where they can be: nobody writes to them.
 */
import type { Result } from "../core/assignment.ts";
import { catalogue } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { suggestion } from "../core/nearest.ts";
import type { ActionId, Request } from "./scenario.ts";
import { ALLOWED_BY } from "./scenario-builtins.ts";
import { decodeMap, encodeMap } from "./scenario-msgpack.ts";

/** In lower case; any other word is a failure to the client, without a line in its log. */
export type ActionStatus = "running" | "success" | "failure";

/** What `update` tells of an action: how its handler ended is told again and again. */
export type ActionState = "idle" | "running" | Ended;
export type Ended = Pick<Result, "success" | "message" | "code">;

/** What is known beside the request. */
export interface Known {
  /** What the plugin does. */
  readonly offered: ReadonlySet<string>;
  /** Undefined: there is none of this id. */
  stateOf(actionId: ActionId): ActionState | undefined;
}

/** Longer ones are cut. */
const MESSAGE_MAX_CHARS = 2_000;

export const OK = encodeMap({ status: "ok" });
const UPDATES: Readonly<Record<ActionStatus, Uint8Array>> = {
  running: encodeMap({ status: "ok", action_status: "running" }),
  success: encodeMap({ status: "ok", action_status: "success" }),
  failure: encodeMap({ status: "ok", action_status: "failure" }),
};

/** The request failed. The client shows the text, and reads nothing from it. */
export function errorAnswer(message: string): Uint8Array {
  const said = message.trim() === "" ? "It failed, and nothing says why" : message;
  // A text that is no UTF-8 would end the whole scenario: a handler may have written it.
  const text = said.slice(0, MESSAGE_MAX_CHARS).toWellFormed();
  return encodeMap({ status: "error", message: text });
}

/**
 * The answer to an `update`. A handler that ran and could not do it is a failure; one that did not run
 * to its end is an error, whose text the scenario's log shows: both fail the action alike.
 */
export function updateAnswer(state: ActionState): Uint8Array {
  if (state === "running") return UPDATES.running;
  if (state === "idle") return UPDATES.failure;
  if (state.success) return UPDATES.success;
  if (state.code === undefined) return UPDATES.failure;
  return errorAnswer(state.message.trim() === "" ? catalogue[state.code].hint : state.message);
}

/**
 * The answer to a request where none has to be waited for; undefined for `init`, `setup` and `execute`
 * that may go on: `OK` or `errorAnswer` once it is known. `terminate` and `reset` are answered before
 * anything has stopped.
 */
export function immediateAnswer(request: Request, known: Known): Uint8Array | undefined {
  switch (request.cmd) {
    case "heartbeat":
    case "reset":
      return OK;
    case "init":
      return unknownPlugin(request.pluginKey, known.offered);
  }
  const state = known.stateOf(request.actionId);
  if (state === undefined) return unknownAction(request.actionId);
  if (request.cmd === "update") return updateAnswer(state);
  return request.cmd === "terminate" ? OK : undefined;
}

/** Undefined when it is known. Its words begin as the reference server's; the rest says what would do. */
function unknownPlugin(key: string, offered: ReadonlySet<string>): Uint8Array | undefined {
  if (offered.has(key)) return undefined;
  const option = ALLOWED_BY.get(key);
  const how =
    option === undefined
      ? suggestion(key, offered)
      : `: it is off unless the agent is started with ${option}`;
  return errorAnswer(`No action plugin found for key '${key}'${how}`);
}

function unknownAction(id: ActionId): Uint8Array {
  return errorAnswer(`Unknown action_id: ${id}`);
}

// ─── As a stock client reads them ───────────────────────────────────────────────────────────────

export type Answer =
  | { readonly status: "ok"; readonly actionStatus: ActionStatus | undefined }
  | { readonly status: "error"; readonly message: string };

/**
 * Anything but "ok" is an error; a status that it does not know is none.
 *
 * @throws {ServantError} `scenario.malformed` for what is no map of msgpack
 */
export function readAnswer(body: Uint8Array): Answer {
  const { status, message, action_status }: JsonObject = decodeMap(body);
  if (status !== "ok") {
    return { status: "error", message: typeof message === "string" ? message : "" };
  }
  const isKnown = typeof action_status === "string" && Object.hasOwn(UPDATES, action_status);
  return { status, actionStatus: isKnown ? (action_status as ActionStatus) : undefined };
}
