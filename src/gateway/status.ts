/** Which HTTP status each failure has at the gateway. The only place that knows both. */
import { type ErrorCode, toServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";

export type FailureStatus = 400 | 401 | 403 | 404 | 405 | 408 | 413 | 429 | 499 | 500 | 502 | 503;

const STATUS: Partial<Record<ErrorCode, FailureStatus>> = {
  "agent.draining": 503,
  "local.too-many": 503,
  "journal.full": 503,
  "login.needed": 401,
  "login.wrong": 401,
  "login.too-many": 429,
  "request.abandoned": 499, // nobody hears it: for those who count answers
  "request.ambiguous": 400,
  "request.foreign": 403,
  "request.malformed": 400,
  "request.slow": 408,
  "request.too-large": 413,
  "request.too-many": 429,
  "route.unknown": 404,
  "session.dead": 502,
  "session.invalid": 400,
  "session.malformed-answer": 502,
  "session.no-port": 503,
  "session.not-allowed": 403,
  "session.starting": 503,
  "session.too-many": 403,
  "session.unknown": 404,
  "session.unstartable": 503,
};

/** Where such a request ends is not sure, or will never be: nothing behind it is read. */
const LAST: ReadonlySet<ErrorCode> = new Set(["request.ambiguous", "request.slow"]);

const FAULT = "Cannot answer: a fault of the gateway, which its log tells more about";

/** The answer that tells a client of a failure; what has no status of its own is ours, a 500. */
export function failureAnswer(cause: unknown): {
  readonly status: FailureStatus;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
} {
  const { code, hint, message, retryAfterMs } = toServantError(cause);
  const status = STATUS[code] ?? 500;
  return {
    status,
    // What is our own fault may name what is nobody's business: it is in the log.
    body: { detail: code === "agent.internal" ? FAULT : message, code, hint },
    headers: {
      "Cache-Control": "no-store",
      ...(LAST.has(code) ? { Connection: "close" } : {}),
      ...(status === 401 ? { "WWW-Authenticate": "Bearer" } : {}),
      ...(retryAfterMs === undefined
        ? {}
        : { "Retry-After": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
    },
  };
}

/** The same for what does not go through the routes. */
export function failureResponse(cause: unknown): Response {
  const { status, body, headers } = failureAnswer(cause);
  return Response.json(body, { status, headers });
}
