/**
 * A backend that hands out assignments and takes results. It gets no word of whether an answer to a
 * poll arrived, so it hands out again what stays unanswered. A plain one knows no cancels.
 */
import type { Assignment, AuditId } from "../../src/core/assignment.ts";
import type { Delivery, Directive } from "../../src/core/ports.ts";
import type { Takes } from "../../src/wire/dynos.ts";
import { contentOf } from "./content.ts";
import type { Surroundings } from "./surroundings.ts";

/** How long a poll is held, in milliseconds. */
export const HOLD_MS = 25_000;
/** What is handed out again after this long without an answer, in milliseconds. */
const REPEAT_AFTER_MS = { first: 5_000, last: 90_000 };
/** A cancel is told again on a later poll, in milliseconds. */
const CANCEL_EVERY_MS = 1_000;

type Cancel = Extract<Directive, { type: "cancel" }>;
/** What becomes of a poll: a new assignment, a cancel, nothing to do, or an unknown servant. */
export type Handout = Assignment | Cancel | "nothing" | "unknown";

/** What becomes of a result: "unknown" when there is no such servant, or no such assignment. */
export type Receipt = "taken" | "unknown" | "refused" | "failed";

interface Order {
  readonly assignment: Assignment;
  isAnswered: boolean;
  isQueued: boolean;
}

interface HeldPoll {
  readonly servantId: string;
  readonly takes: Takes;
  readonly answer: (handout: Handout) => void;
  callOff: () => void;
}

export class SimBackend {
  readonly isPlain: boolean;
  isDown = false;
  /** How many assignments have no answer yet. */
  unanswered = 0;
  readonly #world: Surroundings;
  readonly #orders = new Map<string, Order>();
  #queue: Order[] = [];
  #held: HeldPoll[] = [];
  /** When each was last told; what nobody has in hand is told once. */
  readonly #cancels = new Map<AuditId, number>();
  /** Handed out and not answered. */
  readonly #inHand = new Set<AuditId>();
  /** What it has lost since it handed it out. */
  readonly #forgotten = new Set<string>();
  /** Results that it cannot take for a while, and until when. */
  readonly #failing = new Map<string, number>();
  #servants = new Set<string>();
  #registrations = 0;

  constructor(world: Surroundings) {
    this.#world = world;
    this.isPlain = world.random.chance(0.3);
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

  /** Calls it off, whether it was handed out, is answered or never existed. */
  cancel(auditId: AuditId): void {
    if (this.isPlain) return;
    this.#cancels.set(auditId, Number.NEGATIVE_INFINITY);
    this.#serveHeld();
  }

  register(): string {
    this.#registrations += 1;
    const servantId = `servant-${this.#registrations}`;
    this.#servants.add(servantId);
    return servantId;
  }

  /** A newer poll of the same servant ends the older one. */
  poll(servantId: string, takes: Takes, answer: (handout: Handout) => void): void {
    if (!this.#servants.has(servantId)) {
      answer("unknown");
      return;
    }
    const older = this.#held.filter((each) => each.servantId === servantId);
    for (const each of older) this.#answer(each, "nothing");
    const held: HeldPoll = { servantId, takes, answer, callOff: () => {} };
    held.callOff = this.#world.timeline.after(HOLD_MS, () => this.#answer(held, "nothing"));
    this.#held.push(held);
    this.#serveHeld();
  }

  /** What becomes of a result; `asked` is what it answers. */
  take(servantId: string, delivery: Delivery, asked: Assignment): Receipt {
    const { faults, oracle, random, timeline, trace } = this.#world;
    if (!this.#servants.has(servantId)) return "unknown";
    const receipt = this.#troubleWith(delivery, asked);
    if (receipt !== undefined) return receipt;
    trace(`the backend takes ${delivery.key}`);
    oracle.took(delivery, asked);
    const order = this.#orders.get(contentOf(asked));
    if (order === undefined) {
      oracle.broken("only what was asked is answered", delivery.key);
      return "taken";
    }
    this.#close(order);
    if (faults.strikes("backend: repeats what is answered")) {
      timeline.after(random.between(100, 200_000), () => this.#enqueue(order));
    }
    return "taken";
  }

  #troubleWith({ key }: Delivery, asked: Assignment): Receipt | undefined {
    const { faults, oracle, random, timeline } = this.#world;
    if (this.#forgotten.has(contentOf(asked))) {
      oracle.refused(key);
      return "unknown";
    }
    if (faults.strikes("backend: refuses a result")) {
      oracle.refused(key);
      return "refused";
    }
    if (faults.strikes("backend: fails at one result for long")) {
      this.#failing.set(key, timeline.nowMs + random.between(0, 10 * 60_000));
    }
    return timeline.nowMs < (this.#failing.get(key) ?? 0) ? "failed" : undefined;
  }

  /** What was handed out and is not answered: it is over, and its result belongs to nobody. */
  forgetAssigned(): void {
    for (const [content, order] of this.#orders) {
      if (order.isAnswered || !this.#inHand.has(order.assignment.auditId)) continue;
      this.#forgotten.add(content);
      this.#close(order);
    }
  }

  #close(order: Order): void {
    if (!order.isAnswered) this.unanswered -= 1;
    order.isAnswered = true;
    this.#inHand.delete(order.assignment.auditId);
    this.#cancels.delete(order.assignment.auditId);
  }

  /** Polls that were held break off; what was handed out is remembered, servants may not be. */
  restart(isForgetful: boolean): void {
    this.isDown = true;
    for (const { callOff } of this.#held.splice(0)) callOff();
    if (isForgetful) this.forgetServants();
    if (this.#world.faults.strikes("backend: forgets what it assigned")) this.forgetAssigned();
    this.#world.timeline.after(this.#world.random.between(100, 60_000), () => {
      this.isDown = false;
    });
  }

  /** Whoever polls hears of it at once. */
  forgetServants(): void {
    this.#servants = new Set();
    for (const held of [...this.#held]) this.#answer(held, "unknown");
  }

  #enqueue(order: Order): void {
    if (order.isQueued) return;
    order.isQueued = true;
    this.#queue.push(order);
    this.#serveHeld();
  }

  #serveHeld(): void {
    for (const held of [...this.#held]) {
      const handout = this.#dueCancel(held) ?? this.#nextFor(held);
      if (handout !== undefined) this.#answer(held, handout);
    }
  }

  #answer(held: HeldPoll, handout: Handout): void {
    this.#held = this.#held.filter((each) => each !== held);
    held.callOff();
    held.answer(handout);
  }

  #dueCancel({ takes }: HeldPoll): Cancel | undefined {
    if (!takes.cancels) return undefined;
    const { timeline, trace } = this.#world;
    for (const [auditId, toldAtMs] of this.#cancels) {
      const isTold = toldAtMs !== Number.NEGATIVE_INFINITY;
      if (isTold && !this.#inHand.has(auditId)) continue;
      if (timeline.nowMs - toldAtMs < CANCEL_EVERY_MS) continue;
      this.#cancels.set(auditId, timeline.nowMs);
      trace(`the backend calls ${auditId} off`);
      return { type: "cancel", auditId, reason: "a person called it off" };
    }
    return undefined;
  }

  #nextFor({ takes }: HeldPoll): Assignment | undefined {
    const order = this.#queue.find(({ assignment }) =>
      assignment.kind === "belief" ? takes.beliefs : takes.actions,
    );
    if (order === undefined) return undefined;
    this.#queue = this.#queue.filter((each) => each !== order);
    return this.#handOut(order);
  }

  #handOut(order: Order): Assignment {
    const { faults, random, timeline, trace } = this.#world;
    order.isQueued = false;
    if (!order.isAnswered) this.#inHand.add(order.assignment.auditId);
    trace(`the backend hands out ${order.assignment.auditId}`);
    timeline.after(random.between(REPEAT_AFTER_MS.first, REPEAT_AFTER_MS.last), () => {
      if (order.isAnswered || order.isQueued) return;
      faults.count("backend: repeats what is unanswered");
      this.#enqueue(order);
    });
    return order.assignment;
  }
}
