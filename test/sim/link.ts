/** The agent's port on the network: registers, polls and delivers, as the adapter does. */
import type { Assignment } from "../../src/core/assignment.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Backend, Delivery, Directive, Intake, Offer } from "../../src/core/ports.ts";
import { HOLD_MS, type SimBackend } from "./backend.ts";
import { type Life, never } from "./life.ts";
import type { Network, Reply } from "./network.ts";
import type { Surroundings } from "./surroundings.ts";

/** How long the agent waits for an answer, in milliseconds. */
const ANSWER_WITHIN_MS = 10_000;

/** One life's port: registers, polls and delivers over the network. */
export class SimLink implements Backend {
  readonly origin: string;
  readonly #backend: SimBackend;
  readonly #network: Network;
  readonly #life: Life;
  readonly #world: Surroundings;
  #servantId = "";
  #inFlight = 0;

  constructor(
    origin: string,
    backend: SimBackend,
    network: Network,
    life: Life,
    world: Surroundings,
  ) {
    this.origin = origin;
    this.#backend = backend;
    this.#network = network;
    this.#life = life;
    this.#world = world;
  }

  async register(_offer: Offer, signal: AbortSignal): Promise<string> {
    const serve = (reply: (reply: Reply<string>) => void) =>
      reply({ value: this.#backend.register() });
    const request = { name: "register", withinMs: ANSWER_WITHIN_MS, signal, serve };
    this.#servantId = await this.#network.request(this.#life, request);
    return this.#servantId;
  }

  async *directives(intake: Intake, signal: AbortSignal): AsyncIterable<Directive> {
    const via = this.#servantId;
    const serve = (reply: (reply: Reply<Directive>) => void) =>
      this.#backend.poll(via, (handout) => {
        if (handout === "unknown") reply({ failure: gone("backend.session-gone") });
        else if (handout === "nothing") reply({ value: { type: "idle" } });
        else reply({ value: { type: "assign", assignment: handout, via } });
      });
    while (!signal.aborted) {
      while (!(intake.actions && intake.beliefs) && !signal.aborted) await intake.changed(signal);
      if (signal.aborted) return;
      const request = { name: "poll", withinMs: HOLD_MS + ANSWER_WITHIN_MS, signal, serve };
      yield await this.#network.request(this.#life, request);
    }
  }

  /** To the registration that received it, then to the present one. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    if (!this.#life.isAlive) return await never();
    this.#inFlight += 1;
    try {
      const asked = this.#world.oracle.sent(delivery, this.origin, this.#inFlight);
      if (asked === undefined) return await never();
      if (await this.#deliverTo(delivery.via, delivery, asked, signal)) return;
      if (await this.#deliverTo(this.#servantId, delivery, asked, signal)) return;
      throw gone("servant.unknown");
    } finally {
      this.#inFlight -= 1;
    }
  }

  #deliverTo(
    servantId: string,
    delivery: Delivery,
    asked: Assignment,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { faults } = this.#world;
    const serve = (reply: (reply: Reply<boolean>) => void) => {
      if (faults.strikes("backend: refuses a result")) {
        reply({ failure: new ServantError("backend.rejected", "Cannot take the result: 422") });
      } else reply({ value: this.#backend.take(servantId, delivery, asked) });
    };
    const name = `deliver ${delivery.key} to ${servantId}`;
    return this.#network.request(this.#life, { name, withinMs: ANSWER_WITHIN_MS, signal, serve });
  }
}

function gone(code: "backend.session-gone" | "servant.unknown"): ServantError {
  return new ServantError(code, "Cannot go on: the backend does not know this servant");
}
