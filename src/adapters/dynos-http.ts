/**
 * The servant's side of DYNOS over HTTP: register, poll, post results. It reports failures and
 * decides nothing about them. What a plain backend ignores: polls ask to be held (RFC 7240,
 * `Prefer: wait`), follow each other closely after work, and say what can be taken (`Servant-Takes`).
 * A backend that understands that answers the same header: only it is polled while something cannot
 * be taken, for cancels. See docs/decisions/0010-servant-takes.md.
 */
import type { AuditId } from "../core/assignment.ts";
import { ServantError, toServantError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Backend, Clock, Delivery, Directive, Intake, Offer } from "../core/ports.ts";
import { readBounded, readStart } from "../wire/bounded-body.ts";
import { type Connection, REQUEST_TIMEOUT_MS } from "../wire/connection.ts";
import {
  fromDelivery,
  HOLD_S,
  HOLDS_HEADER,
  holdsText,
  parseTakes,
  RegisterReply,
  TAKES_HEADER,
  type Takes,
  takesText,
  toRegisterRequest,
} from "../wire/dynos.ts";
import { nearExpiryS } from "../wire/session-expiry.ts";
import { readAnswer } from "./poll-answer.ts";
import { type Answer, type Poll, Polls } from "./polls.ts";
import { watched } from "./watched.ts";

/** The shortest wait between two polls that follow each other, in milliseconds. */
export const QUICK_POLL_MIN_MS = 5;
/** Quick polling waits this part of the time since the last assignment. */
const QUICK_POLL_SHARE = 1 / 8;

/** An answer that tells nothing is read to its end up to this, in bytes; past it, let go. */
const DISCARD_MAX_BYTES = 64 * 1024;

export interface DynosOptions {
  readonly clock: Clock;
  /** Between two polls that found nothing, in milliseconds. */
  readonly pollIntervalMs: number;
  /** Polls faster after work and slows down to the interval. */
  readonly quickPoll: boolean;
  /** The largest assignment that is read, in bytes; a larger one is answered failed. */
  readonly assignmentMaxBytes: number;
  /** Told of each poll that ended, how long it was under way. */
  readonly onPolled?: (tookMs: number) => void;
  /** Told once that the session ends soon, in seconds. */
  readonly onSessionEnding?: (inS: number) => void;
}

export function dynosBackend(connection: Connection, options: DynosOptions): Backend {
  return new DynosBackend(connection, options);
}

class DynosBackend implements Backend {
  readonly #connection: Connection;
  readonly #options: DynosOptions;
  readonly #polls: Polls;
  #intake: Intake | undefined;
  #servantId = "";
  /** Meanwhile nothing is asked: what comes under the earlier name would be held under it, too. */
  #isRegistering = false;
  #lastAssignmentAtMs: number;
  /** The last cancel that was read: the same again is a repetition. */
  #lastCancelled: AuditId | undefined;
  /** By its last answer: what cannot be taken is not handed out, and cancels are. */
  #understands = false;
  /** The last poll failed. */
  #hasFailed = false;
  #isEndingTold = false;
  /**
   * `/start` and `/goal` belong to the first registration. A later one may find a world in use, and after a
   * session's reset an empty one; but what held when the plugin was loaded need not hold any more, and a machine
   * that moves from where it is not is worse than one without a plan.
   */
  #hasSetWorld = false;

  constructor(connection: Connection, options: DynosOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#lastAssignmentAtMs = options.clock.monotonic();
    this.#polls = new Polls((poll, signal) => this.#poll(poll, signal));
  }

  get origin(): string {
    return this.#connection.origin;
  }

  get heedsRoom(): boolean {
    return this.#understands;
  }

  async register(offer: Offer, signal: AbortSignal): Promise<string> {
    this.#isRegistering = true;
    this.#polls.forget();
    try {
      return await this.#register(offer, signal);
    } finally {
      this.#isRegistering = false;
      this.#polls.wake();
    }
  }

  async #register(offer: Offer, signal: AbortSignal): Promise<string> {
    const body = toRegisterRequest(offer) as Json;
    const heard = this.#heard;
    const options = { body, signal, heard };
    const answer = await this.#connection.json("POST", "/servant/register", options);
    const reply = RegisterReply.safeParse(answer);
    if (!reply.success) {
      throw new ServantError(
        "backend.malformed-answer",
        "Cannot register: the answer has no servant_id",
      );
    }
    if (!this.#hasSetWorld) await this.#setWorld(offer, signal);
    this.#servantId = reply.data.servant_id;
    return this.#servantId;
  }

  async *directives(intake: Intake, signal: AbortSignal): AsyncIterable<Directive> {
    const polls = this.#polls;
    this.#intake = intake;
    const abort = () => polls.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    const watch = watched(intake, () => polls.wake());
    try {
      for (;;) {
        const answer = polls.takeAnswer();
        if (answer !== undefined) {
          this.#tell(answer);
          this.#hasFailed = "cause" in answer;
          const waitMs = this.#pauseAfter(answer);
          if ("cause" in answer) throw answer.cause;
          yield answer.directive;
          if (waitMs > 0) await this.#options.clock.sleep(waitMs, signal);
          continue;
        }
        const takes = signal.aborted ? undefined : this.#takable(intake);
        if (takes !== undefined && polls.isWanted(takes)) {
          // After a failure an answer is wanted at once: a held poll would tell late that all is well.
          const holdS = this.#hasFailed ? 0 : HOLD_S;
          polls.start({ takes, holdS, startedAtMs: this.#options.clock.monotonic() });
        }
        if (signal.aborted && polls.areOver) return;
        watch.again();
        await polls.changed();
      }
    } finally {
      watch.end();
      signal.removeEventListener("abort", abort);
    }
  }

  #tell({ poll }: Answer): void {
    const { clock, onPolled } = this.#options;
    onPolled?.(clock.monotonic() - poll.startedAtMs);
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    try {
      await this.#post(delivery.via, delivery, signal);
    } catch (cause) {
      // Gone from the present registration: the result stays and goes out through the next one.
      if (toServantError(cause).kind !== "gone" || delivery.via === this.#servantId) throw cause;
      await this.#postAsPresent(delivery, signal);
    }
  }

  /** The registration that received it is gone; the present one may still report it. */
  async #postAsPresent(delivery: Delivery, signal: AbortSignal): Promise<void> {
    try {
      await this.#post(this.#servantId, delivery, signal);
    } catch (cause) {
      const error = toServantError(cause);
      if (error.kind !== "gone") throw cause;
      // Neither knows it, but the servant itself may be fine: the next registration may.
      throw new ServantError("backend.result-unclaimed", error.message, { cause });
    }
  }

  async #setWorld({ startState, startGoal }: Offer, signal: AbortSignal): Promise<void> {
    const send = async (path: string, body: Json) => {
      await this.#connection.send("POST", path, { body, signal }, discard);
    };
    if (startState.length > 0) await send("/start", { start: startState });
    if (startGoal.length > 0) await send("/goal", { goal: startGoal });
    this.#hasSetWorld = true;
  }

  readonly #heard = (headers: Headers) => {
    this.#understands = parseTakes(headers.get(TAKES_HEADER))?.cancels ?? false;
    const endsInS = this.#isEndingTold ? undefined : nearExpiryS(headers);
    if (endsInS === undefined) return;
    this.#isEndingTold = true;
    this.#options.onSessionEnding?.(endsInS);
  };

  /** What a poll can ask for now; nothing when it is better not to poll at all. */
  #takable({ actions, beliefs }: Intake): Takes | undefined {
    if (this.#isRegistering) return undefined;
    // A plain backend hands out whatever it has, and cannot take it back.
    if (!this.#understands && !(actions && beliefs)) return undefined;
    return { actions, beliefs, cancels: true };
  }

  /** How long to wait before the next poll, by what the last one brought, in milliseconds. */
  #pauseAfter(answer: Answer): number {
    const { clock, pollIntervalMs } = this.#options;
    if ("cause" in answer) return 0; // the servant waits by itself
    const { directive, poll, isNewest } = answer;
    const nowMs = clock.monotonic();
    if (directive.type === "assign") this.#lastAssignmentAtMs = nowMs;
    const isRepeated = directive.type === "cancel" && directive.auditId === this.#lastCancelled;
    if (directive.type === "cancel") this.#lastCancelled = directive.auditId;
    if (directive.type === "assign" || (directive.type === "cancel" && !isRepeated)) return 0;
    // An empty answer that took longer than the interval was held for us: ask again at once. One
    // that a newer poll ended has its successor already.
    const wasHeld = nowMs - poll.startedAtMs > pollIntervalMs || !isNewest;
    return directive.type === "malformed" || !wasHeld ? this.#waitMs() : 0;
  }

  async #poll({ takes, holdS }: Poll, signal: AbortSignal): Promise<Directive> {
    const servantId = this.#servantId;
    const path = `/servant/${encodeURIComponent(servantId)}/next_assignment`;
    const holds = this.#understands ? this.#intake?.holds : undefined;
    const options = {
      signal,
      headers: {
        Prefer: `wait=${holdS}`,
        [TAKES_HEADER]: takesText(takes),
        ...(holds === undefined ? {} : { [HOLDS_HEADER]: holdsText(holds) }),
      },
      timeoutMs: REQUEST_TIMEOUT_MS + holdS * 1_000,
      heard: this.#heard,
    };
    return await this.#connection.send("GET", path, options, async (response) => {
      if (response.status === 204) return { type: "idle" };
      const body = await readBounded(response, this.#options.assignmentMaxBytes);
      return readAnswer(body, servantId, this.#options.assignmentMaxBytes);
    });
  }

  async #post(servantId: string, delivery: Delivery, signal: AbortSignal): Promise<void> {
    const path = `/servant/${encodeURIComponent(servantId)}/result`;
    const body = fromDelivery(delivery) as Json;
    await this.#connection.send("POST", path, { body, signal }, discard);
  }

  #waitMs(): number {
    const { clock, pollIntervalMs, quickPoll } = this.#options;
    if (!quickPoll) return pollIntervalMs;
    const idleMs = clock.monotonic() - this.#lastAssignmentAtMs;
    return Math.min(Math.max(idleMs * QUICK_POLL_SHARE, QUICK_POLL_MIN_MS), pollIntervalMs);
  }
}

/** Reads an answer that tells nothing more to its end, so that its connection is used again. */
async function discard(response: Response): Promise<void> {
  await readStart(response, DISCARD_MAX_BYTES);
}
