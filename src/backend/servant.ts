/**
 * One registered servant as the backend sees it: what waits for it, what it has in hand, what it
 * must be told, the poll it holds open. Who is lost and which lease has run out is decided by
 * `Servants`.
 */
import type { Assignment, AuditId, Result } from "../core/assignment.ts";
import type { Clock } from "../core/ports.ts";
import type { Takes } from "../wire/dynos.ts";

/**
 * How long after it went out something is sent again that seems not to have arrived: a lost
 * hand-out, a cancel without an answer. Longer than most answers are on their way.
 */
export const REPEAT_MS = 1_000;
/** A cancel is told this often at most: a servant that is there has heard it by then. */
export const TELLS_MAX = 60;

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
  /** When it went out last. */
  handedOutAtMs: number;
  /** Something else may be better by now: it is chosen anew when an answer comes late. */
  readonly isRecallable?: boolean;
  /** Called off: it does not go out (again), and its answer is awaited where one can come. */
  isCancelled: boolean;
}

/** What a poll asks for. */
export interface Wish {
  /** How long it would like to be held; absent: it did not say. */
  readonly waitMs?: number | undefined;
  /** Absent: a plain servant, which takes whatever the old protocol has. */
  readonly takes?: Takes | undefined;
  /** The audit ids that the servant says it has, if it says so. */
  readonly holds?: ReadonlySet<string> | undefined;
}

/** What goes out on a poll. */
export type Handout =
  | Pending["assignment"]
  | { readonly kind: "cancel"; readonly auditId: AuditId; readonly reason: string };

interface Cancel {
  readonly reason: string;
  /** When it is to be told next. */
  dueAtMs: number;
  tellsLeft: number;
}
interface Held {
  readonly wish: Wish;
  readonly give: (handout: Handout | undefined) => void;
}

export class RegisteredServant {
  readonly id: string;
  readonly offer: ServantOffer;
  /** Rises with every registration: the newest provider of a transition wins. */
  readonly order: number;
  /** Its offers are withdrawn until it is heard again. */
  isLost = false;
  /** It was heard in this life of the backend. */
  isHeard = true;
  /** It asked a poll to be held, or said what it takes: so it polls while it acts. */
  pollsWhileActing = false;
  /** By its last poll: cancels reach it. */
  takesCancels = false;
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
  /** What it must be told to call off, until it answers. */
  readonly #cancels = new Map<AuditId, Cancel>();
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

  /** What it was given and has not answered. */
  get handedOut(): Pending[] {
    return [...(this.inHand === undefined ? [] : [this.inHand]), ...this.asked.values()];
  }

  push(pending: Pending): void {
    this.queue.push(pending);
    this.#serveHeld();
  }

  /** Tells it to call an assignment off: at once on a held poll, then again until it answers. */
  tell(auditId: AuditId, reason: string): void {
    const dueAtMs = this.#cancels.get(auditId)?.dueAtMs ?? this.#clock.monotonic();
    this.#cancels.set(auditId, { reason, dueAtMs, tellsLeft: TELLS_MAX });
    this.#serveHeld();
  }

  /** It has answered this one, or does not have it: there is nothing more to tell. */
  untell(auditId: AuditId): void {
    this.#cancels.delete(auditId);
  }

  /** What nobody waits for and the servant does not have needs no further word. */
  untellWhatIsOver(holds: ReadonlySet<string>): void {
    const open = new Set(this.handedOut.map(({ assignment }) => assignment.auditId));
    for (const [auditId, { tellsLeft }] of this.#cancels) {
      const isHeard = tellsLeft < TELLS_MAX;
      if (isHeard && !holds.has(auditId) && !open.has(auditId)) this.#cancels.delete(auditId);
    }
  }

  /** Gives what waits, if there is anything, to the held poll. */
  #serveHeld(): void {
    if (this.#held === undefined) return;
    const next = this.take(this.#held.wish);
    if (next !== undefined) this.#held.give(next);
  }

  /**
   * What goes out on a poll: first a cancel that is due, then what was lost on its way, then what
   * waits: a belief at any time, an action only when the one before it is answered.
   */
  take(wish: Wish): Handout | undefined {
    const nowMs = this.#clock.monotonic();
    return this.#dueCancel(wish, nowMs) ?? this.#lostOnItsWay(wish, nowMs) ?? this.#next(wish);
  }

  #dueCancel({ takes }: Wish, nowMs: number): Handout | undefined {
    if (takes?.cancels !== true) return undefined;
    for (const [auditId, cancel] of this.#cancels) {
      if (cancel.dueAtMs > nowMs) continue;
      cancel.dueAtMs = nowMs + REPEAT_MS;
      cancel.tellsLeft -= 1;
      if (cancel.tellsLeft === 0) this.#cancels.delete(auditId);
      return { kind: "cancel", auditId, reason: cancel.reason };
    }
    return undefined;
  }

  /** Its ledger knows the audit id if it came after all: sending it twice does nothing twice. */
  #lostOnItsWay(wish: Wish, nowMs: number): Handout | undefined {
    const lost = this.missing(wish).find(({ handedOutAtMs }) => handedOutAtMs + REPEAT_MS <= nowMs);
    if (lost === undefined) return undefined;
    lost.handedOutAtMs = nowMs;
    return lost.assignment;
  }

  /** What was handed out, is still wanted and is not there, by the servant's own word. */
  missing({ takes, holds }: Wish): Pending[] {
    if (holds === undefined) return [];
    return this.handedOut.filter(
      ({ assignment: { kind, auditId }, settled, isCancelled }) =>
        !settled &&
        !isCancelled &&
        !holds.has(auditId) &&
        takes?.[kind === "action" ? "actions" : "beliefs"] !== false,
    );
  }

  #next({ takes }: Wish): Handout | undefined {
    const index = this.queue.findIndex(({ assignment }) =>
      assignment.kind === "belief"
        ? takes?.beliefs !== false
        : takes?.actions !== false && this.inHand === undefined,
    );
    const [next] = index < 0 ? [] : this.queue.splice(index, 1);
    if (next === undefined) return undefined;
    if (next.assignment.kind === "belief") this.asked.set(next.assignment.auditId, next);
    else this.inHand = next;
    next.handedOutAtMs = this.#clock.monotonic();
    return next.assignment;
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
   * Waits for something to hand out; a poll held before must have been ended. Resolves to
   * undefined after `waitMs`, at `endHeld()`, or when `signal` aborts: a client that went away
   * takes nothing along.
   */
  async hold(
    wish: Wish,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Handout | undefined> {
    const { promise, resolve } = Promise.withResolvers<Handout | undefined>();
    const over = new AbortController();
    const held: Held = {
      wish,
      give: (handout) => {
        if (this.#held === held) this.#held = undefined;
        this.heardAtMs = this.#clock.monotonic();
        resolve(handout);
      },
    };
    const end = (handout?: Handout) => {
      if (this.#held === held) held.give(handout);
    };
    const leave = () => end();
    this.#held = held;
    signal?.addEventListener("abort", leave, { once: true });
    const untilMs = Math.min(waitMs, this.#nextDueInMs(wish));
    void this.#clock.sleep(untilMs, over.signal).then(() => {
      if (this.#held === held) end(this.take(wish));
    });
    try {
      return await promise;
    } finally {
      over.abort();
      signal?.removeEventListener("abort", leave);
    }
  }

  /** In how many milliseconds something is to be sent again, however long a poll is held. */
  #nextDueInMs(wish: Wish): number {
    const cancels = wish.takes?.cancels === true ? [...this.#cancels.values()] : [];
    const duesAtMs = [
      ...cancels.map(({ dueAtMs }) => dueAtMs),
      ...this.missing(wish).map(({ handedOutAtMs }) => handedOutAtMs + REPEAT_MS),
    ];
    return Math.max(Math.min(...duesAtMs) - this.#clock.monotonic(), 1);
  }
}
