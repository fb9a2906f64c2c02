/** What the door answers with: JSON or a failure, each under headers that keep browsers strict. */
import { catalogue, type ErrorCode, ServantError, toServantError } from "../core/errors.ts";
import type { Failure } from "../wire/local.ts";

/** On every answer. A page brings its own Content-Security-Policy. */
const STRICT = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
} as const;

const STATUS: Partial<Record<ErrorCode, number>> = {
  "assignment.absent": 404,
  "assignment.not-open": 409,
  "local.too-many": 429,
  "local.unauthorized": 401,
  "request.foreign": 403,
  "request.malformed": 400,
  "request.too-large": 413,
  "route.unknown": 404,
};

/** What has no status of its own is a fault of ours. */
export function statusOf(code: ErrorCode): number {
  return STATUS[code] ?? 500;
}

/** Adds what an answer does not say itself. */
export function strict(answer: Response): Response {
  for (const [name, value] of Object.entries(STRICT)) {
    if (!answer.headers.has(name)) answer.headers.set(name, value);
  }
  return answer;
}

/** `status`, where HTTP has a closer one for this case than its code has in general. */
export function failureAnswer(
  cause: unknown,
  headers: Record<string, string> = {},
  status = statusOf(toServantError(cause).code),
): Response {
  const { code, message } = toServantError(cause);
  const body: Failure = { code, message, hint: catalogue[code].hint };
  const asks = status === 401 ? { "WWW-Authenticate": 'Bearer realm="agent"' } : {};
  const later = status === 429 ? { "Retry-After": "1" } : {};
  return Response.json(body, { status, headers: { ...asks, ...later, ...headers } });
}

export function tooMany(what: string): ServantError {
  return new ServantError("local.too-many", `Cannot answer: too many ${what}`);
}
