/** What a backend refuses, with its own word on why. Both are `ServantError`s, with a code and a kind. */
import { type ErrorCode, ServantError } from "../core/errors.ts";

/** What was asked, and what the backend said to it. */
export interface Refusal {
  readonly statusCode: number;
  /** The backend's own reason; empty when it gave none. */
  readonly detail: string;
  /** As it was asked, without the session: `/goal`. */
  readonly path: string;
}

/** The backend answered with a status that is no success; `detail` says why. */
export class RemoteRequestError extends ServantError implements Refusal {
  override readonly name: string = "RemoteRequestError";
  readonly statusCode: number;
  readonly detail: string;
  readonly path: string;

  constructor(
    code: ErrorCode,
    message: string,
    refusal: Refusal,
    options?: ErrorOptions & { retryAfterMs?: number },
  ) {
    super(code, message, options);
    this.statusCode = refusal.statusCode;
    this.detail = refusal.detail;
    this.path = refusal.path;
  }
}

/** The backend knows the token no more, or never did (401): log in again. */
export class RemoteAuthExpired extends ServantError {
  override readonly name: string = "RemoteAuthExpired";
  readonly detail: string;

  constructor(message: string, detail = "") {
    super("backend.unauthorized", message);
    this.detail = detail;
  }
}
