/** Who uses a gateway in the tests: a program, the public Python CLI or ours, and somebody at its shell. */
import { expect } from "bun:test";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SessionRecord } from "../../src/wire/gateway.ts";
import { ensureBinary, root } from "./binary.ts";
import { type Name, PEOPLE, type RunningGateway } from "./gateway.ts";
import { peerPython } from "./python.ts";
import { type Running, start } from "./running.ts";

const fixtures = join(root, "test", "fixtures", "peer");

export interface Client {
  readonly name: string;
  /** What its commands begin with. */
  readonly program: readonly string[];
  /** What it asks at a login, and for a new password once more. */
  readonly asks: { readonly name: string; readonly password: string; readonly again: string };
  /** A warehouse robot that it connects. */
  readonly robot: string;
  /** Of a servant that polls. */
  readonly isConnected: RegExp;
  /** Runs a mission in the default session; undefined of our own, which has a command for it. */
  readonly script?: readonly string[];
}

export async function ourClient(): Promise<Client> {
  return {
    name: "agent",
    program: [await ensureBinary()],
    asks: { name: "Name at", password: "Password of", again: "The same again" },
    robot: join(root, "plugins", "warehouse.ts:WarehouseNode"),
    isConnected: /registered as servant/,
  };
}

/** Undefined where it cannot be had, with a warning. */
export async function publicClient(version: "0.1.2" | "0.2.2"): Promise<Client | undefined> {
  const peer = await peerPython(version);
  return (
    peer && {
      name: `dynos-client ${version}`,
      program: [peer.dynos],
      asks: { name: "Username", password: "Password", again: "Confirm" },
      robot: join(fixtures, "warehouse_node.py:WarehouseNode"),
      isConnected: /Entering poll loop/,
      script: [peer.python, join(fixtures, "gateway_mission.py")],
    }
  );
}

/** Somebody at a shell, with a config file of their own. */
export class Person {
  readonly #client: Client;
  readonly #gateway: RunningGateway;
  readonly config: string;

  /** `config`: one that somebody has already; else a new one, called as they are. */
  constructor(client: Client, gateway: RunningGateway, name: string, config?: string) {
    this.#client = client;
    this.#gateway = gateway;
    const own = join(gateway.folder, `${client.name.replaceAll(" ", "-")}-${name}.json`);
    this.config = config ?? own;
    if (config === undefined) rmSync(own, { force: true });
  }

  get env(): Record<string, string> {
    const ca = this.#gateway.certificates?.ca ?? "";
    return {
      DYNOS_CONFIG_PATH: this.config,
      REQUESTS_CA_BUNDLE: ca,
      NODE_EXTRA_CA_CERTS: ca,
      XDG_STATE_HOME: join(this.#gateway.folder, "servants"),
      COLUMNS: "200",
      NO_COLOR: "1",
      WAREHOUSE_STEP_MS: "1",
    };
  }

  get saved(): Record<string, string | null> {
    return JSON.parse(readFileSync(this.config, "utf8")) as Record<string, string | null>;
  }

  start(...args: string[]): Running {
    return start([...this.#client.program, ...args], this.env);
  }

  async run(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
    const child = this.start(...args);
    return { code: await child.exited, text: child.output() };
  }

  /** A command that must do what it is asked to; what it printed. */
  async does(...args: string[]): Promise<string> {
    const { code, text } = await this.run(...args);
    expect([args.join(" "), code, text]).toEqual([args.join(" "), 0, text]);
    return text;
  }

  /** A command that must not; what it printed. */
  async fails(...args: string[]): Promise<string> {
    const { code, text } = await this.run(...args);
    expect([args.join(" "), code === 0, text]).toEqual([args.join(" "), false, text]);
    return text.replaceAll(/\s+/g, " ");
  }

  logIn(name: Name, password: string = PEOPLE[name].password): Promise<string> {
    return this.does("login", "--to", this.#gateway.url, "-u", name, "--password", password);
  }

  /** Makes a session with the command; its record. */
  async create(...args: string[]): Promise<SessionRecord> {
    await this.does("session", "create", ...args);
    return await this.record(this.saved.default_session ?? "");
  }

  /** What the gateway says of a session. */
  async record(id: string): Promise<SessionRecord> {
    const reply = await this.#gateway.ask(`/sessions/${id}`, { token: this.saved.token ?? "" });
    expect(reply.status).toBe(200);
    return (await reply.json()) as SessionRecord;
  }
}

/** The process of a session, by the port that it listens on. */
export function processOf({ url }: SessionRecord): number {
  const { port } = new URL(url);
  const found = readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`\0--port\0${port}\0`);
    } catch {
      return false; // it has just ended
    }
  });
  expect(found).toHaveLength(1);
  return Number(found[0]);
}
