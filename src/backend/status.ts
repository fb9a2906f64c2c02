/** Which HTTP status each failure has. The only place that knows both. */
import { type ErrorCode, toServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { brief } from "./brief.ts";

export type FailureStatus = 400 | 403 | 404 | 405 | 409 | 413 | 422 | 500 | 503;

/** A servant reads 404 as "register again", so nothing else that it asks for is one. */
const STATUS: Partial<Record<ErrorCode, FailureStatus>> = {
  "assignment.bad-params": 422,
  "assignment.not-open": 404,
  "atom.malformed": 400,
  "atom.unknown": 422,
  "domain.conflict": 409,
  "domain.invalid": 422,
  "domain.unknown": 422,
  "execution.running": 409,
  "execution.stopped": 503,
  "mission.unknown": 422,
  "object.conflict": 409,
  "object.in-use": 409,
  "object.invalid": 422,
  "object.unknown": 422,
  "plan.none": 422,
  "provider.missing": 409,
  "local.too-many": 503,
  "request.foreign": 403,
  "request.malformed": 400,
  "request.too-large": 413,
  "route.unknown": 404,
  "run.unknown": 404,
  "servant.too-many": 503,
  "servant.unknown": 404,
  "step.keep-out": 409,
  "transition.unknown": 422,
};

/** The answer that tells a client of a failure; what has no status of its own is ours, a 500. */
export function failureAnswer(cause: unknown): { status: FailureStatus; body: JsonObject } {
  const { code, message } = toServantError(cause);
  return { status: STATUS[code] ?? 500, body: { detail: brief(message), code } };
}
