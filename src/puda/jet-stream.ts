/** What a commander asks of JetStream: its API, and a message stored for certain. */

import { isServantError, ServantError, toServantError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import type { NatsLink, Payload } from "../nats/connect.ts";
import { readJson } from "../wire/puda-payload.ts";

/** The API's codes for what is not there: a stream, a consumer, a message. */
const NOT_FOUND = [10059, 10014, 10037];
/** Between two tries to have a message stored while the line is up, in milliseconds. */
const AGAIN_MS = 250;
/** As often is a stream that is not there looked for: a cluster may be choosing its leader. */
const ABSENT_TRIES = 20;

/**
 * Asks JetStream's API; undefined where what it is about is not there.
 *
 * @throws {ServantError} `nats.refused`, `nats.no-jetstream`, `backend.unreachable`
 */
export async function findInJetStream(
  link: NatsLink,
  verb: string,
  body: Json | undefined,
): Promise<Readonly<Record<string, Json>> | undefined> {
  const { data } = await link
    .request(`$JS.API.${verb}`, body === undefined ? "" : JSON.stringify(body))
    .catch((cause: unknown) => {
      if (!isServantError(cause) || cause.code !== "nats.no-responders") throw cause;
      throw new ServantError("nats.no-jetstream", "Cannot ask JetStream: it does not answer");
    });
  const answer = readJson(data);
  const error = isJsonObject(answer) ? answer.error : "no object";
  if (error === undefined) return answer as Readonly<Record<string, Json>>;
  if (isJsonObject(error) && NOT_FOUND.includes(Number(error.err_code))) return undefined;
  throw refused(verb, error);
}

/** The same where it must be there. @throws {ServantError} `machine.absent` too */
export async function askJetStream(
  link: NatsLink,
  verb: string,
  body: Json | undefined,
): Promise<Readonly<Record<string, Json>>> {
  const answer = await findInJetStream(link, verb, body);
  if (answer !== undefined) return answer;
  throw noMachineYet();
}

export interface Stored {
  readonly subject: string;
  readonly payload: Payload;
  /** Makes its repeats one message. */
  readonly id: string;
  /** It may have been stored. */
  wasTried: boolean;
}

/**
 * Publishes until the stream has confirmed, across reconnects. Ends without a confirmation at the
 * abort alone.
 *
 * @throws {ServantError} `nats.refused`, `nats.no-jetstream`, `machine.absent`
 */
export async function publishUntilStored(
  link: Pick<NatsLink, "request" | "up">,
  message: Stored,
  beforeEach: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const headers = { "Nats-Msg-Id": message.id };
  for (let absences = 0; !signal.aborted; ) {
    await link.up(signal);
    if (signal.aborted) return;
    try {
      await beforeEach();
      if (signal.aborted) return;
      message.wasTried = true;
      const { data } = await link.request(message.subject, message.payload, { headers });
      const answer = readJson(data);
      if (isJsonObject(answer) && answer.error === undefined) return;
      throw refused(message.subject, isJsonObject(answer) ? answer.error : answer);
    } catch (cause) {
      const { code } = toServantError(cause);
      const isAbsent = code === "nats.no-responders" || code === "nats.no-jetstream";
      if (isAbsent) absences += 1;
      else if (code !== "backend.unreachable") throw cause;
      if (absences >= ABSENT_TRIES) throw code === "nats.no-jetstream" ? cause : noMachineYet();
    }
    await wait(AGAIN_MS, signal);
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

function refused(what: string, error: Json | undefined): ServantError {
  const reason = isJsonObject(error) ? String(error.description ?? error.code) : String(error);
  return new ServantError("nats.refused", `Cannot ask for "${what}": ${reason}`);
}

function noMachineYet(): ServantError {
  const problem = "Cannot send a command: no machine has made the streams on this server yet";
  return new ServantError("machine.absent", problem);
}
