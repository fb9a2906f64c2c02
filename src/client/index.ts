/**
 * What other programs import as "servant-agent/client", on Bun and on Node 20 or newer: a backend as
 * an object, missions, and what to write a vocabulary with.
 */
export { type Atom, parseAtom } from "../core/atom.ts";
export { ServantError } from "../core/errors.ts";
export type { Json, JsonObject } from "../core/json.ts";
export { fluent, objectRef, objectType, optional, step, transition } from "../core/vocabulary.ts";
export { RemoteAuthExpired, RemoteRequestError } from "../wire/remote-errors.ts";
export type {
  CancelAnswer,
  LogEntry,
  LoginAnswer,
  PlanAnswer,
  RunAnswer,
  SessionAnswer,
  StepAnswer,
  TraceEntry,
} from "./answers.ts";
export {
  ActionBlock,
  AnyActionBlock,
  type Block,
  Mission,
  OrderBlock,
  PlanBlock,
} from "./mission.ts";
export type { MissionEdit } from "./missions.ts";
export {
  type LongOptions,
  type PlanOptions,
  type PlanReason,
  RemoteOrchestrator,
  type ServantOffer,
} from "./orchestrator.ts";
export type { ClientOptions } from "./requests.ts";
export { type NewSession, SessionManager } from "./session-manager.ts";
