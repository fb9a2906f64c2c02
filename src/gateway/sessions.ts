/** The sessions that there are: each a backend of its own, in a process of its own. */
import { randomBytes, randomUUID } from "node:crypto";
import { ServantError } from "../core/errors.ts";
import { SESSION_TIMEOUT_DEFAULT_S, type Session } from "../core/gateway.ts";
import type { Clock } from "../core/ports.ts";
import type { BackendStore } from "../core/store.ts";
import type { CreateSession, SessionRecord, SessionUse } from "../wire/gateway.ts";

/** Starts the process of a session; resolves once it answers. */
export type StartSession = (asked: {
  readonly id: string;
  readonly port: number;
  readonly secret: string;
}) => Promise<{ readonly logPath: string; stop(): Promise<void> }>;

export interface SessionsParts {
  readonly store: BackendStore;
  readonly clock: Clock;
  readonly start: StartSession;
  readonly perUser: number;
  readonly ports: { readonly from: number; readonly to: number };
}

/** Where requests to a session go. One is in flight until `leave` is called. */
export interface Place {
  readonly url: string;
  readonly secret: string;
  readonly expiresInS: number;
  leave(): void;
}

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #open = new Map<string, { session: Session; secret: string; stop(): Promise<void> }>();

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /** Of one owner, or of all. */
  list(owner?: string): readonly Session[] {
    const all = [...this.#open.values()].map(({ session }) => session);
    return all.filter((session) => owner === undefined || session.owner === owner);
  }

  find(id: string): Session | undefined {
    return this.#open.get(id)?.session;
  }

  /** @throws {ServantError} `session.too-many`, `session.invalid`, `session.unstartable` */
  async create(owner: string, asked: CreateSession): Promise<Session> {
    const { clock, ports, start } = this.#parts;
    const id = randomUUID();
    const taken = new Set(this.list().map(({ port }) => port));
    const port = Array.from({ length: ports.to - ports.from + 1 }, (_, at) => ports.from + at).find(
      (each) => !taken.has(each),
    );
    if (port === undefined) throw new ServantError("session.unstartable", "Cannot find a port");
    const secret = randomBytes(32).toString("base64url");
    const { logPath, stop } = await start({ id, port, secret });
    const nowMs = clock.now();
    const session: Session = {
      id,
      owner,
      label: asked.label ?? id.slice(0, 8),
      timeoutS: asked.timeout_s ?? SESSION_TIMEOUT_DEFAULT_S,
      config: asked.config ?? {},
      createdAtMs: nowMs,
      lastActiveAtMs: nowMs,
      status: "running",
      port,
      logPath,
    };
    this.#open.set(id, { session, secret, stop });
    return session;
  }

  /** @throws {ServantError} `session.unknown` */
  async extend(id: string, timeoutS: number): Promise<Session> {
    const found = this.#get(id);
    found.session = { ...found.session, timeoutS, lastActiveAtMs: this.#parts.clock.now() };
    return found.session;
  }

  /** @throws {ServantError} `session.unknown`, `session.unstartable` */
  async reset(id: string): Promise<Session> {
    const found = this.#get(id);
    await found.stop();
    const { port } = found.session;
    found.stop = (await this.#parts.start({ id, port, secret: found.secret })).stop;
    return found.session;
  }

  /** @throws {ServantError} `session.unknown` */
  async stop(id: string): Promise<void> {
    const { stop } = this.#get(id);
    this.#open.delete(id);
    await stop();
  }

  /** @throws {ServantError} `session.unknown` */
  async logs(id: string): Promise<Blob | string> {
    return Bun.file(this.#get(id).session.logPath);
  }

  /** @throws {ServantError} `session.unknown` */
  async use(id: string): Promise<SessionUse> {
    return { ...recordOf(this.#get(id).session, this.#parts.clock.now()), in_flight: 0 };
  }

  /** @throws {ServantError} `session.unknown`, `session.dead` */
  enter(id: string): Place {
    const { session, secret } = this.#get(id);
    const url = `http://127.0.0.1:${session.port}`;
    return { url, secret, expiresInS: session.timeoutS, leave() {} };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ stop }) => stop()));
  }

  #get(id: string) {
    const found = this.#open.get(id);
    if (found === undefined) throw new ServantError("session.unknown", `Cannot find "${id}"`);
    return found;
  }
}

/** A session as clients read it. */
export function recordOf(session: Session, nowMs: number): SessionRecord {
  const leftMs = session.lastActiveAtMs + session.timeoutS * 1_000 - nowMs;
  return {
    session_id: session.id,
    owner_username: session.owner,
    label: session.label,
    url: `http://127.0.0.1:${session.port}`,
    timeout_s: session.timeoutS,
    config: session.config as SessionRecord["config"],
    created_at: new Date(session.createdAtMs).toISOString(),
    last_active_at: new Date(session.lastActiveAtMs).toISOString(),
    status: session.status,
    expires_in_s: Math.max(0, Math.floor(leftMs / 1_000)),
    log_path: session.logPath,
  };
}
