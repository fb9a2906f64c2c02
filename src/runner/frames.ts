/**
 * What the agent and its plugin child say to each other, over the child's IPC channel. The child
 * needs these types alone: the schemas stand apart, so that it starts without loading them.
 */
import type { ChildOrder, ChildReport } from "../core/child.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Json } from "../core/json.ts";

/** Agent to child. */
export type ToChild =
  | ChildOrder
  | { type: "answer"; id: number; value: Json }
  | { type: "refusal"; id: number; code: ErrorCode; message: string };

/** Child to agent. A start is told on its standard output, its end by the system. */
export type FromChild =
  | Exclude<ChildReport, { type: "started" | "ended" }>
  | { type: "call"; id: number; method: string; args: readonly Json[] };

/** A line of the child's output that is a log entry (`LogLine` as JSON) starts with this. */
export const LOG_MARK = "\u001e";
/**
 * Before a handler is called, the child writes this and the work's id, to the end of a line. Frames
 * may still wait in the child when it dies; what was written to the pipe is there to read.
 */
export const START_MARK = "\u001d";
