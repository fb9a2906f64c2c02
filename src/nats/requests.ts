/**
 * Requests that wait for their one answer, all on one inbox. The client's own would do the same for
 * twice the time: it makes an error object for each request, answered or not.
 */
import { ServantError } from "../core/errors.ts";
import type { NatsMessage } from "./connect.ts";

interface Waiting {
  readonly subject: string;
  readonly timer: ReturnType<typeof setTimeout>;
  resolve(answer: NatsMessage): void;
  reject(cause: ServantError): void;
}

/** What the server answers in place of whoever does not listen. */
const NO_RESPONDERS = 503;

export class Requests {
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;

  /** `send` is given the token that the answer's subject must end with. */
  ask(subject: string, timeoutMs: number, send: (token: string) => void): Promise<NatsMessage> {
    this.#count += 1;
    const token = this.#count.toString(36);
    // Not by Promise.withResolvers: commanders use this on Node 20, too.
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(token, late(subject)), timeoutMs);
      this.#waiting.set(token, { subject, timer, resolve, reject });
      try {
        send(token);
      } catch (cause) {
        const problem = `Cannot ask "${subject}": it could not be sent`;
        this.#fail(token, new ServantError("backend.unreachable", problem, { cause }));
      }
    });
  }

  /** Takes a message of the inbox. */
  hear(message: NatsMessage): void {
    const token = message.subject.slice(message.subject.lastIndexOf(".") + 1);
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return; // it came too late
    const isMute = message.data.length === 0 && message.headers?.code === NO_RESPONDERS;
    if (isMute) {
      this.#fail(token, deaf(waiting.subject));
      return;
    }
    clearTimeout(waiting.timer);
    this.#waiting.delete(token);
    waiting.resolve(message);
  }

  /** Nobody is answered any more, or nobody who asked this. */
  fail(cause: ServantError, subject?: string): void {
    for (const [token, waiting] of [...this.#waiting]) {
      if (subject === undefined || waiting.subject === subject) this.#fail(token, cause);
    }
  }

  #fail(token: string, cause: ServantError): void {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(token);
    waiting.reject(cause);
  }
}

function late(subject: string): ServantError {
  return new ServantError("backend.unreachable", `Cannot ask "${subject}": no answer in time`);
}

function deaf(subject: string): ServantError {
  return new ServantError("nats.no-responders", `Cannot ask "${subject}": nobody listens there`);
}
