/** The agent's port on the network: registers, polls and delivers, as the adapter does. */
import { Polls } from "../../src/adapters/polls.ts";
import type { Assignment } from "../../src/core/assignment.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Backend, Delivery, Directive, Intake, Offer } from "../../src/core/ports.ts";
import type { Takes } from "../../src/wire/dynos.ts";
import { HOLD_MS, type SimBackend } from "./backend.ts";
import { type Life, never } from "./life.ts";
import type { Network, Reply } from "./network.ts";
import type { Surroundings } from "./surroundings.ts";

/** How long the agent waits for an answer, in milliseconds. */
const ANSWER_WITHIN_MS = 10_000;
/** Between two polls that follow each other, in milliseconds. */
const POLL_WAIT_MS = 100;

export class SimLink implements Backend {
  readonly origin: string;
  readonly #backend: SimBackend;
  readonly #network: Network;
  readonly #life: Life;
  readonly #world: Surroundings;
  readonly #polls: Polls;
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
    this.#polls = new Polls(({ takes }, signal) => this.#poll(takes, signal));
  }

  async register(_offer: Offer, signal: AbortSignal): Promise<string> {
    this.#polls.forget();
    const serve = (reply: (reply: Reply<string>) => void) =>
      reply({ value: this.#backend.register() });
    const request = { name: "register", withinMs: ANSWER_WITHIN_MS, signal, serve };
    this.#servantId = await this.#network.request(this.#life, request);
    this.#world.oracle.registrations.registered();
    return this.#servantId;
  }

  /** As the adapter has it: one poll, and a newer one when what can be taken has changed. */
  async *directives(intake: Intake, signal: AbortSignal): AsyncIterable<Directive> {
    const polls = this.#polls;
    const abort = () => polls.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const over = new AbortController();
    const watch = async () => {
      while (!over.signal.aborted) {
        await intake.changed(over.signal);
        polls.wake();
      }
    };
    void watch();
    try {
      for (;;) {
        const answer = polls.takeAnswer();
        if (answer !== undefined) {
          if ("cause" in answer) throw answer.cause;
          const { directive } = answer;
          const { motion, registrations } = this.#world.oracle;
          if (directive.type === "assign") registrations.assigned();
          if (directive.type === "cancel") motion.heardCancel(directive.auditId);
          yield directive;
          if (directive.type !== "assign") await this.#life.sleep(POLL_WAIT_MS, signal);
          continue;
        }
        const takes = this.#takes(intake);
        if (!signal.aborted && takes !== undefined && polls.isWanted(takes)) {
          polls.start({ takes, holdS: HOLD_MS / 1_000, startedAtMs: this.#life.monotonic() });
        }
        if (signal.aborted && polls.areOver) return;
        await polls.changed();
      }
    } finally {
      over.abort();
      signal.removeEventListener("abort", abort);
    }
  }

  /** Undefined while there is nothing to ask a plain backend for: it hands out either kind. */
  #takes({ actions, beliefs }: Intake): Takes | undefined {
    if (!this.#backend.isPlain) return { actions, beliefs, cancels: true };
    return actions && beliefs ? { actions, beliefs, cancels: false } : undefined;
  }

  #poll(takes: Takes, signal: AbortSignal): Promise<Directive> {
    const via = this.#servantId;
    const serve = (reply: (reply: Reply<Directive>) => void) =>
      this.#backend.poll(via, takes, (handout) => {
        if (handout === "unknown") reply({ failure: gone("backend.session-gone") });
        else if (handout === "nothing") reply({ value: { type: "idle" } });
        else if ("type" in handout) reply({ value: handout });
        else reply({ value: { type: "assign", assignment: handout, via } });
      });
    const wanted = `${takes.actions ? " actions" : ""}${takes.beliefs ? " beliefs" : ""}`;
    const request = { name: `poll${wanted}`, withinMs: HOLD_MS + ANSWER_WITHIN_MS, signal, serve };
    return this.#network.request(this.#life, request);
  }

  /** To the registration that received it, then to the present one. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    if (!this.#life.isAlive) return await never();
    const { via } = delivery;
    this.#inFlight += 1;
    try {
      const asked = this.#world.oracle.sent(delivery, this.origin, this.#inFlight);
      if (asked === undefined) return await never();
      if (await this.#isTaken(via, delivery, asked, signal)) return;
      const present = this.#servantId;
      if (via === present) throw gone("servant.unknown");
      if (await this.#isTaken(present, delivery, asked, signal)) return;
      throw gone("backend.result-unclaimed");
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** False when there it belongs to nobody. */
  #isTaken(
    servantId: string,
    delivery: Delivery,
    asked: Assignment,
    signal: AbortSignal,
  ): Promise<boolean> {
    const serve = (reply: (reply: Reply<boolean>) => void) => {
      const receipt = this.#backend.take(servantId, delivery, asked);
      if (receipt === "refused") {
        reply({ failure: new ServantError("backend.rejected", "Cannot take the result: 422") });
      } else if (receipt === "failed") {
        reply({ failure: new ServantError("backend.unavailable", "Cannot take the result: 500") });
      } else reply({ value: receipt === "taken" });
    };
    const name = `deliver ${delivery.key} to ${servantId}`;
    return this.#network.request(this.#life, { name, withinMs: ANSWER_WITHIN_MS, signal, serve });
  }
}

function gone(
  code: "backend.session-gone" | "servant.unknown" | "backend.result-unclaimed",
): ServantError {
  return new ServantError(code, "Cannot go on: the backend does not know this servant");
}
