/** All of "servant-agent" but zod, whose loading the binary puts off until a plugin uses it. */
export type { AuditId } from "../core/assignment.ts";
export { type Atom, parseAtom } from "../core/atom.ts";
export { and, type Condition, not, or } from "../core/condition.ts";
export type {
  ActionOptions,
  HandlerContext,
  HandlerContext as ActionContext,
  HandlerContext as BeliefContext,
  HandlerContext as ReconcileContext,
  HandlerLog,
  Orchestrator,
  SafeContext,
} from "../core/handlers.ts";
export type { Json, JsonObject } from "../core/json.ts";
export type { Events, Read, Reading, Telemetry } from "../core/telemetry.ts";
export {
  domain,
  type Fluent,
  fluent,
  type ObjectRef,
  type ObjectType,
  objectType,
  optional,
  type ParamsOf,
  type RefOf,
  step,
  type Transition,
  transition,
  when,
} from "../core/vocabulary.ts";
export { action, belief, reconcile, safe, script } from "./decorators.ts";
export {
  type ActionOutcome,
  type ActionReturn,
  BeliefResult,
  type Observed,
  Reconcile,
} from "./results.ts";
export type { Registrar } from "./runnable.ts";
