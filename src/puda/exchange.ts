/** One command and its answer: published until it is stored, waited for until the time is up. */
import { ServantError } from "../core/errors.ts";
import type { NatsLink } from "../nats/connect.ts";
import type { JetStream } from "../nats/jetstream.ts";
import { type ResponseMessage, type Sender, toCommandMessage } from "../wire/puda.ts";
import type { Seal } from "../wire/puda-seal.ts";
import { commandSubject, machineId, type Way } from "../wire/puda-subjects.ts";
import { type Answer, toAnswer } from "./answer.ts";
import type { QueueCommand } from "./command-service.ts";
import type { Tell } from "./notices.ts";
import { publishUntilStored } from "./publish.ts";
import { Responses } from "./responses.ts";
import { Waiters } from "./waiters.ts";

/** The longest wait a timer can count, 24 days: a longer one would wrap around to none. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface ExchangePorts {
  readonly link: NatsLink;
  readonly js: JetStream;
  readonly seal: Seal;
  readonly sender: Sender;
  readonly tell: Tell;
}

export class Exchange {
  readonly #ports: ExchangePorts;
  readonly #waiters = new Waiters();
  readonly responses: Responses;

  constructor(ports: ExchangePorts) {
    this.#ports = ports;
    this.responses = new Responses({ ...ports, waiters: this.#waiters });
  }

  /** Rejects with the reason of a signal that aborts. @throws {ServantError} as `sendQueueCommand` */
  async send(
    way: Way,
    command: QueueCommand,
    timeoutMs: number,
    signals: readonly AbortSignal[],
  ): Promise<Answer> {
    const { name, runId, step } = command;
    const machine = machineId(command.machine);
    // An answer without a run would be nobody's.
    if (runId === "")
      throw new ServantError("usage.invalid", `Cannot send "${name}" without a run`);
    for (const signal of signals) signal.throwIfAborted();
    const subject = commandSubject(machine, way);
    const payload = this.#sealed(subject, command);
    const sent = { subject, payload, id: crypto.randomUUID(), wasTried: false };
    const over = new AbortController();
    const ends: (() => void)[] = [() => over.abort()];
    try {
      return await new Promise<Answer>((resolve, reject) => {
        const awaited = { way, machine, runId, step, name };
        const answered = (message: ResponseMessage) => resolve(toAnswer(message, runId, step));
        ends.push(this.#waiters.add(awaited, answered));
        const late = () => {
          reject(sent.wasTried ? unanswered(command, timeoutMs) : unsent(command));
        };
        const timer = setTimeout(late, Math.min(timeoutMs, TIMER_MAX_MS));
        ends.push(() => clearTimeout(timer));
        for (const signal of signals) ends.push(onAbort(signal, reject));
        // The answer may be here before the stream's confirmation: neither waits for the other.
        const listening = () => this.responses.listen(machine, way);
        publishUntilStored(this.#ports, sent, listening, over.signal).catch(reject);
      });
    } finally {
      for (const end of ends) end();
    }
  }

  #sealed(subject: string, command: QueueCommand): Uint8Array | string {
    const { link, seal, sender } = this.#ports;
    const { maxPayload } = link;
    const text = JSON.stringify(toCommandMessage(command, sender, Date.now()));
    if (text.length * 3 + seal.bytes > maxPayload) {
      const bytes = new TextEncoder().encode(text).length + seal.bytes;
      if (bytes > maxPayload) {
        const problem = `Cannot send "${command.name}": it has ${bytes} bytes, and the server takes ${maxPayload}`;
        throw new ServantError("request.too-large", problem);
      }
    }
    return seal.close(subject, text);
  }
}

/** Returns the function that ends the listening. */
function onAbort(signal: AbortSignal, call: (reason: unknown) => void): () => void {
  const abort = () => call(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}

function unsent({ name, machine }: QueueCommand): ServantError {
  const problem = `Cannot send "${name}" to "${machine}": the connection is cut`;
  return new ServantError("backend.unreachable", problem);
}

function unanswered({ name, machine, step }: QueueCommand, timeoutMs: number): ServantError {
  const problem = `Cannot tell what became of "${name}" (step ${step}): no answer of "${machine}" within ${timeoutMs / 1_000} s`;
  return new ServantError("command.unanswered", problem);
}
