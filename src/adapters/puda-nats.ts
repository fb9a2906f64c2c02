/**
 * The servant's side of PUDA over NATS: a lab machine that commanders of all generations can order
 * about. Commands of the queue are assignments, immediate ones directives; what is told (state,
 * heartbeat, telemetry, events) goes out beside. The parts are in `puda/`; the faults that they are
 * there for (W1 to W29) are in docs/puda-faults.md.
 */
import { Bell } from "../core/bell.ts";
import type { JsonObject } from "../core/json.ts";
import type { Backend, Delivery, Directive, Intake, Offer } from "../core/ports.ts";
import { Bucket } from "../nats/bucket.ts";
import { COMMANDS_BUCKET } from "../wire/puda-subjects.ts";
import { type CommandOffer, type Health, toCommands } from "../wire/puda-told.ts";
import { Desk, type DeskPorts } from "./puda/desk.ts";
import { Footing } from "./puda/footing.ts";
import { Immediate } from "./puda/immediate.ts";
import type { Owner } from "./puda/lease.ts";
import { Presence } from "./puda/presence.ts";
import { beat } from "./puda/pulse.ts";
import { Queue, type QueueOptions } from "./puda/queue.ts";
import { RunBook } from "./puda/run-book.ts";
import { ACK, isSuccess, type Reply, replyOf, respond, settle, TERM } from "./puda/settlement.ts";
import { StateTeller } from "./puda/state.ts";
import { atEachRing } from "./watched.ts";

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

/** A server that hears nothing must not keep it from its end, in milliseconds. */
const GOODBYE_WITHIN_MS = 3_000;
class PudaBackend implements PudaMachine {
  readonly origin: string;
  readonly heedsRoom = true;
  readonly #options: PudaOptions;
  readonly #desk: Desk;
  readonly #bell = new Bell();
  readonly #state: StateTeller;
  readonly #book: RunBook;
  readonly #queue: Queue;
  readonly #immediate: Immediate;
  readonly #presence: Presence;
  readonly #footing: Footing;
  readonly #directives: Directive[] = [];
  readonly #over = new AbortController();
  /** What it can do, as it said when it was first registered. */
  #offer: Offer | undefined;
  /** What the servant can take, while it asks for something. */
  #taking: Intake | undefined;

  constructor(options: PudaOptions) {
    const desk = new Desk(options, (subject) => broken(`no stream takes "${subject}"`));
    const ring = () => this.#bell.ring();
    const broken = (reason: string) => this.#footing.breaks(reason);
    this.origin = options.origin;
    this.#options = options;
    this.#desk = desk;
    this.#state = new StateTeller(desk);
    this.#book = new RunBook(this.#state, () => this.#queue.forgetRepeats());
    this.#queue = new Queue(desk, this.#book, options, { ring, broken });
    this.#immediate = new Immediate(desk, this.#book, options, { ring, broken });
    const introduce = () => this.#introduce();
    this.#footing = new Footing(desk, options.owner, this.#state, { ring, introduce });
    this.#presence = new Presence(desk, {
      version: options.version,
      about: { lease: options.owner.token },
      isBusy: () => this.#book.isBusy,
    });
    // It goes on while the plugin loads; what fails in it fails again where it is waited for.
    void this.#footing.prepare().catch(() => {});
  }

  async register(offer: Offer, signal: AbortSignal): Promise<string> {
    const { id, time } = this.#desk;
    await this.#footing.connect(signal);
    await this.#footing.prepare();
    if (this.#offer === undefined) {
      this.#offer = offer;
      this.#queue.open(offer.transitions, time.now());
      this.#presence.open();
      await this.#footing.open();
      this.#beat();
    }
    return id;
  }

  async *directives(intake: Intake, signal: AbortSignal): AsyncIterable<Directive> {
    await this.#footing.lineUp(signal);
    this.#taking = intake;
    try {
      yield { type: "idle" }; // the link works
      yield* atEachRing(this.#bell, intake, signal, () => {
        this.#footing.check();
        this.#state.setPaused(intake.paused);
        return this.#next(intake);
      });
    } finally {
      this.#taking = undefined;
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
    await this.#footing.release();
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
    return this.#footing.isOurs() ? this.#queue.next(intake) : undefined;
  }

  #beat(): void {
    const parts = {
      health: () => this.#options.health(),
      renew: () => void this.#footing.renew(),
      keepAlive: () => this.#queue.keepAlive(),
      keepAliveEveryMs: () => this.#footing.ackWaitMs / 3,
      look: () => this.#bell.ring(),
    };
    beat(this.#desk, parts, this.#over.signal);
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
