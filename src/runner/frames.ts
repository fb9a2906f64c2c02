/**
 * What the agent and its plugin child say to each other, over the child's IPC channel. The child
 * needs these types alone: the schemas stand apart, so that it starts without loading them.
 */
import type { ChildOrder, ChildReport, ChildTelling } from "../core/child.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Json } from "../core/json.ts";

/** Agent to child. */
export type ToChild =
  | ChildOrder
  | { type: "answer"; id: number; value: Json }
  | { type: "refusal"; id: number; code: ErrorCode; message: string };

/**
 * Child to agent over the channel. A start and what the plugin tells go by its standard output, its
 * end is told by the system.
 */
export type FromChild =
  | Exclude<ChildReport, ChildTelling | { type: "started" | "ended" }>
  | { type: "call"; id: number; method: string; args: readonly Json[] };

/** A line of the child's output that is a log entry (`LogLine` as JSON) starts with this. */
export const LOG_MARK = "\u001e";
/**
 * Before a handler is called, the child writes this and the work's id, to the end of a line. Frames
 * may still wait in the child when it dies; what was written to the pipe is there to read.
 */
export const START_MARK = "\u001d";
/**
 * A line that is a `ChildTelling` as JSON, its type first, starts with this. It goes the way of the
 * log: in its order, heard of a process that dies with its next instruction, and no faster than the
 * agent reads.
 */
export const TELL_MARK = "\u001c";
