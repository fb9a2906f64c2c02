/**
 * The servant's side of PUDA over NATS: a lab machine that commanders of all generations can order
 * about. Commands of the queue are assignments, immediate ones directives; what is told (state,
 * heartbeat, telemetry, events) goes out beside. The parts are in `puda/`; the faults that they are
 * there for (W1 to W29) are in docs/puda-faults.md.
 */
import { Bell } from "../core/bell.ts";
import { ServantError, toServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Backend, Delivery, Directive, Intake, Offer } from "../core/ports.ts";
import { Bucket } from "../nats/bucket.ts";
import { COMMANDS_BUCKET } from "../wire/puda-subjects.ts";
import { type CommandOffer, type Health, toCommands } from "../wire/puda-told.ts";
import { Desk, type DeskPorts } from "./puda/desk.ts";
import { Immediate } from "./puda/immediate.ts";
import { Lease, type Owner } from "./puda/lease.ts";
import { Presence } from "./puda/presence.ts";
import { beat } from "./puda/pulse.ts";
import { Queue, type QueueOptions } from "./puda/queue.ts";
import { RunBook } from "./puda/run-book.ts";
import { ACK, isSuccess, type Reply, replyOf, respond, settle, TERM } from "./puda/settlement.ts";
import { StateTeller } from "./puda/state.ts";
import { ensureConsumer, ensureStreams } from "./puda/streams.ts";
import { watched } from "./watched.ts";

export interface PudaOptions extends DeskPorts, QueueOptions {
  readonly origin: string;
  readonly owner: Owner;
  readonly version: string;
  health(): Health;
}

export interface PudaMachine extends Backend {
  /** Says that it is offline, gives its id back and hangs up. */
  close(): Promise<void>;
}

/** Connects at once, so that this goes on while the plugin loads. */
export function pudaBackend(options: PudaOptions): PudaMachine {
  return new PudaBackend(options);
}

/** How long a call for directives waits for the line before it fails, in milliseconds. */
const LINK_WITHIN_MS = 10_000;
/** Between two tries to connect for the first time, in milliseconds. */
const CONNECT_AGAIN_MS = 1_000;
/** A server that hears nothing must not keep it from its end, in milliseconds. */
const GOODBYE_WITHIN_MS = 3_000;
/** What an acknowledgement is waited for until the server has told, in milliseconds. */
const ACK_WAIT_MS = 30_000;

class PudaBackend implements PudaMachine {
  readonly origin: string;
  readonly #options: PudaOptions;
  readonly #desk: Desk;
  readonly #bell = new Bell();
  readonly #state: StateTeller;
  readonly #book: RunBook;
  readonly #queue: Queue;
  readonly #immediate: Immediate;
  readonly #presence: Presence;
  readonly #lease: Lease;
  readonly #directives: Directive[] = [];
  readonly #over = new AbortController();
  /** For which connection streams, consumers and lease are known to be there. */
  #readyFor = 0;
  #readying: Promise<void> | undefined;
  #renewing: Promise<void> | undefined;
  /** What the server said last that nobody has seen to. */
  #broken: string | undefined;
  /** What ends it. */
  #failure: ServantError | undefined;
  #ackWaitMs = ACK_WAIT_MS;
  #isOpen = false;
  /** What it can do, as it said when it was opened. */
  #offer: Offer | undefined;
  /** What the servant can take, while it asks for something. */
  #taking: Intake | undefined;
  /** To connect. */
  #hasFailed = false;

  constructor(options: PudaOptions) {
    const desk = new Desk(options, (subject) => this.#breaks(`no stream takes "${subject}"`));
    this.origin = options.origin;
    this.#options = options;
    this.#desk = desk;
    this.#state = new StateTeller(desk);
    this.#book = new RunBook(this.#state, () => this.#queue.forgetRepeats());
    const events = {
      ring: () => this.#bell.ring(),
      broken: (reason: string) => this.#breaks(reason),
    };
    this.#queue = new Queue(desk, this.#book, options, events);
    this.#immediate = new Immediate(desk, this.#book, options, events);
    this.#lease = new Lease(desk, options.owner);
    this.#presence = new Presence(desk, {
      version: options.version,
      about: { lease: options.owner.token },
      isBusy: () => this.#book.isBusy,
    });
    // It goes on while the plugin loads; what fails in it fails again where it is waited for.
    void this.#prepare().catch(() => {});
  }

  async register(offer: Offer, signal: AbortSignal): Promise<string> {
    const { id, time } = this.#desk;
    await this.#connect(signal);
    await this.#prepare();
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#offer = offer;
      this.#queue.open(offer.transitions, time.now());
      this.#presence.open();
      await this.#introduce();
      this.#beat();
    }
    return id;
  }

  /**
   * Connects. The first failure is told at once; afterwards the server is asked again and again, for
   * it starts beside the machine, often after it, and a wait between two calls grows long.
   */
  async #connect(signal: AbortSignal): Promise<void> {
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

  async *directives(intake: Intake, signal: AbortSignal): AsyncIterable<Directive> {
    await this.#lineUp(signal);
    const ring = () => this.#bell.ring();
    signal.addEventListener("abort", ring, { once: true });
    const watch = watched(intake, ring);
    this.#taking = intake;
    try {
      yield { type: "idle" }; // the link works
      while (!signal.aborted) {
        this.#check();
        this.#state.setPaused(intake.paused);
        const next = this.#next(intake);
        if (next !== undefined) {
          yield next;
          continue;
        }
        watch.again();
        await this.#bell.rung(); // an abort rings it too
      }
    } finally {
      this.#taking = undefined;
      watch.end();
      signal.removeEventListener("abort", ring);
      if (signal.aborted) this.#queue.close();
    }
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const reply = replyOf(delivery);
    this.#queue.outcome(delivery);
    // Before the answer goes out, in the same breath: whoever hears it sends the next command at once.
    if (this.#taking !== undefined) this.#queue.pull(this.#taking);
    this.#bell.ring();
    await respond(this.#desk, reply, delivery, signal);
    const isDone = isSuccess(delivery);
    if (isDone) this.#logCompleted(reply);
    await settle(this.#desk, reply.ack, isDone ? ACK : TERM, signal);
    // In a later turn: the servant notes first that it is delivered.
    void this.#desk.clock.sleep(0).then(() => {
      this.#queue.settled(delivery);
      this.#bell.ring();
    });
  }

  async close(): Promise<void> {
    this.#over.abort();
    const said = new AbortController();
    const late = this.#desk.clock.sleep(GOODBYE_WITHIN_MS, said.signal);
    await Promise.race([this.#sayGoodbye(), late]);
    said.abort();
    await this.#desk.link.close();
  }

  async #sayGoodbye(): Promise<void> {
    await this.#immediate.close();
    this.#presence.close();
    await this.#state.close();
    await this.#lease.release();
  }

  /** Immediate ones go first; a queue command is judged when all they asked for has been done. */
  #next(intake: Intake): Directive | undefined {
    const waiting = this.#directives.shift();
    if (waiting !== undefined) return waiting;
    this.#immediate.pull();
    const immediate = this.#immediate.next(intake);
    if (immediate !== undefined) {
      this.#directives.push(...immediate);
      return this.#next(intake);
    }
    this.#queue.pull(intake);
    return this.#isOurs() ? this.#queue.next(intake) : undefined;
  }

  /** Whether the id still is; where that is in doubt it is asked for, and nothing begins meanwhile. */
  #isOurs(): boolean {
    if (this.#lease.isSure) return true;
    this.#renewing ??= this.#lease
      .renew()
      .then(() => {
        if (this.#lease.isSure) this.#bell.ring();
      })
      .catch((cause) => this.#leaseFailed(toServantError(cause)))
      .finally(() => {
        this.#renewing = undefined;
      });
    return false;
  }

  /** @throws {ServantError} when there is no line, or the streams behind it are gone */
  #check(): void {
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

  /** Waits for the line, and sees to what is at its other end. */
  async #lineUp(signal: AbortSignal): Promise<void> {
    const { link } = this.#desk;
    await link.up(signal, LINK_WITHIN_MS);
    if (signal.aborted) return;
    if (!link.isUp) throw this.#desk.unreachable("the server does not answer");
    this.#broken = undefined;
    await this.#prepare();
    void link.changed(signal).then(() => this.#bell.ring());
  }

  /** Connects, makes streams and consumers, takes the id. One at a time. */
  async #prepare(): Promise<void> {
    this.#readying ??= this.#makeReady().finally(() => {
      this.#readying = undefined;
    });
    await this.#readying;
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
    if (this.#isOpen) await this.#introduce();
    this.#readyFor = nth;
  }

  #beat(): void {
    const parts = {
      health: () => this.#options.health(),
      renew: () => this.#lease.renew(),
      keepAlive: () => this.#queue.keepAlive(),
      keepAliveEveryMs: () => this.#ackWaitMs / 3,
      look: () => this.#bell.ring(),
      failed: (cause: unknown) => this.#leaseFailed(toServantError(cause)),
    };
    beat(this.#desk, parts, this.#over.signal);
  }

  #leaseFailed(error: ServantError): void {
    if (error.kind === "transient") this.#breaks(error.message);
    else {
      this.#failure = error;
      this.#bell.ring();
    }
  }

  #breaks(reason: string): void {
    this.#broken = reason;
    this.#bell.ring();
  }

  /** What stands in its buckets, which may have been made anew. */
  async #introduce(): Promise<void> {
    await Promise.all([this.#tellCommands(), this.#state.open()]);
  }

  async #tellCommands(): Promise<void> {
    const { id, js } = this.#desk;
    const offer = this.#offer;
    if (offer === undefined) return;
    const unknown = offer.transitions.map((name) => ({ ...{ name, signature: "(...)", doc: "" } }));
    const offers: readonly CommandOffer[] = offer.catalogue ?? unknown;
    const bucket = new Bucket(js, COMMANDS_BUCKET);
    await bucket.put(id, this.#desk.closeValue(COMMANDS_BUCKET, id, toCommands(offers)));
  }

  #logCompleted({ message }: Reply): void {
    const { name } = message.command as JsonObject;
    if (typeof name === "string") this.#desk.log("INFO", `Command ${name} completed`);
  }
}
