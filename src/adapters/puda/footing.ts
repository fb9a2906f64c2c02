/**
 * What a machine stands on: a line to the server, streams, buckets and consumers at its other end, and
 * its id. Each may go and come back; this says whether all are there, and sees to what is not.
 */
import { ServantError, toServantError } from "../../core/errors.ts";
import { Bucket } from "../../nats/bucket.ts";
import { COMMANDS_BUCKET } from "../../wire/puda-subjects.ts";
import type { Desk } from "./desk.ts";
import { Lease, type Owner } from "./lease.ts";
import type { StateTeller } from "./state.ts";
import { ensureConsumer, ensureStreams } from "./streams.ts";

/** How long a call for directives waits for the line before it fails, in milliseconds. */
const LINK_WITHIN_MS = 10_000;
/** Between two tries to connect for the first time, in milliseconds. */
const CONNECT_AGAIN_MS = 1_000;
/** What an acknowledgement is waited for until the server has told, in milliseconds. */
const ACK_WAIT_MS = 30_000;

export interface FootingEvents {
  /** Something has changed: look again. */
  ring(): void;
  /** What stands in the buckets may have been made anew: say it again. */
  introduce(): Promise<void>;
}

export class Footing {
  readonly #desk: Desk;
  readonly #lease: Lease;
  readonly #state: StateTeller;
  readonly #events: FootingEvents;
  /** For which connection everything is known to be there. */
  #readyFor = 0;
  #readying: Promise<void> | undefined;
  #renewing: Promise<void> | undefined;
  /** What the server said last that nobody has seen to. */
  #broken: string | undefined;
  /** What ends it. */
  #failure: ServantError | undefined;
  #ackWaitMs = ACK_WAIT_MS;
  /** The machine has been introduced: the id was ours once. */
  #isOpen = false;
  /** To connect. */
  #hasFailed = false;

  constructor(desk: Desk, owner: Owner, state: StateTeller, events: FootingEvents) {
    this.#desk = desk;
    this.#lease = new Lease(desk, owner);
    this.#state = state;
    this.#events = events;
  }

  /** How long the server waits for a word of what it has handed out, in milliseconds. */
  get ackWaitMs(): number {
    return this.#ackWaitMs;
  }

  /**
   * Connects. The first failure is told at once; afterwards the server is asked again and again, for
   * it starts beside the machine, often after it, and a wait between two calls grows long.
   */
  async connect(signal: AbortSignal): Promise<void> {
    const { clock, link } = this.#desk;
    const endsAtMs = clock.monotonic() + (this.#hasFailed ? LINK_WITHIN_MS : 0);
    for (;;) {
      try {
        return await link.open();
      } catch (cause) {
        this.#hasFailed = true;
        const { code, kind, message } = toServantError(cause);
        if (kind !== "transient") throw cause;
        if (signal.aborted || clock.monotonic() >= endsAtMs) {
          throw new ServantError(code, message, { cause, retryAfterMs: CONNECT_AGAIN_MS });
        }
      }
      await clock.sleep(CONNECT_AGAIN_MS, signal);
    }
  }

  /** Connects, makes streams and consumers, takes the id. One at a time. */
  async prepare(): Promise<void> {
    this.#readying ??= this.#makeReady().finally(() => {
      this.#readying = undefined;
    });
    await this.#readying;
  }

  /** The machine introduces itself, now and whenever its buckets may have been made anew. */
  async open(): Promise<void> {
    this.#isOpen = true;
    await this.#events.introduce();
  }

  /** Waits for the line, and sees to what is at its other end. */
  async lineUp(signal: AbortSignal): Promise<void> {
    const { link } = this.#desk;
    await link.up(signal, LINK_WITHIN_MS);
    if (signal.aborted) return;
    if (!link.isUp) throw this.#desk.unreachable("the server does not answer");
    this.#broken = undefined;
    await this.prepare();
    void link.changed(signal).then(() => this.#events.ring());
  }

  /** @throws {ServantError} when there is no line, or the streams behind it are gone */
  check(): void {
    const { link } = this.#desk;
    if (this.#failure !== undefined) throw this.#failure;
    if (!link.isUp) throw this.#desk.unreachable("the connection to the server is cut");
    const reason = this.#broken;
    if (reason !== undefined) {
      this.#broken = undefined;
      this.#readyFor = 0;
      throw this.#desk.unreachable(reason);
    }
    // It went down and up again between two looks.
    if (this.#readyFor !== link.nth) throw this.#desk.unreachable("the connection was cut");
  }

  /** The server said that something is gone: the next check tells. */
  breaks(reason: string): void {
    this.#broken = reason;
    this.#events.ring();
  }

  /** Whether the id still is ours; where that is in doubt it is asked for, and nothing begins meanwhile. */
  isOurs(): boolean {
    if (this.#lease.isSure) return true;
    this.#renewing ??= this.renew().finally(() => {
      this.#renewing = undefined;
    });
    return false;
  }

  /** Never rejects: the next check tells that the id is lost. */
  async renew(): Promise<void> {
    try {
      const wasSure = this.#lease.isSure;
      await this.#lease.renew();
      if (!wasSure && this.#lease.isSure) this.#events.ring();
    } catch (cause) {
      const error = toServantError(cause);
      if (error.kind === "transient") return this.breaks(error.message);
      this.#failure = error;
      this.#events.ring();
    }
  }

  /** Gives the id back. */
  async release(): Promise<void> {
    await this.#lease.release();
  }

  async #makeReady(): Promise<void> {
    const { id, js, link } = this.#desk;
    await link.open();
    const { nth } = link;
    if (this.#readyFor === nth) return;
    if (!this.#isOpen) await this.#lease.askAround();
    const commands = new Bucket(js, COMMANDS_BUCKET);
    const buckets = Promise.all([commands.ensure(), this.#state.ensure()]);
    await Promise.all([ensureStreams(js), this.#lease.take(), buckets]);
    const [ackWaitMs] = await Promise.all([
      ensureConsumer(js, id, "queue"),
      ensureConsumer(js, id, "immediate"),
    ]);
    this.#ackWaitMs = ackWaitMs;
    if (this.#isOpen) await this.#events.introduce();
    this.#readyFor = nth;
  }
}
