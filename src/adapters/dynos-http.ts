/**
 * The servant's side of DYNOS over HTTP: register, poll, post results. It reports failures and
 * decides nothing about them. Two accelerations that a plain backend ignores: polls ask to be held
 * (RFC 7240, `Prefer: wait`), and after work the next polls follow each other closely.
 */
import type { AuditId } from "../core/assignment.ts";
import { type ErrorCode, ServantError, toServantError } from "../core/errors.ts";
import { isJsonObject, isNestedWithin, type Json } from "../core/json.ts";
import type { Backend, Clock, Delivery, Directive, Intake, Offer } from "../core/ports.ts";
import { type BoundedBody, readBounded, readStart } from "../wire/bounded-body.ts";
import { type Connection, REQUEST_TIMEOUT_MS } from "../wire/connection.ts";
import {
  fromDelivery,
  HOLD_S,
  RegisterReply,
  toAssignment,
  toRegisterRequest,
} from "../wire/dynos.ts";

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
}

export function dynosBackend(connection: Connection, options: DynosOptions): Backend {
  return new DynosBackend(connection, options);
}

class DynosBackend implements Backend {
  readonly #connection: Connection;
  readonly #options: DynosOptions;
  #servantId = "";
  #lastAssignmentAtMs: number;
  /** `/start` and `/goal` belong to the first registration: a later one finds a world in use. */
  #hasSetWorld = false;

  constructor(connection: Connection, options: DynosOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#lastAssignmentAtMs = options.clock.monotonic();
  }

  get origin(): string {
    return this.#connection.origin;
  }

  async register(offer: Offer, signal: AbortSignal): Promise<string> {
    const body = toRegisterRequest(offer) as Json;
    const answer = await this.#connection.json("POST", "/servant/register", { body, signal });
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

  async *directives(_intake: Intake, signal: AbortSignal): AsyncIterable<Directive> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const askedAtMs = clock.monotonic();
      const directive = await this.#poll(signal);
      if (directive.type === "assign") this.#lastAssignmentAtMs = clock.monotonic();
      yield directive;
      if (directive.type === "assign") continue;
      // An empty answer that took longer than the interval was held for us: ask again at once.
      const wasHeld = clock.monotonic() - askedAtMs > this.#options.pollIntervalMs;
      if (directive.type === "malformed" || !wasHeld) await clock.sleep(this.#waitMs(), signal);
    }
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

  async #poll(signal: AbortSignal): Promise<Directive> {
    const path = `/servant/${encodeURIComponent(this.#servantId)}/next_assignment`;
    const options = {
      signal,
      headers: { Prefer: `wait=${HOLD_S}` },
      timeoutMs: REQUEST_TIMEOUT_MS + HOLD_S * 1_000,
    };
    return await this.#connection.send("GET", path, options, async (response) => {
      if (response.status === 204) return { type: "idle" };
      return this.#read(await readBounded(response, this.#options.assignmentMaxBytes));
    });
  }

  /** What cannot be read but names an audit id is an assignment all the same: it gets an answer. */
  #read({ text, bytes, auditId }: BoundedBody): Directive {
    if (text === undefined) {
      const limit = this.#options.assignmentMaxBytes;
      const problem = `Cannot take an assignment of over ${limit} bytes`;
      return this.#invalid("assignment.too-large", auditId, `${problem} (${bytes} read)`);
    }
    let body: Json;
    try {
      body = JSON.parse(text) as Json;
    } catch {
      return { type: "malformed", reason: `not JSON: ${JSON.stringify(text.slice(0, 80))}` };
    }
    const named = isJsonObject(body) ? body.audit_id : undefined;
    const id = typeof named === "string" ? named : undefined;
    const problem = `Cannot read the assignment ${text.slice(0, 120)}`;
    if (!isNestedWithin(body)) {
      return this.#invalid("assignment.malformed", id, `${problem}: it nests too deep`);
    }
    const assignment = toAssignment(body);
    if (assignment !== undefined) return { type: "assign", assignment, via: this.#servantId };
    return this.#invalid("assignment.malformed", id, problem);
  }

  #invalid(code: ErrorCode, auditId: string | undefined, problem: string): Directive {
    if (auditId === undefined || auditId === "") return { type: "malformed", reason: problem };
    const assignment = { kind: "invalid", auditId: auditId as AuditId, code, problem } as const;
    return { type: "assign", assignment, via: this.#servantId };
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
