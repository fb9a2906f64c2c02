/** A whole gateway on a machine of the tests: a clock that stands still, sessions that only seem to run. */
import { GATEWAY_SECRET_HEADER } from "../../src/core/gateway.ts";
import { Audit } from "../../src/gateway/audit.ts";
import { createGateway, type Gateway } from "../../src/gateway/door.ts";
import { Guesses } from "../../src/gateway/guesses.ts";
import { trusted } from "../../src/gateway/peer.ts";
import type { SessionProxy, Way } from "../../src/gateway/proxy.ts";
import type { Sessions } from "../../src/gateway/sessions.ts";
import { Tally } from "../../src/gateway/tally.ts";
import { Tokens } from "../../src/gateway/tokens.ts";
import { Users } from "../../src/gateway/users.ts";
import type { LoginReply, SessionRecord } from "../../src/wire/gateway.ts";
import { FakeMachine } from "../support/fake-sessions.ts";

/** Whoever comes from there, unless a test says otherwise. */
export const SOMEWHERE = "192.0.2.1";
/** A hash of bcrypt, but for the character that says whose it is. */
const HASH = ["$2b$09$7bAUO.HbOD8uUXd.cPvuSO", "wrlJn2JhhXivYqYoX6mPfbkgJ1SEGm"] as const;

export interface Asked {
  readonly token?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Posted, unless another method is named. */
  readonly json?: unknown;
  readonly body?: string;
  readonly from?: string;
}

/** alice is the admin; everybody's password is their name and "'s secret". */
export class GatewayScene implements AsyncDisposable {
  readonly machine = new FakeMachine();
  readonly audited: Record<string, unknown>[] = [];
  readonly logged: string[] = [];
  readonly gateway: Gateway;
  readonly sessions: Sessions;
  /** What the sessions were asked, and each one's way out. */
  readonly passedOn: { request: Request; way: Way; rest: string; from: string }[] = [];
  /** What a session answers; the way is left at once. */
  answer: (request: Request) => Response | Promise<Response> = () => Response.json({ ok: true });
  #usersText: string | undefined;

  constructor(
    options: {
      readonly trust?: readonly string[];
      readonly perUser?: number;
      readonly requestsPerUser?: number;
    } = {},
  ) {
    const { clock, store } = this.machine;
    this.setUsers({ alice: "admin", bob: "user", carol: "user" });
    const users = new Users({
      path: "login.json",
      readIfChanged: () => {
        const text = this.#usersText;
        this.#usersText = undefined;
        return text;
      },
    });
    this.sessions = this.machine.gateway(options);
    this.gateway = createGateway({
      users,
      tokens: new Tokens({ store, clock, users, lifeMaxMs: 7 * 86_400_000 }),
      passwords: { atOnce: 2, verify: async (password, hash) => password === passwordOf(hash) },
      guesses: new Guesses(clock),
      sessions: this.sessions,
      proxy: this.#proxy(),
      audit: new Audit({ clock, write: (line) => this.audited.push(JSON.parse(line)) }),
      tally: new Tally(),
      clock,
      isTrusted: trusted(options.trust ?? []),
      requestsPerUser: options.requestsPerUser ?? 1_000,
      log: (level, message) => this.logged.push(`${level} ${message}`),
      version: "1.2.3",
      page: async (name) => new Response(`the page of the ${name}`),
    });
  }

  /** As an editor writes the file; it is read at the next login or within a second. */
  setUsers(roles: Record<string, string> | string): void {
    if (typeof roles === "string") this.#usersText = roles;
    else {
      const entries = Object.entries(roles).map(([name, role]) => [
        name,
        { password_hash: HASH.join(name[0]), role },
      ]);
      this.#usersText = JSON.stringify({ users: Object.fromEntries(entries) });
    }
  }

  async ask(path: string, asked: Asked = {}): Promise<Response> {
    return await this.gateway.fetch(this.request(path, asked), asked.from ?? SOMEWHERE);
  }

  request(path: string, { token, json, headers, ...asked }: Asked = {}): Request {
    const body = json === undefined ? asked.body : JSON.stringify(json);
    const method = asked.method ?? (body === undefined ? "GET" : "POST");
    return new Request(`http://plan.example${path}`, {
      method,
      headers: {
        Host: "plan.example",
        "X-Requested-With": "dynos",
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  async tryLogIn(username: string, password: string, from = SOMEWHERE): Promise<Response> {
    return await this.ask("/auth/login", { json: { username, password }, from });
  }

  async logIn(username: string, from = SOMEWHERE): Promise<string> {
    const answer = await this.tryLogIn(username, `${username[0]}'s secret`, from);
    if (answer.status !== 200) throw new Error(`login: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as LoginReply).token;
  }

  async create(token: string, json: object = {}): Promise<SessionRecord> {
    const answer = await this.ask("/sessions", { token, json });
    if (answer.status !== 200) throw new Error(`create: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as SessionRecord;
  }

  /** What was written since the last look, without the time. */
  audit(): Record<string, unknown>[] {
    return this.audited.splice(0).map(({ time: _, ...rest }) => rest);
  }

  #proxy(): SessionProxy {
    const fetch: SessionProxy["fetch"] = async (request, way, to, from) => {
      this.passedOn.push({ request, way, rest: to.rest, from });
      try {
        const answer = await this.answer(request);
        const headers = { ...Object.fromEntries(answer.headers), [GATEWAY_SECRET_HEADER]: "" };
        return new Response(answer.body, { status: answer.status, headers });
      } finally {
        way.leave();
      }
    };
    return { fetch, connect: fetch, close() {} };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.gateway.close();
    await this.machine.clock.advance(60_000);
    await closed;
  }
}

function passwordOf(hash: string): string {
  return `${hash.at(HASH[0].length)}'s secret`;
}
