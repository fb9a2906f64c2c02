/**
 * A PUDA machine of bytes: it takes commands as a machine does and answers them as the test says, so
 * that a commander can be looked at without any machine of ours.
 */

import type { JsonObject } from "../../src/core/json.ts";
import { NatsLink, type NatsMessage } from "../../src/nats/connect.ts";
import { natsTarget } from "../../src/nats/target.ts";
import {
  answerTo,
  type Command,
  failed,
  type Response,
  type ResponseCode,
  succeeded,
} from "../../src/wire/puda.ts";
import { isBroken, readPayload } from "../../src/wire/puda-payload.ts";
import { noSeal, type Seal } from "../../src/wire/puda-seal.ts";
import {
  COMMAND_STREAMS,
  commandSubject,
  durableOf,
  FLEET_PING,
  pingSubject,
  responseSubject,
  STATE_BUCKET,
  STREAMS,
  WAYS,
  type Way,
} from "../../src/wire/puda-subjects.ts";
import { toPong, toState } from "../../src/wire/puda-told.ts";

/** What it answers: data, an error, or nothing at all. */
export type Answering = JsonObject | null | { readonly code: ResponseCode } | "silence";

export class WireMachine implements AsyncDisposable {
  /** What it was told, in order: `immediate start 0`. */
  readonly received: string[] = [];
  readonly commands: Command[] = [];
  readonly #link: NatsLink;
  readonly #id: string;
  readonly #seal: Seal;
  #answering: (command: Command, way: Way) => Answering | Promise<Answering> = () => null;

  private constructor(url: string, id: string, seal: Seal) {
    this.#link = new NatsLink(natsTarget({ servers: [url] }, {}), `machine ${id}`);
    this.#id = id;
    this.#seal = seal;
  }

  static async start(url: string, id: string, seal = noSeal): Promise<WireMachine> {
    const machine = new WireMachine(url, id, seal);
    await machine.#link.open();
    await machine.#serve();
    return machine;
  }

  /** From now on it answers so; unless told, everything succeeds without data. */
  answer(how: (command: Command, way: Way) => Answering | Promise<Answering>): void {
    this.#answering = how;
  }

  /** Publishes a response of its own making, whatever it is; resolves when it is stored. */
  respond(way: Way, body: unknown): Promise<void> {
    return this.respondFor(this.#id, way, body);
  }

  /** The same, as if it were another. */
  async respondFor(id: string, way: Way, body: unknown): Promise<void> {
    const subject = responseSubject(id, way);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    for (;;) {
      await this.#link.up();
      try {
        await this.#link.request(subject, this.#seal.close(subject, text));
        return;
      } catch (cause) {
        if (this.#link.isUp) throw cause; // it was not the line
      }
    }
  }

  tell(subject: string, payload: JsonObject): void {
    this.#link.publish(subject, this.#seal.close(subject, JSON.stringify(payload)));
  }

  /** Writes its state into the shared bucket, or one of its own as the older machines do. */
  async setState(state: string, bucket: string = STATE_BUCKET): Promise<void> {
    await this.#ask(`STREAM.CREATE.KV_${bucket}`, {
      name: `KV_${bucket}`,
      subjects: [`$KV.${bucket}.>`],
      max_msgs_per_subject: 1,
      allow_rollup_hdrs: true,
      deny_delete: true,
      discard: "new",
    });
    const place = `kv:${bucket}:${this.#id}`;
    const text = JSON.stringify(toState(Date.now(), state as "idle", null));
    await this.#link.request(`$KV.${bucket}.${this.#id}`, this.#seal.close(place, text));
  }

  /** How many responses still wait for somebody to acknowledge them. */
  async responsesKept(way: Way): Promise<number> {
    const info = await this.#ask(`STREAM.INFO.RESPONSE_${way.toUpperCase()}`);
    return Number((info.state as JsonObject).messages);
  }

  /** How many commanders have consumers there. */
  async responseConsumers(way: Way): Promise<number> {
    const info = await this.#ask(`STREAM.INFO.RESPONSE_${way.toUpperCase()}`);
    return Number((info.state as JsonObject).consumer_count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link.close();
  }

  async #serve(): Promise<void> {
    for (const { name, subject, retention } of STREAMS) {
      await this.#ask(`STREAM.CREATE.${name}`, { name, subjects: [subject], retention });
    }
    for (const way of WAYS) {
      const inbox = this.#link.inbox();
      this.#link.subscribe(inbox, (message) => void this.#take(message, way));
      const stream = COMMAND_STREAMS[way].name;
      const durable = durableOf(this.#id, way);
      await this.#ask(`CONSUMER.CREATE.${stream}.${durable}.${commandSubject(this.#id, way)}`, {
        stream_name: stream,
        config: {
          name: durable,
          durable_name: durable,
          deliver_subject: inbox,
          ack_policy: "explicit",
          filter_subject: commandSubject(this.#id, way),
        },
      });
    }
    for (const subject of [FLEET_PING, pingSubject(this.#id)]) {
      this.#link.subscribe(subject, ({ reply = "" }) => {
        const about = { id: this.#id, version: "test", uptimeS: 1, isBusy: false, streams: [] };
        const text = JSON.stringify(toPong(Date.now(), about));
        this.#link.publish(reply, this.#seal.close(reply, text));
      });
    }
  }

  async #take(message: NatsMessage, way: Way): Promise<void> {
    const payload = this.#seal.open(commandSubject(this.#id, way), message.data);
    const command = readPayload(payload, this.#id);
    if (isBroken(command)) throw new Error(command.problem);
    this.received.push(`${way} ${command.name} ${command.step}`);
    this.commands.push(command);
    this.#link.publish(message.reply ?? "", "");
    const answering = await this.#answering(command, way);
    if (answering === "silence") return;
    await this.respond(way, answerTo(command.message, responseOf(answering), Date.now()));
  }

  async #ask(verb: string, body: JsonObject = {}): Promise<JsonObject> {
    const { data } = await this.#link.request(`$JS.API.${verb}`, JSON.stringify(body));
    const answer = JSON.parse(new TextDecoder().decode(data)) as JsonObject;
    if (answer.error !== undefined) throw new Error(`${verb}: ${JSON.stringify(answer.error)}`);
    return answer;
  }
}

function responseOf(answering: Exclude<Answering, "silence">): Response {
  const isError = answering !== null && typeof answering.code === "string";
  if (!isError) return succeeded(Date.now(), answering as JsonObject | null);
  return failed(Date.now(), answering.code as ResponseCode, "as the test wants it");
}
