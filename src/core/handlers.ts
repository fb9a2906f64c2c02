/**
 * How a plugin's methods are marked. The marks hang on registered symbols, so that two copies of
 * the SDK agree on them; the decorators write them, the runner reads them.
 */

import type { AuditId } from "./assignment.ts";
import type { Atom } from "./atom.ts";
import type { Level } from "./events.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Events, Telemetry } from "./telemetry.ts";
import type { AnyFluent, Transition } from "./vocabulary.ts";

/** In a class's decorator metadata: the list of its marked methods. */
export const HANDLERS = Symbol.for("servant-agent.handlers");
// Bun leaves Symbol.metadata undefined; its decorators then use whatever stands there.
export const metadataKey: symbol =
  (Symbol as { metadata?: symbol }).metadata ?? Symbol.for("Symbol.metadata");
if ((Symbol as { metadata?: symbol }).metadata === undefined) {
  Object.defineProperty(Symbol, "metadata", { value: metadataKey });
}
/** On a BeliefResult: tells it from other objects across two copies of the SDK. */
export const BELIEF_RESULT = Symbol.for("servant-agent.belief-result");
/** The same on a Reconcile. */
export const RECONCILE = Symbol.for("servant-agent.reconcile");

export interface ActionOptions {
  /** What it does, in a sentence: for whoever reads the list of what the machine can do. */
  readonly description?: string;
  /** How long the handler may run before its signal aborts, in milliseconds. */
  readonly timeoutMs?: number;
  /** How long it may go without `ctx.progress` before its signal aborts, in milliseconds. */
  readonly progressTimeoutMs?: number;
  /** How long it may block its event loop, in milliseconds; `--hang-timeout` unless given. */
  readonly hangTimeoutMs?: number;
  /** What the action occupies: actions that share nothing may run together (`--concurrency`). */
  readonly uses?: readonly string[];
  /** What to do when it was cut off: answer failed, or run it again because that is harmless. */
  readonly onInterrupted?: "fail" | "rerun";
}

/** What an action says of itself; "reconcile" when the plugin can read what became of it. */
export interface ActionRules extends Omit<ActionOptions, "description" | "onInterrupted"> {
  readonly onInterrupted: "fail" | "rerun" | "reconcile";
  /** It occupies nothing: it runs beside anything, and does not count for what may run at once. */
  readonly isLight?: true;
}

/** What the world shows of an action that was cut off. */
export interface Reconciled {
  readonly state: "done" | "not-done" | "partly";
  readonly message: string;
}

/** Methods that a plugin may have, called when somebody at the backend asks for it. */
export const hookNames = ["pause", "resume", "cancel", "reset"] as const;
export type HookName = (typeof hookNames)[number];

export type HookOutcome =
  | { readonly is: "done" }
  /** The plugin has no such method. */
  | { readonly is: "absent" }
  | { readonly is: "failed"; readonly message: string };

/** A schema that a handler brings instead of a transition's parameters; zod's shape. */
export interface ParamsSchema<T = unknown> {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { readonly message: string } };
}

export type HandlerMark =
  | {
      readonly kind: "action";
      readonly name: string;
      readonly method: string | symbol;
      readonly transition?: Transition;
      readonly schema?: ParamsSchema;
      readonly options: ActionOptions;
      /** One of the agent's own: see `ActionRules`. */
      readonly isLight?: true;
    }
  | {
      readonly kind: "reconcile";
      readonly name: string;
      readonly method: string | symbol;
      readonly transition?: Transition;
      readonly schema?: ParamsSchema;
    }
  | { readonly kind: "safe"; readonly name: string; readonly method: string | symbol }
  | {
      readonly kind: "belief";
      readonly name: string;
      readonly method: string | symbol;
      readonly fluent: AnyFluent;
    };

export interface HandlerLog {
  debug(message: string, fields?: JsonObject): void;
  info(message: string, fields?: JsonObject): void;
  warn(message: string, fields?: JsonObject): void;
  warning(message: string, fields?: JsonObject): void;
  error(message: string, fields?: JsonObject): void;
}

/** A handler's log over one function that takes a line; `warning` is Python's name for `warn`. */
export function handlerLog(
  write: (level: Level, message: string, fields: JsonObject) => void,
): HandlerLog {
  const at =
    (level: Level) =>
    (message: string, fields: JsonObject = {}) =>
      write(level, message, fields);
  const [debug, info, warn, error] = [at("debug"), at("info"), at("warn"), at("error")];
  return { debug, info, warn, warning: warn, error };
}

/** What a handler is given beside its parameters. */
export interface HandlerContext {
  readonly log: HandlerLog;
  /** Measurements that go on after the handler. */
  readonly telemetry: Telemetry;
  /** What whoever follows the machine should know. */
  readonly events: Events;
  readonly auditId: AuditId;
  /** The transition's name, or the fluent's. */
  readonly transition: string;
  /** Aborts on timeout, cancel and drain; its reason says which. */
  readonly signal: AbortSignal;
  /** Tells how far the work is, 0 to 1. */
  progress(fraction: number, message?: string): void;
  /** True while the agent is paused: it starts nothing, what runs may wait or come to an end. */
  readonly paused: boolean;
  /** Resolves when it is not paused (any more), or when `signal` aborts. */
  untilResumed(): Promise<void>;
  /** The backend, through the agent: the plugin never holds its token. */
  readonly orchestrator: Orchestrator;
}

/** What the method that makes the machine safe is given: no assignment belongs to it. */
export type SafeContext = Pick<
  HandlerContext,
  "log" | "telemetry" | "events" | "signal" | "orchestrator"
>;

/** What a handler may ask of the backend. Each call is a request of the agent's. */
export interface Orchestrator {
  health(): Promise<JsonObject>;
  listActions(): Promise<readonly JsonObject[]>;
  listFluents(): Promise<readonly JsonObject[]>;
  listObjects(type?: string): Promise<readonly JsonObject[]>;
  listObjectTypes(): Promise<readonly JsonObject[]>;
  createObject(type: string, name: string, fields?: JsonObject): Promise<JsonObject>;
  getCurrentState(): Promise<readonly Atom[]>;
  getGoal(): Promise<readonly Atom[]>;
  setStart(atoms: readonly (Atom | string)[]): Promise<void>;
  setGoal(atoms: readonly (Atom | string)[]): Promise<void>;
  getLogs(): Promise<readonly JsonObject[]>;
}

/** The names a handler may call across the process boundary. */
export const orchestratorMethods = [
  "health",
  "listActions",
  "listFluents",
  "listObjects",
  "listObjectTypes",
  "createObject",
  "getCurrentState",
  "getGoal",
  "setStart",
  "setGoal",
  "getLogs",
] as const satisfies readonly (keyof Orchestrator)[];

/** Carries one of `orchestratorMethods` to the backend and brings back its answer. */
export type OrchestratorCall = (method: string, args: readonly Json[]) => Promise<Json>;

export interface LogLine {
  readonly level: Level;
  readonly auditId?: AuditId;
  readonly message: string;
  readonly fields: JsonObject;
}
