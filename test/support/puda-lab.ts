/** A laboratory for one test: a server, our compiled machine, and a commander of bytes. */
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { root } from "./binary.ts";
import { type NatsOptions, natsServer, RunningNats } from "./nats.ts";
import { OurMachine, type OurMachineOptions } from "./puda-scene.ts";
import { PATIENCE_MS } from "./running.ts";
import {
  type Kind,
  requestText,
  WireCommander,
  type WireResponse,
  type Writer,
} from "./wire-commander.ts";

export const ARM = join(root, "test", "fixtures", "puda", "arm.ts:Arm");

/** The variables that the arm's process keeps. */
const PASSED = ["EFFECTS_FILE", "ARM_BROKEN", "ARM_SLOW_RESET_MS"];

export interface LabOptions extends OurMachineOptions {
  readonly server?: NatsOptions;
  readonly writer?: Writer;
  /** Which machine the commander speaks to; absent: ours. */
  readonly commands?: string;
  /** Before the machine starts. */
  before?(connection: NatsConnection): Promise<void>;
}

interface Ask {
  readonly name: string;
  readonly run?: string | null;
  readonly params?: unknown;
}

export class Lab implements AsyncDisposable {
  readonly server: RunningNats;
  readonly machine: OurMachine;
  readonly commander: WireCommander;
  /** For whatever else a test wants to see or do. */
  readonly connection: NatsConnection;
  #step = 0;

  constructor(
    server: RunningNats,
    machine: OurMachine,
    commander: WireCommander,
    connection: NatsConnection,
  ) {
    this.server = server;
    this.machine = machine;
    this.commander = commander;
    this.connection = connection;
  }

  /** Undefined where there is no server to be had: that was told loudly. */
  static async open(options: LabOptions = {}): Promise<Lab | undefined> {
    const program = await natsServer();
    if (program === undefined) return undefined;
    const server = await RunningNats.start(program, options.server);
    try {
      const connection = await connect({
        servers: server.url,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 50,
      });
      await options.before?.(connection);
      const machine = await OurMachine.start(server.url, "arm", {
        reference: ARM,
        env: options.env ?? {},
        args: [...PASSED.flatMap((name) => ["--pass-env", name]), ...(options.args ?? [])],
      });
      const commander = await WireCommander.open(
        server.url,
        options.commands ?? "arm",
        options.writer,
      );
      return new Lab(server, machine, commander, connection);
    } catch (cause) {
      await server[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /** With the next step number, of run `r` unless it says another. */
  send(kind: Kind, ask: Ask): Promise<WireResponse> {
    this.#step += 1;
    return this.commander.send(kind, { run: "r", ...ask, step: this.#step });
  }

  queue(name: string, params: unknown = {}): Promise<WireResponse> {
    return this.send("queue", { name, params });
  }

  now(name: string, run: string | null = "r"): Promise<WireResponse> {
    return this.send("immediate", { name, run });
  }

  /** The bytes of a command, for tests that send them in their own way. */
  text(name: string, step: number, more: { run?: string | null; params?: unknown } = {}): string {
    return requestText("arm", "N", { name, step, run: "r", ...more });
  }

  /** `status code` of each answer so far, oldest first. */
  get codes(): string[] {
    return this.commander.responses.map(({ response }) => `${response.status} ${response.code}`);
  }

  effects(): string[] {
    return this.machine.effects();
  }

  /** The machine's present value in a bucket, in `MACHINE_STATE` unless it says another. */
  async value(bucket = "MACHINE_STATE", key = "arm"): Promise<Record<string, unknown> | undefined> {
    const subject = `$JS.API.STREAM.MSG.GET.KV_${bucket}`;
    const query = JSON.stringify({ last_by_subj: `$KV.${bucket}.${key}` });
    const answer: { message?: { data?: string } } = await this.request(subject, query);
    const data = answer.message?.data;
    return data === undefined ? undefined : JSON.parse(atob(data));
  }

  /** `run`: which it is in then; undefined for whichever. */
  async untilState(state: string, run?: string | null): Promise<void> {
    await until(`state ${state} of ${run}`, async () => {
      const now = await this.value();
      return now?.state === state && (run === undefined || now.run_id === run);
    });
  }

  /** Everything that comes on these subjects from now on. */
  async listen(...subjects: string[]): Promise<{ subject: string; text: string }[]> {
    const heard: { subject: string; text: string }[] = [];
    for (const subject of subjects) {
      this.connection.subscribe(subject, {
        callback: (_, message) => {
          heard.push({ subject: message.subject, text: message.string() });
        },
      });
    }
    await this.connection.flush();
    return heard;
  }

  /** No command waits in its stream. */
  async untilSettled(stream = "COMMAND_QUEUE"): Promise<void> {
    await until("all is settled", async () => {
      const { state } = await this.ask(`STREAM.INFO.${stream}`);
      return state?.messages === 0;
    });
  }

  /** Starts the server once more; what is sent before a client is connected again is lost. */
  async restartServer(): Promise<void> {
    await this.server.restart();
    for (const each of [this.connection, this.commander.connection]) {
      const isUp = () =>
        each.flush().then(
          () => true,
          () => false,
        );
      await until("a client is connected again", isUp);
    }
  }

  /** Its answer as JSON; the client's own patience is a second, and a disk may be slow. */
  async request<T>(subject: string, text: string): Promise<T> {
    return (await this.connection.request(subject, text, { timeout: PATIENCE_MS })).json();
  }

  /** What the management of JetStream says. */
  async ask(verb: string, body?: unknown): Promise<Record<string, Record<string, unknown>>> {
    return await this.request(`$JS.API.${verb}`, body === undefined ? "" : JSON.stringify(body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.commander[Symbol.asyncDispose]().catch(() => {}); // the server may be gone
    await this.machine[Symbol.asyncDispose]();
    await this.connection.close();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Waits for a condition. @throws Error when it does not come true in time */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = PATIENCE_MS,
): Promise<void> {
  const endsAtMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endsAtMs) throw new Error(`never happened: ${what}`);
    await Bun.sleep(5);
  }
}
