/**
 * Hears the responses of machines. Their stream keeps a response only for consumers that are there
 * when it is published, so a machine's consumer is made before the first command goes to it, and it
 * outlives a cut line or a restarted server: what was answered meanwhile comes afterwards.
 */
import { isServantError, messageOf, ServantError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import type { NatsLink, NatsMessage } from "../nats/connect.ts";
import { type JetStream, JetStreamRefusal, jetStreamCodes } from "../nats/jetstream.ts";
import { ResponseMessage } from "../wire/puda.ts";
import { readJson } from "../wire/puda-payload.ts";
import { bucketPlace, type Seal } from "../wire/puda-seal.ts";
import {
  COMMAND_STREAMS,
  durableOf,
  RESPONSE_STREAMS,
  responseSubject,
  STATE_BUCKET,
  type Way,
} from "../wire/puda-subjects.ts";
import type { Tell } from "./notices.ts";
import type { Waiters } from "./waiters.ts";

/** How long a consumer stays whose commander is away, in nanoseconds: 5 minutes. */
const INACTIVE_NS = 300_000_000_000;

interface Consumer {
  readonly way: Way;
  readonly machine: string;
  readonly name: string;
  readonly inbox: string;
  /** The connection on which it was last known to be there, and how that goes. */
  nth: number;
  ready: Promise<void>;
}

export interface ResponsesPorts {
  readonly link: NatsLink;
  readonly js: JetStream;
  readonly waiters: Waiters;
  readonly seal: Seal;
  readonly tell: Tell;
}

export class Responses {
  readonly #ports: ResponsesPorts;
  /** Of this commander's consumers alone. */
  readonly #prefix = `commander_${crypto.randomUUID().replaceAll("-", "")}`;
  readonly #consumers = new Map<string, Consumer>();
  /** What was told of machines that are offline: once each time. */
  readonly #awaySince = new Map<string, number>();

  constructor(ports: ResponsesPorts) {
    this.#ports = ports;
  }

  /**
   * Resolves when what this machine answers from now on will be heard.
   *
   * @throws {ServantError} `machine.absent`: no such machine was ever there; `payload.refused`:
   * it has another lab key; `backend.unreachable`
   */
  listen(machine: string, way: Way): Promise<void> {
    const { link } = this.#ports;
    const key = `${way} ${machine}`;
    const known = this.#consumers.get(key);
    if (known?.nth === link.nth) return known.ready;
    const consumer = known ?? this.#made(machine, way);
    this.#consumers.set(key, consumer);
    consumer.nth = link.nth;
    consumer.ready = this.#create(consumer);
    consumer.ready.catch(() => {
      consumer.nth = 0; // the next one tries again
    });
    return consumer.ready;
  }

  /** After a reconnect: whoever waits will be answered on the same consumers. */
  async listenAgain(): Promise<void> {
    await Promise.allSettled(
      [...this.#consumers.values()].map(({ machine, way }) => this.listen(machine, way)),
    );
  }

  /** Responses that come later are kept for nobody. */
  async close(): Promise<void> {
    const { link, js } = this.#ports;
    if (!link.isUp) return; // the server drops them after a while
    await Promise.allSettled(
      [...this.#consumers.values()].map(({ way, name }) =>
        js.ask(`CONSUMER.DELETE.${RESPONSE_STREAMS[way].name}.${name}`),
      ),
    );
  }

  #made(machine: string, way: Way): Consumer {
    const { link } = this.#ports;
    const inbox = link.inbox();
    const name = `${this.#prefix}_${way}_${machine}`;
    link.subscribe(inbox, (message) => this.#hear(message, machine, way));
    return { way, machine, name, inbox, nth: 0, ready: Promise.resolve() };
  }

  /** A name that nobody ever had is mistyped: what is sent there would wait for whoever takes it. */
  async #find(machine: string): Promise<void> {
    const { js } = this.#ports;
    const { noConsumer, noStream } = jetStreamCodes;
    const verb = `CONSUMER.INFO.${COMMAND_STREAMS.queue.name}.${durableOf(machine, "queue")}`;
    await js.ask(verb).catch((cause: unknown) => {
      const code = cause instanceof JetStreamRefusal ? cause.serverCode : undefined;
      if (code !== noConsumer && code !== noStream) throw cause;
      const problem = `Cannot send to "${machine}": no machine of this name was ever on this server`;
      throw new ServantError("machine.absent", problem);
    });
  }

  /**
   * Its state is under the seal that its answers will be under: who cannot read it would wait in vain.
   * Who waits for one that is away should know it.
   */
  async #readState(machine: string): Promise<void> {
    const { js, seal, tell } = this.#ports;
    const subject = `$KV.${STATE_BUCKET}.${machine}`;
    // Older machines keep their state elsewhere, and not everybody may read it.
    const stored = await js.last(`KV_${STATE_BUCKET}`, subject).catch(() => undefined);
    if (stored?.data === undefined) return;
    let told: Json;
    try {
      told = readJson(seal.open(bucketPlace(STATE_BUCKET, machine), stored.data));
    } catch (cause) {
      if (!isServantError(cause) || cause.code !== "payload.refused") return;
      const problem = `Cannot send to "${machine}": it has another key than this commander`;
      throw new ServantError("payload.refused", `${problem}: ${cause.message}`, { cause });
    }
    if (!isJsonObject(told) || told.state !== "offline") return;
    if (this.#awaySince.get(machine) === stored.atMs) return;
    this.#awaySince.set(machine, stored.atMs);
    tell({ type: "machine.offline", machine, sinceMs: stored.atMs });
  }

  async #create({ way, machine, name, inbox }: Consumer): Promise<void> {
    await Promise.all([this.#find(machine), this.#readState(machine)]);
    const stream = RESPONSE_STREAMS[way].name;
    const subject = responseSubject(machine, way);
    await this.#ports.js.ask(`CONSUMER.CREATE.${stream}.${name}.${subject}`, {
      stream_name: stream,
      config: {
        name,
        deliver_subject: inbox,
        deliver_policy: "new",
        ack_policy: "explicit",
        filter_subject: subject,
        inactive_threshold: INACTIVE_NS,
      },
    });
  }

  #hear(message: NatsMessage, machine: string, way: Way): void {
    const { link, seal, tell, waiters } = this.#ports;
    const { reply } = message;
    if (!reply) return; // a stranger's: what a consumer delivers can be acknowledged
    // Whatever it is, it never comes again: a peer that refuses one without a run gets it for ever.
    link.publish(reply, "");
    const subject = responseSubject(machine, way);
    let response: ResponseMessage;
    try {
      response = ResponseMessage.parse(readJson(seal.open(subject, message.data)));
    } catch (cause) {
      tell({ type: "response.unreadable", machine, reason: messageOf(cause) });
      return;
    }
    if (waiters.settle(way, machine, response)) return;
    const step = response.command?.step_number ?? null;
    const runId = response.header.run_id ?? null;
    if (runId === null) tell({ type: "response.without-run", machine, step });
    else tell({ type: "response.unclaimed", machine, runId, step });
  }
}
