/**
 * What the agent and its plugin child say to each other, over the child's IPC channel. The child
 * needs these types alone: the schemas stand apart, so that it starts without loading them.
 */
import type { Assignment, Result } from "../core/assignment.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Offer } from "../core/ports.ts";

/** Agent to child. */
export type ToChild =
  | { type: "run"; id: number; assignment: Assignment }
  | { type: "abort"; id: number; code: ErrorCode; reason: string }
  | { type: "answer"; id: number; value: Json }
  | { type: "refusal"; id: number; code: ErrorCode; message: string }
  | { type: "ping" };

/** What a loaded plugin can do. */
export interface Loaded {
  readonly offer: Offer;
  /** Milliseconds by transition, for the actions that set a limit. */
  readonly timeouts: Readonly<Record<string, number>>;
}

/** Child to agent. */
export type FromChild =
  | ({ type: "ready" } & Loaded)
  | { type: "broken"; code: ErrorCode; message: string }
  | { type: "result"; id: number; result: Result }
  | { type: "progress"; id: number; fraction: number; message: string }
  | { type: "call"; id: number; method: string; args: readonly Json[] }
  | { type: "pong" };

/** A line of the child's output that is a log entry (`LogLine` as JSON) starts with this. */
export const LOG_MARK = "\u001e";
