/**
 * Takes one message at a time from a consumer: it asks for one, and for the next only when it is told
 * to. Each connection has its own request; one that is lost is asked again.
 */
import type { AuditId } from "../../core/assignment.ts";
import type { NatsMessage } from "../../nats/connect.ts";
import { COMMAND_STREAMS, durableOf, type Way } from "../../wire/puda-subjects.ts";
import type { Desk } from "./desk.ts";

/** How long the server keeps a request for a message, in milliseconds. */
export const PULL_EXPIRES_MS = 30_000;
/** A request that is older is lost, in milliseconds. */
const PULL_LOST_MS = PULL_EXPIRES_MS + 5_000;

/** A message of a command stream. */
export interface Arrival {
  readonly message: NatsMessage;
  /** Where it is settled. */
  readonly ack: string;
  /** The same for each delivery of one message, and for no other message. */
  readonly auditId: AuditId;
  /** When the server stored it, by its clock in epoch milliseconds. */
  readonly storedAtMs: number;
}

/** What a puller tells. */
export interface PullerEvents {
  arrived(arrival: Arrival): void;
  /** The server cannot serve it as things are: stream or consumer are gone, or are being moved. */
  broken(reason: string): void;
  /** It may be asked again. */
  free(): void;
}

export class Puller {
  readonly #desk: Desk;
  readonly #next: string;
  readonly #events: PullerEvents;
  #inbox = "";
  #nth = 0;
  #askedAtMs: number | undefined;

  constructor(desk: Desk, way: Way, events: PullerEvents) {
    this.#desk = desk;
    this.#events = events;
    const { name } = COMMAND_STREAMS[way];
    this.#next = `$JS.API.CONSUMER.MSG.NEXT.${name}.${durableOf(desk.id, way)}`;
  }

  /** Asks for one message, unless one is asked for already. */
  pull(): void {
    const { clock, link } = this.#desk;
    if (this.#nth !== link.nth) this.#begin();
    const nowMs = clock.monotonic();
    if (this.#askedAtMs !== undefined && nowMs - this.#askedAtMs < PULL_LOST_MS) return;
    this.#askedAtMs = nowMs;
    link.publish(this.#next, REQUEST, { reply: this.#inbox });
  }

  /** What is on its way comes no more. */
  close(): void {
    if (this.#inbox !== "") this.#desk.link.unsubscribe(this.#inbox);
    this.#askedAtMs = undefined;
    this.#inbox = "";
    this.#nth = 0;
  }

  /** The server forgot what an earlier connection had asked. */
  #begin(): void {
    const { link } = this.#desk;
    this.close();
    this.#nth = link.nth;
    this.#inbox = link.inbox();
    link.subscribe(this.#inbox, (message) => this.#hear(message));
  }

  #hear(message: NatsMessage): void {
    this.#askedAtMs = undefined;
    const arrival = arrivalOf(message, this.#desk.id);
    if (arrival !== undefined) {
      this.#desk.time.atLeast(arrival.storedAtMs);
      this.#events.arrived(arrival);
      return;
    }
    const code = message.headers?.code ?? 0;
    const isExpired = code === 408 || code === 404;
    if (isExpired) this.#events.free();
    else this.#events.broken(message.headers?.description || `the server says ${code}`);
  }
}

const REQUEST = JSON.stringify({ batch: 1, expires: PULL_EXPIRES_MS * 1e6 });

/**
 * What the acknowledgement's subject tells of a message; undefined for what is none. Newer servers
 * name a domain and an account before the stream.
 */
export function arrivalOf(message: NatsMessage, id: string): Arrival | undefined {
  const ack = message.reply ?? "";
  if (!ack.startsWith("$JS.ACK.")) return undefined;
  const tokens = ack.split(".");
  const last = tokens.length === 9 ? 9 : 11;
  const [sequence, , storedAtNs] = tokens.slice(last - 4, last - 1);
  if (sequence === undefined || storedAtNs === undefined) return undefined;
  return {
    message,
    ack,
    auditId: `${id}:${storedAtNs}:${sequence}` as AuditId,
    storedAtMs: Number(storedAtNs) / 1e6,
  };
}
