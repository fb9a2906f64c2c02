/**
 * What other programs import as "servant-agent/puda", on Bun and on Node 20 or newer: a commander for
 * PUDA machines.
 */
export { ServantError } from "../core/errors.ts";
export type { Json, JsonObject } from "../core/json.ts";
export type { Pong } from "../wire/puda-told.ts";
export { type Answer, failureOf } from "./answer.ts";
export { type Batch, type BatchCommand, readBatch } from "./batch.ts";
export {
  CommandService,
  type CommandServiceOptions,
  type ImmediateCommand,
  type QueueCommand,
  type SendOptions,
} from "./command-service.ts";
export { type Notice, noticeText } from "./notices.ts";
export type { BatchOptions, BatchResult, StepResult } from "./run-batch.ts";
export { TIMEOUT_MS } from "./timeouts.ts";
export type { Pinged, Seen, WatchOptions } from "./told.ts";
