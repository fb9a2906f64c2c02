/** The network between the agent and its backend, and the agent's port on it. */
import type { Assignment } from "../../src/core/assignment.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Backend, Delivery, Directive, Intake, Offer } from "../../src/core/ports.ts";
import { HOLD_MS, type SimBackend } from "./backend.ts";
import { type Life, never } from "./life.ts";
import type { Surroundings } from "./surroundings.ts";

/** How long the agent waits for an answer, in milliseconds. */
const ANSWER_WITHIN_MS = 10_000;

/** What the backend answers: a value, or a failure that the agent is told of. */
type Reply<T> = { value: T } | { failure: ServantError };

interface Request<T> {
  readonly name: string;
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** Runs at the backend, once for each copy of the request that arrives. */
  readonly serve: (reply: (reply: Reply<T>) => void) => void;
}

export class Network {
  isPartitioned = false;
  readonly backend: SimBackend;
  readonly #world: Surroundings;

  constructor(backend: SimBackend, world: Surroundings) {
    this.backend = backend;
    this.#world = world;
  }

  request<T>(life: Life, request: Request<T>): Promise<T> {
    const { name, withinMs, signal } = request;
    if (!life.touch(`request ${name}`)) return never();
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (settle: () => void) => {
        if (isOver) return;
        isOver = true;
        callOff();
        signal.removeEventListener("abort", abort);
        settle();
      };
      const abort = () => end(() => reject(signal.reason));
      const callOff = life.after(withinMs, () => end(() => reject(unreachable("no answer"))));
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) return abort();
      this.#send(request, (reply) => {
        if (!life.isAlive) return;
        this.#world.trace(`answer to ${name}: ${"value" in reply ? "ok" : reply.failure.code}`);
        end(() => ("value" in reply ? resolve(reply.value) : reject(reply.failure)));
      });
    });
  }

  #send<T>(request: Request<T>, reply: (reply: Reply<T>) => void): void {
    const { faults, timeline } = this.#world;
    if (faults.strikes("network: request duplicated")) {
      timeline.after(this.#delayMs() * 3, () => this.#arrive(request, () => {}));
    }
    if (faults.strikes("network: request lost")) return;
    timeline.after(this.#delayMs(), () => this.#arrive(request, reply));
  }

  #arrive<T>(request: Request<T>, reply: (reply: Reply<T>) => void): void {
    const { faults, random, timeline } = this.#world;
    if (this.isPartitioned) return;
    const answer = (answered: Reply<T>) => {
      if (this.isPartitioned || faults.strikes("network: reply lost")) return;
      const isLate = faults.strikes("backend: answers late");
      const lateMs = isLate ? random.between(1_000, 40_000) : 0;
      timeline.after(lateMs + this.#delayMs(), () => {
        if (!this.isPartitioned) reply(answered);
      });
    };
    if (this.backend.isDown) answer({ failure: unreachable("connection refused") });
    else if (faults.strikes("network: answer 5xx")) answer({ failure: unavailable("503") });
    else if (faults.strikes("network: answer 429")) {
      answer({ failure: unavailable("429", Math.floor(random.between(0, 60_000))) });
    } else if (faults.strikes("network: unreadable answer")) {
      answer({ failure: new ServantError("backend.malformed-answer", "Cannot read the answer") });
    } else request.serve(answer);
  }

  #delayMs(): number {
    const { faults, random } = this.#world;
    if (faults.strikes("network: long delay")) return random.between(100, 15_000);
    return random.between(0.1, 20);
  }
}

/** One life's port: registers, polls and delivers over the network. */
export class SimLink implements Backend {
  readonly origin: string;
  readonly #network: Network;
  readonly #life: Life;
  readonly #world: Surroundings;
  #servantId = "";
  #inFlight = 0;

  constructor(origin: string, network: Network, life: Life, world: Surroundings) {
    this.origin = origin;
    this.#network = network;
    this.#life = life;
    this.#world = world;
  }

  async register(_offer: Offer, signal: AbortSignal): Promise<string> {
    const { backend } = this.#network;
    const serve = (reply: (reply: Reply<string>) => void) => reply({ value: backend.register() });
    const request = { name: "register", withinMs: ANSWER_WITHIN_MS, signal, serve };
    this.#servantId = await this.#network.request(this.#life, request);
    return this.#servantId;
  }

  async *directives(_intake: Intake, signal: AbortSignal): AsyncIterable<Directive> {
    const { backend } = this.#network;
    const via = this.#servantId;
    const serve = (reply: (reply: Reply<Directive>) => void) =>
      backend.poll(via, (handout) => {
        if (handout === "unknown") reply({ failure: gone("backend.session-gone") });
        else if (handout === "nothing") reply({ value: { type: "idle" } });
        else reply({ value: { type: "assign", assignment: handout, via } });
      });
    while (!signal.aborted) {
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
      } else reply({ value: this.#network.backend.take(servantId, delivery, asked) });
    };
    const name = `deliver ${delivery.key} to ${servantId}`;
    return this.#network.request(this.#life, { name, withinMs: ANSWER_WITHIN_MS, signal, serve });
  }
}

function unreachable(reason: string): ServantError {
  return new ServantError("backend.unreachable", `Cannot reach the backend: ${reason}`);
}

function unavailable(status: string, retryAfterMs?: number): ServantError {
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new ServantError("backend.unavailable", `Cannot serve: ${status}`, options);
}

function gone(code: "backend.session-gone" | "servant.unknown"): ServantError {
  return new ServantError(code, "Cannot go on: the backend does not know this servant");
}
