/** A backend's requests: each answer checked by its schema, each refusal named for what it is. */
import * as z from "zod/mini";
import { isServantError, ServantError } from "../core/errors.ts";
import { expiryText } from "../core/gateway.ts";
import { readBounded } from "../wire/bounded-body.ts";
import {
  ANSWER_MAX_BYTES,
  backendUrl,
  Connection,
  type Fetch,
  type RequestOptions,
} from "../wire/connection.ts";
import { RemoteRequestError } from "../wire/remote-errors.ts";
import { nearExpiryS } from "../wire/session-expiry.ts";
import { clientFetch } from "./transport.ts";

export interface ClientOptions {
  /** Sent to this backend and to no other. */
  readonly token?: string | undefined;
  /** On a gateway: whose backend is meant. */
  readonly sessionId?: string | undefined;
  /** How long an ordinary answer may take, in milliseconds: 30 s. 0 waits for ever. */
  readonly timeoutMs?: number | undefined;
  /** Ends every request. What was begun at the backend goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Told what a person should know, a line each. Default: the console's `warn`. */
  readonly warn?: ((line: string) => void) | undefined;
  /** How long a run is followed while its backend does not answer, in milliseconds: 30 min. */
  readonly outageMs?: number | undefined;
  /** What carries the requests instead of the runtime. */
  readonly fetch?: Fetch | undefined;
}

export class Requests {
  readonly #options: ClientOptions;
  #connection: Connection;
  #isWarned = false;

  /** @throws {ServantError} `backend.bad-url`, `backend.http-refused` */
  constructor(backend: string | Connection, options: ClientOptions) {
    const { token, sessionId: session, fetch = clientFetch } = options;
    this.#options = options;
    this.#connection =
      typeof backend === "string"
        ? new Connection({ url: backendUrl(backend, process.env), token, session }, fetch)
        : backend;
  }

  get url(): string {
    return this.#connection.target.url;
  }

  get sessionId(): string | undefined {
    return this.#connection.target.session;
  }

  /** From now on no session is meant. */
  leaveSession(): void {
    const { session: _, ...target } = this.#connection.target;
    this.#connection = new Connection(target, this.#options.fetch ?? clientFetch);
  }

  /** @throws {ServantError} `backend.*` */
  async ask<S extends z.ZodMiniType>(
    schema: S,
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<z.output<S>> {
    const answer = await this.#connection
      .json(method, path, this.#whole(options))
      .catch((cause: unknown) => Promise.reject(this.#renamed(cause)));
    const parsed = z.safeParse(schema, answer);
    if (parsed.success) return parsed.data;
    throw new ServantError(
      "backend.malformed-answer",
      `Cannot read the answer to ${method} ${path}: ${z.prettifyError(parsed.error)}`,
      { cause: parsed.error },
    );
  }

  /** The same for an answer that is text, of whatever kind; "" when there is none. */
  async text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    const read = async (response: Response) =>
      (await readBounded(response, ANSWER_MAX_BYTES)).text ?? "";
    return await this.#connection
      .send(method, path, this.#whole(options), read)
      .catch((cause: unknown) => Promise.reject(this.#renamed(cause)));
  }

  #whole(options: RequestOptions): RequestOptions {
    const { signal, timeoutMs } = this.#options;
    return {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...options,
      signal: options.signal ?? signal,
      heard: (headers) => this.#warnOfExpiry(headers),
    };
  }

  /** Without a session, a 404 speaks of the thing asked for and not of a session that is gone. */
  #renamed(cause: unknown): unknown {
    const isGone = isServantError(cause) && cause.code === "backend.session-gone";
    if (!isGone || this.sessionId !== undefined) return cause;
    if (!(cause instanceof RemoteRequestError)) return cause;
    return new RemoteRequestError("backend.rejected", cause.message, cause, { cause });
  }

  #warnOfExpiry(headers: Headers): void {
    const seconds = nearExpiryS(headers);
    const session = this.sessionId;
    if (seconds === undefined || this.#isWarned || session === undefined) return;
    this.#isWarned = true;
    const { warn = console.warn } = this.#options;
    warn(`Session "${session}" at "${this.url}" ${expiryText(seconds)}`);
  }
}

/** `?scope=public`, of what is given; nothing when nothing is. */
export function query(params: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(params).filter((pair): pair is [string, string] => !!pair[1]);
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

/** Names may hold anything: in a path they are one segment. */
export function encoded(name: string): string {
  return encodeURIComponent(name.toWellFormed());
}
