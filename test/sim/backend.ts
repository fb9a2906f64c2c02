/**
 * A backend that hands out assignments and takes results, as a plain one does: it gets no word of
 * whether an answer to a poll arrived, so it hands out again what stays unanswered.
 */
import type { Assignment } from "../../src/core/assignment.ts";
import type { Delivery } from "../../src/core/ports.ts";
import { contentOf } from "./content.ts";
import type { Surroundings } from "./surroundings.ts";

/** How long a poll is held, in milliseconds. */
export const HOLD_MS = 25_000;
/** What is handed out again after this long without an answer, in milliseconds. */
const REPEAT_AFTER_MS = { first: 5_000, last: 90_000 };

/** What becomes of a poll: a new assignment, nothing to do, or an unknown servant. */
export type Handout = Assignment | "nothing" | "unknown";

interface Order {
  readonly assignment: Assignment;
  isAnswered: boolean;
  isQueued: boolean;
}

export class SimBackend {
  readonly #world: Surroundings;
  readonly #orders = new Map<string, Order>();
  readonly #queue: Order[] = [];
  readonly #held: { answer: (handout: Handout) => void; callOff: () => void }[] = [];
  #servants = new Set<string>();
  #registrations = 0;
  isDown = false;
  /** How many assignments have no answer yet. */
  unanswered = 0;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  get assigned(): number {
    return this.#orders.size;
  }

  listUnanswered(): string[] {
    return [...this.#orders.values()]
      .filter(({ isAnswered }) => !isAnswered)
      .map(({ assignment }) => assignment.auditId);
  }

  assign(assignment: Assignment): void {
    const order = { assignment, isAnswered: false, isQueued: false };
    this.#orders.set(contentOf(assignment), order);
    this.unanswered += 1;
    this.#enqueue(order);
  }

  register(): string {
    this.#registrations += 1;
    const servantId = `servant-${this.#registrations}`;
    this.#servants.add(servantId);
    return servantId;
  }

  poll(servantId: string, answer: (handout: Handout) => void): void {
    if (!this.#servants.has(servantId)) {
      answer("unknown");
      return;
    }
    const order = this.#queue.shift();
    if (order !== undefined) {
      answer(this.#handOut(order));
      return;
    }
    const callOff = this.#world.timeline.after(HOLD_MS, () => {
      this.#held.shift(); // all are held equally long: the first one is due
      answer("nothing");
    });
    this.#held.push({ answer, callOff });
  }

  /** False when the servant is unknown; `asked` is what its result answers. */
  take(servantId: string, delivery: Delivery, asked: Assignment): boolean {
    const { faults, oracle, random, timeline, trace } = this.#world;
    if (!this.#servants.has(servantId)) return false;
    trace(`the backend takes ${delivery.key}`);
    oracle.took(delivery, asked);
    const order = this.#orders.get(contentOf(asked));
    if (order === undefined) {
      oracle.broken("only what was asked is answered", delivery.key);
      return true;
    }
    if (!order.isAnswered) this.unanswered -= 1;
    order.isAnswered = true;
    if (faults.strikes("backend: repeats what is answered")) {
      timeline.after(random.between(100, 200_000), () => this.#enqueue(order));
    }
    return true;
  }

  /** Polls that were held break off; what was handed out is remembered, servants may not be. */
  restart(isForgetful: boolean): void {
    this.isDown = true;
    for (const { callOff } of this.#held.splice(0)) callOff();
    if (isForgetful) this.#servants = new Set();
    this.#world.timeline.after(this.#world.random.between(100, 60_000), () => {
      this.isDown = false;
    });
  }

  #enqueue(order: Order): void {
    if (order.isQueued) return;
    const waiting = this.#held.shift();
    if (waiting !== undefined) {
      waiting.callOff();
      waiting.answer(this.#handOut(order));
    } else {
      order.isQueued = true;
      this.#queue.push(order);
    }
  }

  #handOut(order: Order): Assignment {
    const { faults, random, timeline, trace } = this.#world;
    order.isQueued = false;
    trace(`the backend hands out ${order.assignment.auditId}`);
    timeline.after(random.between(REPEAT_AFTER_MS.first, REPEAT_AFTER_MS.last), () => {
      if (order.isAnswered || order.isQueued) return;
      faults.count("backend: repeats what is unanswered");
      this.#enqueue(order);
    });
    return order.assignment;
  }
}
