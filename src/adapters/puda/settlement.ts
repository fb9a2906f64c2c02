/**
 * Answers and settles what came through the queue: the response until its stream confirms it, only
 * then the acknowledgement, and that until the server confirms it too (W3, W23). All of it may happen
 * again: the response's message id makes one of two, and a message is settled once.
 */
import { backoffMs } from "../../core/backoff.ts";
import { ServantError, toServantError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import type { Delivery } from "../../core/ports.ts";
import { toResponse } from "../../wire/puda.ts";
import { writeAnswer } from "../../wire/puda-payload.ts";
import { responseSubject } from "../../wire/puda-subjects.ts";
import type { Desk } from "./desk.ts";
import { isMoot } from "./moot.ts";

/** What the journal keeps of a queue command beside the assignment: enough to answer it ever after. */
export interface Reply {
  /** Names this asking; a repetition of the command has another. */
  readonly id: string;
  readonly ack: string;
  /** Header and command as received. */
  readonly message: JsonObject;
}

/** @throws {ServantError} `backend.rejected`: it was not kept */
export function replyOf({ reply }: Delivery): Reply {
  const { ack, id, message } = isJsonObject(reply) ? reply : {};
  if (typeof id === "string" && typeof ack === "string" && isJsonObject(message)) {
    return { id, ack, message };
  }
  throw new ServantError("backend.rejected", "Cannot answer it: how to was not kept with it");
}

/** Settled for good, done: the message leaves its stream. */
export const ACK = "+ACK";
/** The same for what failed, as the Python machines do. */
export const TERM = "+TERM";
/** It is being worked on: do not give it to anybody else. */
export const WPI = "+WPI";
/** Give it to the next who asks. */
export const NAK = "-NAK";

/** How long one delivery tries by itself before the outbox decides, in milliseconds. */
const TRY_FOR_MS = 30_000;
/** The longest wait between two of its tries, in milliseconds. */
const RETRY_MAX_MS = 1_000;

/** @throws {ServantError} transient: it is to be tried again */
export async function respond(
  desk: Desk,
  { id, message }: Reply,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<void> {
  const payload = payloadOf(desk, message, delivery);
  const subject = responseSubject(desk.id, "queue");
  await insisting(desk, signal, async () => {
    await desk.js.publish(subject, payload, { messageId: id });
  });
}

/** What was called off is none, however it ended. */
export function isSuccess({ cancelled, result }: Delivery): boolean {
  return result.success && cancelled === undefined;
}

function payloadOf(desk: Desk, message: JsonObject, { cancelled, result }: Delivery) {
  const nowMs = desk.time.now();
  const written = writeAnswer(
    message,
    toResponse(result, nowMs, cancelled),
    nowMs,
    desk.payloadMax,
  );
  if (written.problem !== undefined) {
    desk.alert("answer_cut", "high", { audit_id: result.auditId, reason: written.problem });
  }
  return desk.seal.close(responseSubject(desk.id, "queue"), written.text);
}

/** Resolves when the server has taken it for settled, or has no such consumer any more. */
export async function settle(
  desk: Desk,
  ack: string,
  verdict: typeof ACK | typeof TERM,
  signal: AbortSignal,
): Promise<void> {
  await insisting(desk, signal, async () => {
    try {
      await desk.link.request(ack, verdict);
    } catch (cause) {
      if (toServantError(cause).code === "nats.no-responders") return;
      if (!(await isMoot(desk, ack))) throw cause;
    }
  });
}

/** Tries again while the line or the server is away for a moment. */
export async function insisting(
  desk: Desk,
  signal: AbortSignal,
  act: () => Promise<void>,
): Promise<void> {
  const { clock, link } = desk;
  const endsAtMs = clock.monotonic() + TRY_FOR_MS;
  for (let failures = 1; ; failures += 1) {
    if (!link.isUp) await link.up(signal, TRY_FOR_MS);
    try {
      return await act();
    } catch (cause) {
      const isLasting = toServantError(cause).kind !== "transient";
      if (isLasting || signal.aborted || clock.monotonic() > endsAtMs) throw cause;
    }
    await clock.sleep(
      Math.min(
        backoffMs(failures, () => 0.2),
        RETRY_MAX_MS,
      ),
      signal,
    );
  }
}
