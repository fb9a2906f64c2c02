/**
 * The embedded planning backend: owns the state, plans, hands out assignments. It is a function
 * from requests to responses, so that a server can listen for it and a process can do without.
 */
import type { Domain } from "../core/domain.ts";
import type { Level } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import type { MissionFiles } from "./missions.ts";
import type { DomainLibrary } from "./modules.ts";
import { openParts } from "./open-parts.ts";
import type { Progress } from "./progress.ts";
import { routes } from "./routes/app.ts";
import { connect, type Telling } from "./run-events.ts";
import type { Leases } from "./silence.ts";
import { failureAnswer } from "./status.ts";
import type { BackendStore } from "./store.ts";

export interface Note {
  readonly level: Level;
  readonly message: string;
}
export interface BackendOptions extends Leases {
  /** What the backend knows from the start. */
  readonly domains: readonly Domain[];
  /** Where other domains are found that a servant asks for; absent: nowhere. */
  readonly library?: DomainLibrary | undefined;
  readonly clock: Clock;
  /** Told of every line that the backend logs, beside its own `/logs`. */
  readonly log?: (level: Level, message: string, fields: JsonObject) => void;
  /** Told how executions go, for displays; what it throws is ignored. */
  readonly observe?: (progress: Progress) => void;
  /** Plans made in a row without progress, before a run gives up; `REPLANS_MAX` when absent. */
  readonly replansMax?: number | undefined;
  /** Transitions that some servant is going to provide: planned with as if it did. */
  readonly expected?: readonly string[] | undefined;
  /** The backend's from now on: it closes it. Absent: nothing outlives the process. */
  readonly store?: BackendStore;
  /** Missions beside those that clients save. */
  readonly missionFiles?: MissionFiles | undefined;
  /** The longest body of a request that is read; `BODY_MAX_BYTES` when absent. */
  readonly bodyMaxBytes?: number | undefined;
  /** Of the program, told by its description. */
  readonly version?: string;
  /** The answer to `/`, what people look at; absent: the description of the routes. */
  readonly page?: (() => Promise<Response>) | undefined;
  /** Logged first: what there is to say of how the store was opened. */
  readonly notes?: readonly Note[];
}
export interface Backend {
  /** What is answered, as Hono has it: `/objects/:name`. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  /** Answers one request; never rejects. The path is the direct-mode route. */
  fetch(request: Request): Promise<Response>;
  /**
   * What is told to a client that asks for a websocket: a function to be called once it is open, or
   * the answer when there is none to be had.
   */
  connect(request: Request): Response | Telling;
  /** @throws {ServantError} `domain.conflict`, `domain.invalid` */
  addDomain(domain: Domain): void;
  /** Answers what is held, ends what runs, saves. */
  close(): Promise<void>;
}
/** @throws {ServantError} `domain.conflict`, `domain.invalid` */
export function createBackend(options: BackendOptions): Backend {
  const parts = openParts(options);
  const { executor, keeper, servants, world } = parts;
  const { bodyMaxBytes, page, version = "0.0.0" } = options;
  const app = routes(parts, { bodyMaxBytes, page, version });
  return {
    routes: app.routes.filter(({ method }) => method !== "ALL"),
    fetch: async (request) => app.fetch(request),
    connect: (request) => answeringRefusal(() => connect(parts, request)),
    addDomain: (domain) => world.addDomain(domain),
    async close() {
      await executor.stop("the backend was stopping", { isTold: false });
      servants.close();
      await keeper.close();
    },
  };
}

function answeringRefusal<T>(ask: () => T): T | Response {
  try {
    return ask();
  } catch (cause) {
    const { status, body } = failureAnswer(cause);
    return Response.json(body, { status });
  }
}
