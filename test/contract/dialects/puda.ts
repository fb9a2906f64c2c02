/**
 * PUDA over NATS: a commander of the first generation, which starts its runs by their first command,
 * before a real server. What it knows of answers is what the response stream has stored.
 */
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { pudaBackend } from "../../../src/adapters/puda-nats.ts";
import { openBus } from "../../../src/agent/bus.ts";
import type { Json, JsonObject } from "../../../src/core/json.ts";
import { NatsLink } from "../../../src/nats/connect.ts";
import { type NatsChoice, natsTarget } from "../../../src/nats/target.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { noSeal } from "../../../src/wire/puda-seal.ts";
import { machineInboxes } from "../../../src/wire/puda-subjects.ts";
import { Link } from "../../support/faults/link.ts";
import type { RunningNats } from "../../support/nats.ts";
import { PATIENCE_MS } from "../../support/running.ts";
import type { Answer, Dialect, Opened, Peer } from "./dialect.ts";

/** `ackWaitMs`: so soon a command comes again of which nobody says a word. */
export function pudaOn(server: RunningNats, { ackWaitMs = 30_000 } = {}) {
  let machines = 0;
  return {
    name: "PUDA over NATS",
    cannot: {
      belief: "it has no word for it: a machine tells its telemetry unasked",
      forget: "nobody keeps a list of machines",
      refuse: "what its stream has stored is taken",
    },
    module: "puda.ts",
    takesOnce: true,
    async start() {
      machines += 1;
      const nc = await connect({ servers: server.url.replace("nats://", "") });
      const peer = new PudaPeer(`rig-${machines}`, nc, await Link.to(server.port));
      await peer.prepare(ackWaitMs);
      return peer;
    },
  } satisfies Dialect;
}

/** The machine's adapter as `agent connect` opens it, each time in the same state folder. */
export async function adapterTo(
  port: number,
  id = "rig-alone",
  login: Pick<NatsChoice, "user" | "password"> = {},
): Promise<Opened> {
  const target = natsTarget({ servers: [`nats://127.0.0.1:${port}`], ...login }, {});
  const backend = pudaBackend({
    id,
    link: new NatsLink(target, `servant-agent ${id}`, machineInboxes(id)),
    seal: noSeal,
    bus: openBus(),
    clock: systemClock,
    version: "0.0.0",
    origin: `puda:${id}@contract`,
    owner: { host: "here", folder: `/var/lib/${id}`, token: id },
    health: () => ({ cpu: null, mem: null, temp: null }),
    takesImplicitRuns: true,
    checksAddress: true,
    answersRepeats: true,
    commandMaxAgeMs: 60_000,
  });
  return { backend, close: () => backend.close() };
}

const STREAMS = [
  ["COMMAND_QUEUE", "puda.*.cmd.queue", "workqueue"],
  ["COMMAND_IMMEDIATE", "puda.*.cmd.immediate", "workqueue"],
  ["RESPONSE_QUEUE", "puda.*.cmd.response.queue", "interest"],
  ["RESPONSE_IMMEDIATE", "puda.*.cmd.response.immediate", "interest"],
] as const;

export class PudaPeer implements Peer {
  readonly #id: string;
  readonly #nc: NatsConnection;
  readonly wire: Link;
  readonly #sent = new Map<string, Json>();
  #run = 1;
  #step = 0;

  constructor(id: string, nc: NatsConnection, wire: Link) {
    this.#id = id;
    this.#nc = nc;
    this.wire = wire;
  }

  /** The streams, as a machine makes them, and somebody who wants to keep the responses. */
  async prepare(ackWaitMs: number): Promise<void> {
    for (const [name, subject, retention] of STREAMS) {
      await this.#ask(`STREAM.CREATE.${name}`, { name, subjects: [subject], retention });
    }
    await this.#consume("RESPONSE_QUEUE", `kept_${this.#id}`, this.#responses);
    // The machine's own, as an operator may have made it.
    const queue = `puda.${this.#id}.cmd.queue`;
    await this.#consume("COMMAND_QUEUE", `cmd_queue_${this.#id}`, queue, ackWaitMs);
  }

  open() {
    return adapterTo(this.wire.port, this.#id);
  }

  async assign(params: JsonObject = {}) {
    this.#step += 1;
    const ticket = `run-${this.#run}:${this.#step}`;
    this.#sent.set(ticket, this.#message("move", params, this.#step));
    await this.repeat(ticket);
    return ticket;
  }

  async repeat(ticket: string) {
    await this.#publish("queue", JSON.stringify(this.#sent.get(ticket)));
  }

  /** Commands that its queue still holds. */
  async unsettled(): Promise<JsonObject[]> {
    return await this.#stored("COMMAND_QUEUE", `puda.${this.#id}.cmd.queue`);
  }

  /** As a server does that lost its disk. */
  async loseStreams(): Promise<void> {
    for (const [name] of STREAMS) await this.#ask(`STREAM.DELETE.${name}`, {});
  }

  async hasStreams(): Promise<boolean> {
    const found = STREAMS.map(([name]) => this.#api(`STREAM.INFO.${name}`, {}));
    return (await Promise.all(found)).every((info) => !("error" in (info as object)));
  }

  async answers(ticket: string): Promise<Answer[]> {
    const stored = await this.#stored("RESPONSE_QUEUE", this.#responses);
    return stored.flatMap((each) => {
      const { header, command, response } = each as unknown as Stored;
      if (`${header.run_id}:${command.step_number}` !== ticket) return [];
      const { status, message, data } = response;
      return [{ success: status === "success", message: message ?? "", telemetry: data ?? {} }];
    });
  }

  async sendUnreadable() {
    const message = this.#message("move", {}, 999);
    const command = { ...(message.command as JsonObject), params: "none" };
    await this.#publish("queue", JSON.stringify({ ...message, command }));
  }

  async sendNonsense() {
    await this.#publish("queue", "<html>");
  }

  /** Of the run: there is no word for one command of it. */
  async cancel() {
    await this.#immediately("cancel");
    this.#run += 1;
  }

  async pause() {
    await this.#immediately("pause");
  }

  async resume() {
    await this.#immediately("resume");
  }

  async [Symbol.asyncDispose]() {
    await this.wire.down();
    await this.#nc.close();
  }

  get #responses(): string {
    return `puda.${this.#id}.cmd.response.queue`;
  }

  #message(name: string, params: JsonObject, step: number): JsonObject {
    const timestamp = `${new Date().toISOString().slice(0, 19)}Z`;
    const run_id = `run-${this.#run}`;
    return {
      header: {
        message_type: "command",
        version: "1.0",
        timestamp,
        machine_id: this.#id,
        run_id,
      },
      command: { name, params, step_number: step, version: "1.0" },
      response: null,
    };
  }

  async #immediately(name: string): Promise<void> {
    await this.#publish("immediate", JSON.stringify(this.#message(name, {}, 0)));
  }

  async #publish(way: "immediate" | "queue", text: string): Promise<void> {
    const { data } = await this.#request(`puda.${this.#id}.cmd.${way}`, text);
    const { error } = JSON.parse(new TextDecoder().decode(data)) as { error?: Json };
    if (error !== undefined) throw new Error(`not stored: ${JSON.stringify(error)}`);
  }

  async #consume(stream: string, name: string, filter_subject: string, ackWaitMs = 30_000) {
    const policies = { ack_policy: "explicit", deliver_policy: "all", filter_subject };
    await this.#ask(`CONSUMER.DURABLE.CREATE.${stream}.${name}`, {
      stream_name: stream,
      config: { durable_name: name, ack_wait: ackWaitMs * 1e6, ...policies },
    });
  }

  /** What a stream holds of this machine. */
  async #stored(stream: string, subject: string): Promise<JsonObject[]> {
    const all: JsonObject[] = [];
    for (let seq = 1; ; ) {
      const request = { seq, next_by_subj: subject };
      const { message } = (await this.#api(`STREAM.MSG.GET.${stream}`, request)) as {
        message?: { seq: number; data: string };
      };
      if (message === undefined) return all;
      seq = message.seq + 1;
      all.push(JSON.parse(Buffer.from(message.data, "base64").toString()) as JsonObject);
    }
  }

  async #ask(what: string, request: Json): Promise<void> {
    const { error } = (await this.#api(what, request)) as { error?: Json };
    if (error !== undefined) throw new Error(`${what}: ${JSON.stringify(error)}`);
  }

  async #api(what: string, request: Json): Promise<unknown> {
    const { data } = await this.#request(`$JS.API.${what}`, JSON.stringify(request));
    return JSON.parse(new TextDecoder().decode(data));
  }

  /** The client's own patience is a second, and a disk may be slow. */
  #request(subject: string, text: string) {
    return this.#nc.request(subject, text, { timeout: PATIENCE_MS });
  }
}

interface Stored {
  readonly header: { readonly run_id: string };
  readonly command: { readonly step_number: number };
  readonly response: {
    readonly status: string;
    readonly message: string | null;
    readonly data: Json;
  };
}
