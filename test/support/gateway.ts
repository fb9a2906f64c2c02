/** `agent host --sessions` as its users see it: https, an authority of its own, some people. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Role } from "../../src/core/gateway.ts";
import type { LoginReply, SessionRecord } from "../../src/wire/gateway.ts";
import { ensureBinary } from "./binary.ts";
import { type Certificates, throwAwayCertificates } from "./certificates.ts";
import { type Running, start } from "./running.ts";

/** Passwords of the people that a gateway of the tests knows; alice is its admin. */
export const PEOPLE = {
  alice: { password: "wonder land", role: "admin" },
  bob: { password: "builder", role: "user" },
  carol: { password: "kärol", role: "user" },
} as const satisfies Record<string, { password: string; role: Role }>;
export type Name = keyof typeof PEOPLE;

/** The least that bcrypt has: tests need not wait for it. */
const COST = 4;
/** How many sessions a gateway of the tests may have at once. */
const PORTS = 40;

/** Which of the processes that run tests side by side this is. */
const WORKER = Number(process.env.BUN_TEST_WORKER_ID ?? 0);

export interface GatewayOptions {
  readonly args?: readonly string[];
  /** Plain http: for what has nothing to do with TLS. */
  readonly isPlain?: boolean;
  readonly env?: Record<string, string>;
}

/** A gateway in a folder of its own. With `await using` it and its folder end with the scope. */
export class RunningGateway implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "gateway-"));
  readonly stateDir = join(this.folder, "state");
  readonly usersPath = join(this.folder, "login.json");
  process!: Running;
  url = "";
  certificates: Certificates | undefined;
  /** What a client must trust, PEM; none of a plain gateway. */
  ca: string | undefined;
  readonly #options: GatewayOptions;
  /** The same after each start: sessions keep their ports. No other test process has them. */
  readonly #ports = ((from) => `${from}-${from + PORTS - 1}`)(
    20_000 + PORTS * (2 * Math.floor(Math.random() * 125) + (WORKER % 2)),
  );

  private constructor(options: GatewayOptions) {
    this.#options = options;
  }

  static async start(options: GatewayOptions = {}): Promise<RunningGateway> {
    const gateway = new RunningGateway(options);
    await gateway.writeUsers(PEOPLE);
    if (options.isPlain !== true) {
      gateway.certificates = throwAwayCertificates();
      gateway.ca = readFileSync(gateway.certificates.ca, "utf8");
    }
    try {
      await gateway.start();
      return gateway;
    } catch (cause) {
      await gateway[Symbol.asyncDispose](); // a test that fails leaves nothing behind
      throw cause;
    }
  }

  /** Once more, where it was: on the same port. */
  async start(): Promise<void> {
    const { port = "0" } = this.url === "" ? {} : new URL(this.url);
    const { cert, key } = this.certificates ?? {};
    const tls = cert && key ? ["--tls-cert", cert, "--tls-key", key] : [];
    this.process = start(
      [
        ...[await ensureBinary(), "host", "--sessions", "--json", "--port", port, ...tls],
        ...["--users", this.usersPath, "--state-dir", this.stateDir],
        ...["--session-ports", this.#ports, ...(this.#options.args ?? [])],
      ],
      this.#options.env,
    );
    const [, url = ""] = await this.process.until(/"url":"([^"]+)"/);
    this.url = url;
  }

  async writeUsers(people: Record<string, { password: string; role: Role }>): Promise<void> {
    const users = Object.entries(people).map(async ([name, { password, role }]) => {
      const hash = await Bun.password.hash(password, { algorithm: "bcrypt", cost: COST });
      return [name, { password_hash: hash, display_name: name, role }];
    });
    const text = JSON.stringify({ users: Object.fromEntries(await Promise.all(users)) });
    writeFileSync(this.usersPath, text, { mode: 0o600 });
  }

  /** One request, with the headers that the public client sends. */
  async ask(path: string, { token, json, ...init }: Asked = {}): Promise<Response> {
    const { ca } = this;
    return await fetch(this.url + path, {
      ...init,
      headers: {
        "X-Requested-With": "dynos",
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { "Content-Type": "application/json" }),
        ...(init.headers as Record<string, string>),
      },
      ...(json === undefined ? {} : { method: init.method ?? "POST", body: JSON.stringify(json) }),
      ...(ca === undefined ? {} : { tls: { ca } }),
    } as RequestInit);
  }

  /** Logs somebody in; resolves to the token. */
  async logIn(name: Name, password: string = PEOPLE[name].password): Promise<string> {
    const reply = await this.ask("/auth/login", { json: { username: name, password } });
    if (reply.status !== 200) throw new Error(`login: ${reply.status} ${await reply.text()}`);
    return ((await reply.json()) as LoginReply).token;
  }

  async createSession(token: string, json: object = {}): Promise<SessionRecord> {
    const reply = await this.ask("/sessions", { token, json });
    if (reply.status !== 200) throw new Error(`create: ${reply.status} ${await reply.text()}`);
    return (await reply.json()) as SessionRecord;
  }

  /** Ends it as a service manager does; its sessions end with it, and their worlds stay. */
  async stop(): Promise<number> {
    this.process.kill("SIGTERM");
    return await this.process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.certificates?.[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Asked extends Omit<RequestInit, "body"> {
  readonly token?: string;
  /** Posted, unless another method is named. */
  readonly json?: object;
  readonly body?: string | ReadableStream<Uint8Array>;
}
