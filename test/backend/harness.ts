/** A backend on a real socket, and the servant side of the protocol as a few calls. */
import { type Backend, type BackendOptions, createBackend } from "../../src/backend/backend.ts";
import type { Progress } from "../../src/backend/progress.ts";
import { listen } from "../../src/cli/listen.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { systemClock } from "../../src/system/clock.ts";

export interface Answer {
  readonly status: number;
  /** An object or a list: the test says which it expects. */
  readonly body: JsonObject & readonly Json[];
  readonly headers: Headers;
}
/** An assignment as it is handed out. */
export interface Handout {
  readonly kind: string;
  readonly audit_id: string;
  readonly transition_name?: string;
  readonly params_json?: JsonObject;
  readonly fluent_name?: string;
}
export interface Harness extends AsyncDisposable {
  readonly url: string;
  readonly backend: Backend;
  readonly progress: Progress[];
  get(path: string, headers?: Record<string, string>, signal?: AbortSignal): Promise<Answer>;
  post(path: string, body?: Json): Promise<Answer>;
  send(method: string, path: string, body?: Json): Promise<Answer>;
  /** Registers a servant; resolves to its id. */
  register(transitions: readonly string[], beliefs?: readonly string[]): Promise<string>;
  /** Polls until there is an assignment. */
  next(servantId: string): Promise<Handout>;
  answer(servantId: string, auditId: string, more?: JsonObject): Promise<Answer>;
}

/** How long `next` waits for an assignment before the test fails, in milliseconds. */
const NEXT_MS = 5_000;

export function harness(options: Partial<BackendOptions> = {}): Harness {
  const progress: Progress[] = [];
  const backend = createBackend({
    domains: [warehouse],
    clock: systemClock,
    observe: (each) => progress.push(each),
    ...options,
  });
  const { url, stop } = listen(backend, { port: 0, bind: "127.0.0.1" });
  const call = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    const body = (text === "" ? null : JSON.parse(text)) as Answer["body"];
    return { status: response.status, body, headers: response.headers };
  };
  const self: Harness = {
    url,
    backend,
    progress,
    get: (path, headers = {}, signal) =>
      call(path, { headers, ...(signal === undefined ? {} : { signal }) }),
    post: (path, body = {}) => call(path, { method: "POST", body: JSON.stringify(body) }),
    send: (method, path, body) =>
      call(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
    async register(transitions, beliefs = []) {
      const body = { transitions: [...transitions], beliefs: [...beliefs] };
      return String((await self.post("/servant/register", body)).body.servant_id);
    },
    async next(servantId) {
      const untilMs = performance.now() + NEXT_MS;
      for (;;) {
        const path = `/servant/${servantId}/next_assignment`;
        const { status, body } = await self.get(path, { Prefer: "wait=1" });
        if (status === 200) return body as unknown as Handout;
        if (status !== 204 || performance.now() > untilMs) {
          throw new Error(`no assignment for ${servantId}: ${status} ${JSON.stringify(body)}`);
        }
      }
    },
    answer: (servantId, auditId, more = {}) =>
      self.post(`/servant/${servantId}/result`, {
        success: true,
        message: "",
        audit_id: auditId,
        ...more,
      }),
    async [Symbol.asyncDispose]() {
      await backend.close();
      await stop();
    },
  };
  return self;
}
