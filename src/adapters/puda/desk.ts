/** What the parts of a machine's adapter share: who it is, its line, its seal, the time. */
import { ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Bus, Clock } from "../../core/ports.ts";
import type { NatsLink, NatsMessage } from "../../nats/connect.ts";
import { JetStream } from "../../nats/jetstream.ts";
import { bucketPlace, type Seal } from "../../wire/puda-seal.ts";
import { eventSubject } from "../../wire/puda-subjects.ts";
import { type LogLevel, toAlert, toLog } from "../../wire/puda-told.ts";
import { ServerTime } from "./server-time.ts";

export interface DeskPorts {
  readonly id: string;
  readonly link: NatsLink;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly bus: Bus;
}

export class Desk {
  readonly id: string;
  readonly link: NatsLink;
  readonly js: JetStream;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly time: ServerTime;

  /** `onUntaken` is told each subject that no stream takes. */
  constructor(
    { id, link, seal, clock, bus }: DeskPorts,
    onUntaken: (subject: string) => void = () => {},
  ) {
    this.id = id;
    this.link = link;
    this.seal = seal;
    this.clock = clock;
    this.bus = bus;
    this.time = new ServerTime(clock);
    this.js = new JetStream(link, (atMs) => this.time.heard(atMs), onUntaken);
  }

  /** Publishes to whoever listens now. */
  tell(subject: string, body: JsonObject): void {
    this.link.publish(subject, this.seal.close(subject, JSON.stringify(body)));
  }

  log(level: LogLevel, message: string, extra: JsonObject = {}): void {
    this.tell(eventSubject(this.id, "log"), toLog(this.time.now(), level, message, extra));
  }

  /** For what goes wrong and has nobody else to be told. */
  alert(type: string, severity: string, extra: JsonObject): void {
    this.tell(eventSubject(this.id, "alert"), toAlert(this.time.now(), type, severity, extra));
  }

  /** @throws {ServantError} `payload.refused` */
  open({ subject, data }: NatsMessage): Uint8Array {
    return this.seal.open(subject, data);
  }

  closeValue(bucket: string, key: string, body: JsonObject): Uint8Array | string {
    return this.seal.close(bucketPlace(bucket, key), JSON.stringify(body));
  }

  /** How long a message may be, in bytes, before it is sealed. */
  get payloadMax(): number {
    return this.link.maxPayload - this.seal.bytes;
  }

  /** The link is down, or what it leads to does not answer: soon tried again. */
  unreachable(reason: string, cause?: unknown): ServantError {
    const problem = `Cannot serve as machine ${this.id}: ${reason}`;
    return new ServantError("backend.unreachable", problem, { cause, retryAfterMs: RETRY_MS });
  }
}

/** How soon what is unreachable is tried again, in milliseconds. */
const RETRY_MS = 1_000;
