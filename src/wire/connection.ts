/**
 * One way to a DYNOS backend: its URL, session and token; requests with keep-alive, answers with
 * their failure class. Used by the servant's adapter and by the client.
 */

import { type ErrorCode, messageOf, ServantError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { readBounded, readStart } from "./bounded-body.ts";
import { RemoteAuthExpired, RemoteRequestError } from "./remote-errors.ts";

/** How long an ordinary request may take, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** The longest answer that is read, in bytes; longer ones are an error. */
export const ANSWER_MAX_BYTES = 32 * 1024 * 1024;
/** How much of a failure's answer is read, in bytes. */
const DETAIL_MAX_BYTES = 4_096;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Target {
  /** `http://host:port`, without a path at its end. */
  readonly url: string;
  readonly token?: string | undefined;
  readonly session?: string | undefined;
}
export interface RequestOptions {
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** 0 waits for ever: an execute may take hours. */
  readonly timeoutMs?: number;
  /** Told the headers of an answer below 300, before it is read. */
  readonly heard?: (headers: Headers) => void;
  /** Gateway routes (`/health`, `/auth`, `/sessions`) stand outside the session. */
  readonly outsideSession?: boolean;
}

/**
 * A URL as people type it, made whole: `host:port` means http.
 *
 * @throws {ServantError} `backend.bad-url`, or `backend.http-refused` for http to another machine
 * without `DYNOS_ALLOW_HTTP=1` in `env`: the token would travel in clear.
 */
export function backendUrl(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const whole = text.includes("://") ? text.trim() : `http://${text.trim()}`;
  let url: URL;
  try {
    url = new URL(whole);
  } catch (cause) {
    throw new ServantError("backend.bad-url", `Cannot use backend URL "${text}"`, { cause });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ServantError(
      "backend.bad-url",
      `Cannot use backend URL "${text}": not http or https`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new ServantError("backend.bad-url", "Cannot use a backend URL with a password in it");
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && env.DYNOS_ALLOW_HTTP !== "1") {
    throw new ServantError("backend.http-refused", `Cannot use "${text}": http to another machine`);
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

/** 127/8, ::1 and localhost: what never leaves the machine. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname);
}

export class Connection {
  readonly target: Target;
  readonly #fetch: Fetch;

  constructor(target: Target, fetchFrom: Fetch = fetch) {
    this.target = target;
    this.#fetch = fetchFrom;
  }

  /** The URL and session, as one name: what a journal entry belongs to. */
  get origin(): string {
    const { url, session } = this.target;
    return session === undefined ? url : `${url}/s/${session}`;
  }

  /**
   * Sends one request and reads its answer, when its status is below 300, with `read`. The time
   * limit holds until the answer is read.
   *
   * @throws {ServantError} `backend.*`, by the failure's class; an abort of the caller's own
   * signal is `backend.unreachable` too, and the caller knows that it aborted.
   */
  async send<T>(
    method: string,
    path: string,
    options: RequestOptions,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const url = `${options.outsideSession ? this.target.url : this.origin}${path}`;
    // One controller for both ends: a timeout signal of its own would live until it fires.
    const end = new AbortController();
    const abort = () => end.abort(options.signal?.reason);
    const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    const timer =
      timeoutMs === 0 ? undefined : setTimeout(() => end.abort(late(timeoutMs)), timeoutMs);
    if (options.signal?.aborted) abort();
    else options.signal?.addEventListener("abort", abort);
    try {
      const response = await this.#fetch(url, this.#init(method, options, end.signal));
      if (response.status < 300) {
        options.heard?.(response.headers);
        return await read(response);
      }
      throw await failureOf(response, method, path);
    } catch (cause) {
      if (cause instanceof ServantError) throw cause;
      throw unreachable(method, path, this.target.url, cause);
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
    }
  }

  /** Sends one request and reads its JSON answer; a 204 is null. */
  async json(method: string, path: string, options: RequestOptions = {}): Promise<Json> {
    return await this.send(method, path, options, async (response) => {
      const { text, bytes } = await readBounded(response, ANSWER_MAX_BYTES);
      if (response.status === 204) return null;
      const malformed = (reason: string, cause?: unknown) =>
        new ServantError(
          "backend.malformed-answer",
          `Cannot read the answer to ${method} ${path}: ${reason}`,
          { cause },
        );
      if (text === undefined) throw malformed(`it is too long (${bytes} bytes read)`);
      try {
        return JSON.parse(text) as Json;
      } catch (cause) {
        throw malformed("not JSON", cause);
      }
    });
  }

  #init(method: string, options: RequestOptions, signal: AbortSignal): RequestInit {
    const bunOnly = {
      timeout: false, // Bun's own limit of 300 s: ours stands above
      decompress: false, // none was asked for: a small answer must not unfold into a large one
    };
    return {
      method,
      headers: this.#headers(options),
      redirect: "manual",
      signal,
      ...bunOnly,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    };
  }

  #headers(options: RequestOptions): Record<string, string> {
    const { token } = this.target;
    return {
      "X-Requested-With": "dynos",
      "Accept-Encoding": "identity",
      ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...options.headers,
    };
  }
}

function late(timeoutMs: number): Error {
  return new Error(`no answer within ${timeoutMs / 1_000} s`);
}

function unreachable(method: string, path: string, url: string, cause: unknown): ServantError {
  const code = (cause as { code?: unknown })?.code;
  const reason = typeof code === "string" ? code + wayOut(code) : messageOf(cause);
  return new ServantError(
    "backend.unreachable",
    `Cannot reach the backend at "${url}" (${method} ${path}): ${reason}`,
    { cause },
  );
}

/** What people meet first at a gateway of their own. */
function wayOut(code: string): string {
  if (/ALTNAME/.test(code)) return "; its certificate is for other names than this one";
  if (/CERT.*EXPIRED/.test(code)) return "; its certificate has expired";
  if (/NOT_YET_VALID/.test(code)) return "; its certificate is for later: see this machine's clock";
  const isUntrusted = /CERT|VERIFY|ISSUER/.test(code);
  if (isUntrusted) return "; name the file of its authority in NODE_EXTRA_CA_CERTS";
  return code === "EPROTO" ? "; it speaks no TLS: is it http://?" : "";
}

/** The failure class of a status, as the protocol has it: see `docs/protocols`. */
async function failureOf(response: Response, method: string, path: string): Promise<ServantError> {
  const { status: statusCode } = response;
  const detail = await detailOf(response);
  const message = refusalText(method, path, statusCode, detail);
  if (statusCode === 401) return new RemoteAuthExpired(`${message}; log in again`, detail);
  const retryAfterMs = retryAfter(response.headers.get("retry-after"));
  const code = codeOf(statusCode);
  const isLater = code === "backend.unavailable" && retryAfterMs !== undefined;
  const refusal = { statusCode, detail, path };
  return new RemoteRequestError(code, message, refusal, isLater ? { retryAfterMs } : {});
}

/** Ours say what they could not do, and need not be told of it again. */
function refusalText(method: string, path: string, status: number, detail: string): string {
  if (detail.startsWith("Cannot ")) return `${detail} (HTTP ${status})`;
  // A backend gives its reason: without one a proxy has spoken in its place.
  const isProxy = detail === "" && (status === 502 || status === 504);
  const said = isProxy ? "a proxy answers, and what is behind it does not" : detail;
  return `Cannot ${method} ${path}: HTTP ${status}${said === "" ? "" : `, ${said}`}`;
}

function codeOf(status: number): ErrorCode {
  if (status === 404 || status === 410) return "backend.session-gone";
  // No backend redirects: a portal or a proxy stands between, for now.
  const isForNow = status < 400 || status === 408 || status === 429 || status >= 500;
  return isForNow ? "backend.unavailable" : "backend.rejected";
}

async function detailOf(response: Response): Promise<string> {
  try {
    const text = await readStart(response, DETAIL_MAX_BYTES);
    const body: unknown = JSON.parse(text);
    const detail = isJsonObject(body) ? body.detail : body;
    return (typeof detail === "string" ? detail : JSON.stringify(detail)).slice(0, 500);
  } catch {
    return ""; // no JSON body: the status says all there is
  }
}

function retryAfter(header: string | null): number | undefined {
  if (header === null || !/^\d{1,6}$/.test(header.trim())) return undefined;
  return Number(header.trim()) * 1_000;
}
