/**
 * One registered servant as the backend sees it: what waits for it, what it has in hand, the
 * poll it holds open. Who is lost and which lease has run out is decided by `Servants`.
 */
import type { Assignment, AuditId, Result } from "../core/assignment.ts";
import type { Clock } from "../core/ports.ts";

export interface ServantOffer {
  readonly transitions: readonly string[];
  readonly fluents: readonly string[];
}

/** An assignment on its way to an answer. */
export interface Pending {
  readonly assignment: Exclude<Assignment, { kind: "invalid" }>;
  /** Settles the asker's promise; only the first answer counts. */
  readonly settle: (result: Result) => void;
  /** True when nobody waits for the answer any more: it is not handed out, or only logged. */
  settled: boolean;
}

interface Held {
  readonly give: (pending: Pending | undefined) => void;
}

export class RegisteredServant {
  readonly id: string;
  readonly offer: ServantOffer;
  /** Rises with every registration: the newest provider of a transition wins. */
  readonly order: number;
  /** Its offers are withdrawn until it is heard again. */
  isLost = false;
  /** It asked a poll to be held, so it polls while it acts. */
  pollsWhileActing = false;
  /** The action that it was given and has not answered. Never more than one. */
  inHand: Pending | undefined;
  /** The belief questions that it was given and has not answered. */
  readonly asked = new Map<AuditId, Pending>();
  readonly queue: Pending[] = [];
  /** When it was last heard, by the monotonic clock. */
  heardAtMs: number;
  /** Silence beyond this is logged, then again at twice as much. */
  silenceShownAtMs = 0;
  /** Since when a plain servant has polled although it has an action in hand. */
  idleWithActionSinceMs: number | undefined;
  readonly #clock: Clock;
  #held: Held | undefined;

  constructor(id: string, offer: ServantOffer, order: number, clock: Clock) {
    this.id = id;
    this.offer = offer;
    this.order = order;
    this.#clock = clock;
    this.heardAtMs = clock.monotonic();
  }

  get holdsPoll(): boolean {
    return this.#held !== undefined;
  }

  get silentMs(): number {
    return this.holdsPoll ? 0 : this.#clock.monotonic() - this.heardAtMs;
  }

  push(pending: Pending): void {
    this.queue.push(pending);
    this.#serveHeld();
  }

  /** Gives what waits, if there is anything, to the held poll. */
  #serveHeld(): void {
    if (this.#held === undefined) return;
    const next = this.take();
    if (next !== undefined) this.#held.give(next);
  }

  /**
   * The next assignment to hand out, now in hand: a belief at any time, an action only when the
   * one before it is answered.
   */
  take(): Pending | undefined {
    const index = this.queue.findIndex(
      ({ assignment }) => assignment.kind === "belief" || this.inHand === undefined,
    );
    const [next] = index < 0 ? [] : this.queue.splice(index, 1);
    if (next === undefined) return undefined;
    if (next.assignment.kind === "belief") this.asked.set(next.assignment.auditId, next);
    else this.inHand = next;
    return next;
  }

  /** The hand is empty again: an action that waited may go out. */
  release(): void {
    this.inHand = undefined;
    this.idleWithActionSinceMs = undefined;
    this.#serveHeld();
  }

  /** Answers the held poll with nothing. */
  endHeld(): void {
    this.#held?.give(undefined);
  }

  /**
   * Waits for an assignment; a poll held before must have been ended. Resolves to undefined after
   * `waitMs`, at `endHeld()`, or when `signal` aborts: a client that went away takes nothing along.
   */
  async hold(waitMs: number, signal: AbortSignal | undefined): Promise<Pending | undefined> {
    const { promise, resolve } = Promise.withResolvers<Pending | undefined>();
    const over = new AbortController();
    const held: Held = {
      give: (pending) => {
        if (this.#held === held) this.#held = undefined;
        this.heardAtMs = this.#clock.monotonic();
        resolve(pending);
      },
    };
    const end = () => {
      if (this.#held === held) held.give(undefined);
    };
    this.#held = held;
    signal?.addEventListener("abort", end, { once: true });
    void this.#clock.sleep(waitMs, over.signal).then(end);
    try {
      return await promise;
    } finally {
      over.abort();
      signal?.removeEventListener("abort", end);
    }
  }
}
