/** What a machine says without being asked for a command: pings, refused updates, telemetry, events. */
import { messageOf } from "../../core/errors.ts";
import type { AgentEvent } from "../../core/events.ts";
import type { JsonObject } from "../../core/json.ts";
import type { NatsMessage } from "../../nats/connect.ts";
import { failed } from "../../wire/puda.ts";
import { isBroken, readPayload, writeAnswer } from "../../wire/puda-payload.ts";
import {
  eventSubject,
  FLEET_PING,
  isStreamName,
  pingSubject,
  streamSubject,
  updateResponseSubject,
  updateSubject,
} from "../../wire/puda-subjects.ts";
import { isPing, type StreamOffer, told, toPingRefusal, toPong } from "../../wire/puda-told.ts";
import type { Desk } from "./desk.ts";

export interface PresenceOptions {
  readonly version: string;
  /** What is known of the machine beside: `description`, `lease`. */
  readonly about: JsonObject;
  isBusy(): boolean;
}

export class Presence {
  readonly #desk: Desk;
  readonly #options: PresenceOptions;
  readonly #startedAtMs: number;
  /** Intervals of the open telemetry streams, in milliseconds. */
  readonly #streams = new Map<string, number>();
  readonly #unlisten: () => void;

  constructor(desk: Desk, options: PresenceOptions) {
    this.#desk = desk;
    this.#options = options;
    this.#startedAtMs = desk.clock.monotonic();
    this.#unlisten = desk.bus.listen((event) => this.#hear(event));
  }

  /** Answers from now on; what the plugin tells is passed on already. */
  open(): void {
    const { id, link } = this.#desk;
    for (const subject of [pingSubject(id), FLEET_PING]) {
      link.subscribe(subject, (message) => this.#pinged(message));
    }
    link.subscribe(updateSubject(id), (message) => this.#refuseUpdate(message));
  }

  close(): void {
    this.#unlisten();
    const { id, link } = this.#desk;
    for (const subject of [pingSubject(id), FLEET_PING, updateSubject(id)]) {
      link.unsubscribe(subject);
    }
  }

  #hear(event: AgentEvent): void {
    const { id, time } = this.#desk;
    if (event.type === "plugin.sample" && isStreamName(event.name)) {
      this.#desk.tell(streamSubject(id, event.name), told(time.now(), event.value));
    } else if (event.type === "plugin.event") {
      this.#desk.tell(eventSubject(id, event.kind), told(time.now(), event.fields));
    } else if (event.type === "plugin.stream" && isStreamName(event.name)) {
      if (event.isOpen) this.#streams.set(event.name, event.intervalMs);
      else this.#streams.delete(event.name);
    }
  }

  #pinged(message: NatsMessage): void {
    if (message.reply === undefined || message.reply === "") return;
    const { id, seal, time } = this.#desk;
    let text: string;
    try {
      text = new TextDecoder().decode(this.#desk.open(message));
    } catch {
      text = ""; // it knows another key: it will not be able to read the answer either
    }
    const answer = isPing(text) ? this.#pong() : toPingRefusal(time.now(), id);
    message.respond(seal.close(message.reply, JSON.stringify(answer)));
  }

  #pong(): JsonObject {
    const { clock, id, link, seal, time } = this.#desk;
    const { about, isBusy, version } = this.#options;
    const { clientIp } = link;
    const { keyIds } = seal;
    const extra = {
      ...about,
      ...(clientIp === undefined ? {} : { local_ip: clientIp }),
      ...(keyIds === undefined
        ? {}
        : { e2e_encrypt_kid: keyIds.encrypt, e2e_decrypt_kids: [...keyIds.decrypt] }),
    };
    const uptimeS = (clock.monotonic() - this.#startedAtMs) / 1_000;
    const streams = [...this.#streams].map(([name, intervalMs]) => this.#offer(name, intervalMs));
    return toPong(time.now(), { id, version, uptimeS, isBusy: isBusy(), streams, extra });
  }

  #offer(name: string, intervalMs: number): StreamOffer {
    const subject = streamSubject(this.#desk.id, name);
    return { name, subject, interval: intervalMs / 1_000, description: null };
  }

  /** Anybody on the server could ask for it: nothing here fetches code (W25). */
  #refuseUpdate(message: NatsMessage): void {
    const { id, payloadMax, seal, time } = this.#desk;
    const reason = "Cannot update: this agent takes no code from the network";
    this.#desk.alert("update_refused", "high", { reason });
    try {
      const read = readPayload(this.#desk.open(message), id);
      const asked = isBroken(read) ? read.message : read.message;
      if (asked === undefined) return;
      const { text } = writeAnswer(
        asked,
        failed(time.now(), "UNKNOWN_COMMAND", reason),
        time.now(),
        payloadMax,
      );
      const subject = updateResponseSubject(id);
      this.#desk.link.publish(subject, seal.close(subject, text));
    } catch (cause) {
      this.#desk.alert("malformed_command", "low", { reason: messageOf(cause) });
    }
  }
}
