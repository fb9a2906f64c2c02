/**
 * A session gateway as an object: who comes in, and which private backends there are. Used by
 * `agent login` and `agent session`, and by other programs.
 */
import type * as z from "zod/mini";
import { type ErrorCode, isServantError, ServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { suggestion } from "../core/nearest.ts";
import type { RequestOptions } from "../wire/connection.ts";
import { RemoteAuthExpired, RemoteRequestError } from "../wire/remote-errors.ts";
import {
  LoginAnswer,
  SessionAnswer,
  SessionsAnswer,
  type SessionUseAnswer,
  SessionUsesAnswer,
} from "./answers.ts";
import { type Environment, isToken, loginOf, readConfigFile } from "./config-file.ts";
import { type ClientOptions, encoded, query, Requests } from "./requests.ts";
import { isIdStart, isSessionId, namedSession, sessionByIdStart } from "./session-names.ts";

/** A process is started for it, or anew. In milliseconds. */
const START_TIMEOUT_MS = 60_000;

export type ManagerOptions = Omit<ClientOptions, "sessionId" | "outageMs">;

export interface NewSession {
  /** What people call it; the gateway makes one up. */
  readonly label?: string | undefined;
  /** How long it may be idle, in seconds. */
  readonly sessionTimeoutS?: number | undefined;
  /** `{ robot: "sentry-mock" }`, for one. */
  readonly config?: JsonObject | undefined;
}

/** What a refusal of the gateway is, by its status. */
const REFUSALS: Readonly<Record<number, ErrorCode>> = {
  400: "session.invalid",
  403: "session.not-allowed",
  404: "session.unknown",
  422: "session.invalid",
};

/**
 * Every method throws `RemoteAuthExpired` when the token is not taken, a `RemoteRequestError` with a
 * code `session.*` when the gateway refuses, another `ServantError` when it does not answer.
 *
 * @example
 * const { token } = await SessionManager.logIn("https://plan.example.com", "alice", password);
 * const gateway = new SessionManager("https://plan.example.com", { token });
 * for (const { label, status } of await gateway.list()) console.log(label, status);
 */
export class SessionManager {
  readonly #requests: Requests;

  /** @throws {ServantError} `backend.bad-url`, `backend.http-refused` */
  constructor(gatewayUrl: string, options: ManagerOptions = {}) {
    this.#requests = new Requests(gatewayUrl, options);
  }

  /**
   * The gateway that somebody logged in to, as `~/.dynos/config.json` has it.
   *
   * @throws {ServantError} `login.needed`, `config.invalid`
   */
  static fromConfig(
    options: Omit<ManagerOptions, "token"> = {},
    env: Environment = process.env,
  ): SessionManager {
    const read = readConfigFile(env);
    for (const line of read.warnings) (options.warn ?? console.warn)(line);
    const { backendUrl, token } = loginOf(read);
    return new SessionManager(backendUrl, { ...options, token });
  }

  /**
   * What a gateway answers to a name and a password. Nothing of it is kept on this machine.
   *
   * @throws {ServantError} `login.wrong`, `login.too-many` with `retryAfterMs`
   */
  static async logIn(
    gatewayUrl: string,
    username: string,
    password: string,
    options: Omit<ManagerOptions, "token"> = {},
  ): Promise<LoginAnswer> {
    const requests = new Requests(gatewayUrl, options);
    const body = { username, password };
    let answer: LoginAnswer;
    try {
      answer = await requests.ask(LoginAnswer, "POST", "/auth/login", { body });
    } catch (cause) {
      throw loginFailure(cause, requests.url, username);
    }
    if (isToken(answer.token)) return answer;
    const problem = `Cannot use the token that "${requests.url}" gave: it is none`;
    throw new ServantError("backend.malformed-answer", problem);
  }

  get url(): string {
    return this.#requests.url;
  }

  /** Revokes the token. One that is not good any more is no failure. */
  async logOut(): Promise<void> {
    try {
      await this.#requests.text("POST", "/auth/logout");
    } catch (cause) {
      if (!(cause instanceof RemoteAuthExpired)) throw cause;
    }
  }

  /** One's own sessions; with `all`, which an admin may ask, everybody's. */
  async list({ all = false }: { readonly all?: boolean } = {}): Promise<readonly SessionAnswer[]> {
    const path = `/sessions${query({ all_: all ? "true" : undefined })}`;
    return (await this.#ask(SessionsAnswer, "GET", path)).sessions;
  }

  /**
   * Everybody's, and what each uses. Of our gateway, for admins.
   *
   * @throws {ServantError} `session.not-allowed`; `session.no-gateway`: another gateway does not tell it
   */
  async uses(): Promise<readonly SessionUseAnswer[]> {
    return (await this.#ask(SessionUsesAnswer, "GET", "/admin/sessions")).sessions;
  }

  /** @throws {ServantError} `session.unknown`: it has ended, or is not theirs who ask */
  get(id: string): Promise<SessionAnswer> {
    return this.#ask(SessionAnswer, "GET", `/sessions/${encoded(id)}`);
  }

  /**
   * The session of this id or label, or of the only id that begins so: four characters or more of one's
   * own, eight of somebody else's, for admins.
   *
   * @throws {ServantError} `session.unknown`, `session.ambiguous` with the ids
   */
  async find(name: string): Promise<SessionAnswer> {
    const sessions = await this.list();
    const found = namedSession(sessions, name);
    if (found !== undefined) return found;
    // Somebody else's: an admin may, by the id, and never by a label.
    if (isSessionId(name)) return this.get(name);
    const theirs = isIdStart(name) ? sessionByIdStart(await this.#everybodys(), name) : undefined;
    if (theirs !== undefined) return theirs;
    const labels = new Set(sessions.flatMap(({ label }) => label ?? []));
    const problem = `Cannot find session "${name}" at "${this.url}"${suggestion(name, labels)}`;
    throw new ServantError("session.unknown", problem);
  }

  /** None for those who may not list them. */
  async #everybodys(): Promise<readonly SessionAnswer[]> {
    try {
      return await this.list({ all: true });
    } catch (cause) {
      if (isServantError(cause) && cause.code === "session.not-allowed") return [];
      throw cause;
    }
  }

  /** It runs, and answers, when this resolves. @throws {ServantError} `session.too-many` */
  async create({ label, sessionTimeoutS, config }: NewSession = {}): Promise<SessionAnswer> {
    const body = {
      ...(label === undefined ? {} : { label }),
      ...(sessionTimeoutS === undefined ? {} : { timeout_s: sessionTimeoutS }),
      ...(config === undefined ? {} : { config }),
    };
    const options = { body, timeoutMs: START_TIMEOUT_MS };
    // The cap, nearly always; the gateway's own words say so or not.
    const refusals = { ...REFUSALS, 403: "session.too-many" } as const;
    return await this.#ask(SessionAnswer, "POST", "/sessions", options, refusals);
  }

  /** How long it may be idle from now on, in seconds; its time begins anew. */
  extend(id: string, sessionTimeoutS: number): Promise<SessionAnswer> {
    const body = { timeout_s: sessionTimeoutS };
    return this.#ask(SessionAnswer, "POST", `/sessions/${encoded(id)}/extend`, { body });
  }

  /** Starts it afresh: same id, empty world. Revives a dead one. */
  async reset(id: string): Promise<void> {
    const options = { body: {}, timeoutMs: START_TIMEOUT_MS };
    await this.#text("POST", `/sessions/${encoded(id)}/reset`, options);
  }

  /** Ends it, and its world with it. */
  async stop(id: string): Promise<void> {
    await this.#text("DELETE", `/sessions/${encoded(id)}`);
  }

  /** The newest part of what its process has logged. */
  logs(id: string): Promise<string> {
    return this.#text("GET", `/sessions/${encoded(id)}/logs`);
  }

  async #ask<S extends z.ZodMiniType>(
    schema: S,
    method: string,
    path: string,
    options: RequestOptions = {},
    refusals = REFUSALS,
  ): Promise<z.output<S>> {
    try {
      return await this.#requests.ask(schema, method, path, options);
    } catch (cause) {
      throw this.#refusal(cause, refusals);
    }
  }

  async #text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    try {
      return await this.#requests.text(method, path, options);
    } catch (cause) {
      throw this.#refusal(cause, REFUSALS);
    }
  }

  #refusal(cause: unknown, refusals: Readonly<Record<number, ErrorCode>>): unknown {
    if (!(cause instanceof RemoteRequestError)) return cause;
    const { statusCode, path } = cause;
    if (statusCode === 404 && !path.startsWith("/sessions/")) return noGateway(this.url, cause);
    const code = refusals[statusCode] ?? cause.code;
    return new RemoteRequestError(code, cause.message, cause, { cause });
  }
}

function loginFailure(cause: unknown, url: string, username: string): unknown {
  const what = `Cannot log in to "${url}" as "${username}"`;
  if (cause instanceof RemoteAuthExpired) {
    return new ServantError("login.wrong", `${what}: ${reasonIn(cause.detail) || "refused"}`, {
      cause,
    });
  }
  if (!(cause instanceof RemoteRequestError)) return cause;
  const { detail, retryAfterMs, statusCode } = cause;
  if (statusCode === 404 || statusCode === 405) return noGateway(url, cause);
  if (statusCode !== 429) return cause;
  const wait = retryAfterMs === undefined ? "" : `; try again in ${retryAfterMs / 1_000} s`;
  return new ServantError(
    "login.too-many",
    `${what}: ${reasonIn(detail) || "too many failures"}${wait}`,
    {
      cause,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}

/** Our gateway's details are whole sentences: what could not be done is said already. */
function reasonIn(detail: string): string {
  return detail.replace(/^Cannot log [^:]*: /, "");
}

function noGateway(url: string, cause: RemoteRequestError): ServantError {
  const problem = `Cannot ask "${url}" for sessions: it is no gateway (HTTP ${cause.statusCode})`;
  return new RemoteRequestError("session.no-gateway", problem, cause, { cause });
}
