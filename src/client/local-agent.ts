/** The agent of this machine, asked through its local door. */

import type { AuditId } from "../core/assignment.ts";
import { isErrorCode, ServantError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { Failure, type LocalFile, Opening, Status } from "../wire/local.ts";

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 10_000;

/** Where the door is and what opens it. */
export interface LocalTarget extends LocalFile {
  readonly token: string;
}

export class LocalAgent {
  readonly target: LocalTarget;

  constructor(target: LocalTarget) {
    this.target = target;
  }

  async status(): Promise<Status> {
    return this.#read(Status, await this.#ask("GET", "/v1/status"));
  }

  /** @throws {ServantError} `assignment.absent`, `assignment.not-open` */
  async cancel(auditId: AuditId, reason: string | undefined): Promise<void> {
    const body = reason === undefined ? {} : { reason };
    await this.#ask("POST", `/v1/assignments/${encodeURIComponent(auditId)}/cancel`, body);
  }

  async drain(): Promise<void> {
    await this.#ask("POST", "/v1/drain");
  }

  /** A link that lets one browser in, once. */
  async open(): Promise<Opening> {
    return this.#read(Opening, await this.#ask("POST", "/v1/open"));
  }

  /** The stream of its log; `query` is the first subscription. */
  stream(query: URLSearchParams): WebSocket {
    const { socket } = this.target;
    const path = `/v1/stream?${query}`;
    const base = this.#base.replace(/^http/, "ws");
    const url = socket === undefined ? `${base}${path}` : `ws+unix://${socket}:${path}`;
    return new WebSocket(url, { headers: this.#headers, ...tls(base) } as never);
  }

  /** Sends one request and hands its answer on, whatever its status. */
  async fetch(method: "GET" | "POST", path: string, init: RequestInit = {}): Promise<Response> {
    const { socket, pid } = this.target;
    const base = this.#base;
    try {
      return await fetch(`${base}${path}`, {
        ...init,
        method,
        headers: { ...this.#headers, ...init.headers },
        redirect: "manual",
        ...tls(base),
        ...(socket === undefined ? {} : { unix: socket }),
      });
    } catch (cause) {
      const reason = `Cannot reach the local door of agent ${pid} at ${socket ?? base}`;
      throw new ServantError("local.silent", reason, { cause });
    }
  }

  async #ask(method: "GET" | "POST", path: string, body?: Json): Promise<unknown> {
    const answer = await this.fetch(method, path, {
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const value: unknown = await answer.json().catch(() => undefined);
    if (answer.ok) return value;
    throw failureOf(answer.status, value);
  }

  get #headers(): Record<string, string> {
    return { Authorization: `Bearer ${this.target.token}` };
  }

  /** A listener on every address is asked on the one that never leaves the machine. */
  get #base(): string {
    const { url = "http://localhost" } = this.target;
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  }

  #read<T>(schema: { safeParse(value: unknown): { data?: T } }, value: unknown): T {
    const { data } = schema.safeParse(value);
    if (data !== undefined) return data;
    const problem = `Cannot read what agent ${this.target.pid} answers: another version's?`;
    throw new ServantError("local.absent", problem);
  }
}

/**
 * The certificate is for the names that others use. That this is the agent is known from its state
 * folder, which it alone can write, and holds locked.
 */
function tls(url: string): { tls?: { rejectUnauthorized: boolean } } {
  return /^(https|wss):/.test(url) ? { tls: { rejectUnauthorized: false } } : {};
}

/** The door's own word on a failure, as this program's. */
export function failureOf(status: number, body: unknown): ServantError {
  const failure = Failure.safeParse(isJsonObject(body) ? body : {});
  const { code, message } = failure.data ?? {};
  if (isErrorCode(code) && message !== undefined) return new ServantError(code, message);
  return new ServantError("agent.internal", `Cannot ask the agent: its door answered ${status}`);
}
