/** What was tried and how it ended, from the first moment on: a tree that grows as a run goes. */
import type { AuditId } from "../core/assignment.ts";
import { type ErrorCode, isServantError, messageOf } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { brief } from "./brief.ts";
import type { Step } from "./progress.ts";
import { describePlace, type Place } from "./reasons.ts";

export interface Ending {
  readonly success: boolean;
  readonly message: string;
  readonly code?: ErrorCode;
}
/** Of what broke, the code of a domain for one: it is over, and says why. */
export function endingOf(cause: unknown): Ending {
  const code = isServantError(cause) ? cause.code : "agent.internal";
  return { success: false, message: brief(messageOf(cause)), code };
}

/** One step, tried once. */
export interface Attempt {
  readonly type: "action";
  readonly auditId: AuditId;
  readonly step: Step;
  /** The servant that has it; absent when nobody provides it, or when it is a script. */
  readonly servantId?: string;
  /** Why it is tried: `step 2 of 5 of the plan`. */
  readonly why: string;
  /** The same beyond words, when it is the step of a plan. */
  readonly place?: Place;
  /** Its script as it was laid out, when it is one. */
  course?: readonly Step[];
  /** The steps of its script, each try of them. */
  readonly legs: Attempt[];
  telemetry: Json;
  /** What its servant, or its script, says of it. */
  answer?: Ending;
  ending?: Ending;
  /** Its servant answered when nobody waited any more. */
  isLate?: true;
}
export interface PlanOutcome {
  readonly type: "plan";
  readonly goal: readonly string[];
  readonly steps: Attempt[];
  ending?: Ending;
}
export interface OrderOutcome {
  readonly type: "order";
  readonly name: string;
  readonly outcomes: Outcome[];
  /** What has not begun, in words. */
  coming: readonly string[];
  ending?: Ending;
}
export type Outcome = Attempt | PlanOutcome | OrderOutcome;
/** Where attempts are listed. */
export interface Attempts {
  push(attempt: Attempt): unknown;
}

/** The attempt of this audit id, however deep. */
export function attemptOf(outcomes: readonly Outcome[], auditId: AuditId): Attempt | undefined {
  for (const outcome of outcomes) {
    if (outcome.type === "action" && outcome.auditId === auditId) return outcome;
    const inner =
      outcome.type === "action"
        ? outcome.legs
        : outcome.type === "plan"
          ? outcome.steps
          : outcome.outcomes;
    const found = attemptOf(inner, auditId);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A result as clients read it. One that is not over yet has `success: null`. */
export function describeOutcome(outcome: Outcome): JsonObject {
  const { type, ending } = outcome;
  const { success, message, code } = ending ?? { success: null, message: "under way" };
  const head = { type, success, message };
  const tail = code === undefined ? {} : { code };
  if (outcome.type === "plan") {
    const { goal, steps } = outcome;
    return { ...head, goal: [...goal], steps: steps.map(describeOutcome), ...tail };
  }
  if (outcome.type === "order") {
    const { name, outcomes, coming } = outcome;
    const results = outcomes.map(describeOutcome);
    return { ...head, name, results, ...describeComing(coming), ...tail };
  }
  return { ...head, ...describeAttempt(outcome), ...tail };
}

/** The blocks that have not begun, if there are any. */
export function describeComing(coming: readonly string[]): JsonObject {
  return coming.length === 0 ? {} : { coming: [...coming] };
}

function describeAttempt(attempt: Attempt): JsonObject {
  const { auditId, step, why, place, course, legs, telemetry, servantId, answer, ending } = attempt;
  const late = attempt.isLate === undefined ? {} : { late: true };
  return {
    audit_id: auditId,
    action_name: step.transition,
    parameters: step.parameters,
    why,
    ...late,
    ...(place === undefined ? {} : { because: describePlace(place) }),
    ...(course === undefined ? {} : { legs: course.length }),
    ...(isEmpty(telemetry) ? {} : { telemetry }),
    ...(servantId === undefined ? {} : { servant_id: servantId }),
    ...(answer === undefined || ending !== undefined ? {} : { answered: { ...answer } }),
    ...(legs.length === 0 ? {} : { steps: legs.map(describeOutcome) }),
  };
}

/** Nothing was measured. */
export function isEmpty(value: Json): boolean {
  return value === null || (isJsonObject(value) && Object.keys(value).length === 0);
}
