/** A command that its stream has for certain. */
import { ServantError, toServantError } from "../core/errors.ts";
import type { NatsLink, Payload } from "../nats/connect.ts";
import type { JetStream } from "../nats/jetstream.ts";

/** Between two tries to have a message stored while the line is up, in milliseconds. */
const AGAIN_MS = 250;
/** As often is a stream that is not there looked for: a cluster may be choosing its leader. */
const ABSENT_TRIES = 20;

export interface Outgoing {
  readonly subject: string;
  readonly payload: Payload;
  /** Makes its repeats one message. */
  readonly id: string;
  /** It may have been stored. */
  wasTried: boolean;
}

export interface PublishPorts {
  readonly link: NatsLink;
  readonly js: JetStream;
}

/**
 * Publishes until the stream has confirmed, across reconnects. Ends without a confirmation at the
 * abort alone.
 *
 * @throws {ServantError} `nats.refused`, `nats.no-jetstream`, `machine.absent`
 */
export async function publishUntilStored(
  { link, js }: PublishPorts,
  message: Outgoing,
  beforeEach: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let absences = 0; !signal.aborted; ) {
    await link.up(signal);
    if (signal.aborted) return;
    try {
      await beforeEach();
      if (signal.aborted) return;
      message.wasTried = true;
      await js.publish(message.subject, message.payload, { messageId: message.id });
      return;
    } catch (cause) {
      const { code } = toServantError(cause);
      const isAbsent = code === "nats.no-responders" || code === "nats.no-jetstream";
      if (isAbsent) absences += 1;
      else if (code !== "backend.unreachable") throw cause;
      if (absences >= ABSENT_TRIES) throw code === "nats.no-jetstream" ? cause : noStream();
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

function noStream(): ServantError {
  return new ServantError("machine.absent", "Cannot send a command: its stream is not there");
}
