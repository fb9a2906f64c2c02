/**
 * The running servant: settles what a restart left, registers, asks for assignments, hands them to
 * the dispatcher, and lets the outbox deliver. The policy for failures is the error's kind.
 */
import { retryInMs } from "../core/backoff.ts";
import { ServantError, toServantError } from "../core/errors.ts";
import { Dispatcher } from "./dispatcher.ts";
import { runOutbox } from "./outbox.ts";
import type { Ports } from "./ports.ts";
import { verdictAfterRestart } from "./recovery.ts";
import { runSaver } from "./saver.ts";

/** How long a stopping agent tries to deliver what is finished, in milliseconds. */
export const DELIVER_AT_STOP_MS = 10_000;

export interface ServantOptions {
  /** Failures in a row after which it gives up; 0 is never. */
  readonly failuresMax: number;
  /** A second signal: handlers are told to stop now. */
  readonly hurry: AbortSignal;
}

/**
 * Runs until `signal` aborts, then finishes what has started, delivers and resolves.
 *
 * @throws {ServantError} kind "auth" (log in again), "gone" (register again), "permanent" (the
 * backend refuses this servant), or `backend.gave-up`.
 */
export async function runServant(
  ports: Ports,
  options: ServantOptions,
  signal: AbortSignal,
): Promise<void> {
  await new Servant(ports, options, signal).run();
}

class Servant {
  readonly #ports: Ports;
  readonly #options: ServantOptions;
  readonly #dispatcher: Dispatcher;
  /** Ends the poll loop: the caller's wish, or a failure that trying again cannot mend. */
  readonly #stop = new AbortController();
  #failure: unknown;
  #failures = 0;
  #malformed = 0;

  constructor(ports: Ports, options: ServantOptions, signal: AbortSignal) {
    this.#ports = ports;
    this.#options = options;
    this.#dispatcher = new Dispatcher(ports, (cause) => this.#fail(cause));
    onAbort(signal, () => this.#stop.abort(signal.reason));
    onAbort(options.hurry, () =>
      this.#dispatcher.cancelAll(
        new ServantError("agent.draining", "Cannot go on: stopped in a hurry"),
      ),
    );
  }

  async run(): Promise<void> {
    const stopBoth = new AbortController();
    const saver = runSaver(this.#ports, stopBoth.signal).catch((cause) => this.#fail(cause));
    let outbox = Promise.resolve();
    try {
      await this.#settleRestart();
      if (await this.#register()) {
        outbox = runOutbox(this.#ports, stopBoth.signal).catch((cause) => this.#fail(cause));
        await this.#poll();
      }
    } catch (cause) {
      this.#fail(cause);
    }
    await this.#finishUp(outbox);
    stopBoth.abort();
    await Promise.all([outbox, saver]);
    await this.#saveAtLast();
    const open = [...this.#ports.ledger.openEntries()];
    const undelivered = open.filter(({ phase }) => phase === "finished").length;
    this.#ports.bus.publish({ type: "agent.stopped", undelivered });
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the servant with its first failure. */
  #fail(cause: unknown): void {
    this.#failure ??= cause;
    this.#stop.abort(cause);
  }

  async #settleRestart(): Promise<void> {
    const { ledger, clock } = this.#ports;
    for (const entry of [...ledger.openEntries()]) {
      if (entry.phase !== "accepted" && entry.phase !== "started") continue;
      const { verdict, problem } = verdictAfterRestart(entry, clock.now());
      await this.#dispatcher.resume(entry, verdict, problem);
    }
  }

  /** False when it was stopped before the backend answered. */
  async #register(): Promise<boolean> {
    const { backend, bus, runner } = this.#ports;
    const { offer } = runner;
    while (!this.#stop.signal.aborted) {
      try {
        const servantId = await backend.register(offer, this.#stop.signal);
        this.#linkWorks();
        const transitions = offer.transitions.length;
        const fluents = offer.fluents.length;
        bus.publish({ type: "servant.registered", servantId, transitions, fluents });
        return true;
      } catch (cause) {
        await this.#linkFailed(cause);
      }
    }
    return false;
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (cause) {
        await this.#linkFailed(cause);
      }
    }
  }

  /** Follows the backend's directives until the link fails; asks only while there is room. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { backend, bus } = this.#ports;
    await this.#dispatcher.room(signal);
    if (signal.aborted) return;
    for await (const directive of backend.directives(this.#dispatcher.intake, signal)) {
      this.#linkWorks();
      if (directive.type === "assign") await this.#dispatcher.take(directive);
      if (directive.type === "malformed") {
        this.#malformed += 1;
        const { reason } = directive;
        bus.publish({ type: "poll.malformed", reason, count: this.#malformed });
      }
      await this.#dispatcher.room(signal);
      if (signal.aborted) return;
    }
  }

  #linkWorks(): void {
    if (this.#failures === 0) return;
    this.#ports.bus.publish({ type: "link.restored", failures: this.#failures });
    this.#failures = 0;
  }

  /** Waits before the next try, or throws when trying again cannot help. */
  async #linkFailed(cause: unknown): Promise<void> {
    const { bus, clock, random } = this.#ports;
    const { signal } = this.#stop;
    if (signal.aborted) return;
    const error = toServantError(cause);
    if (error.kind !== "transient") throw cause;
    this.#failures += 1;
    const failures = this.#failures;
    const { failuresMax } = this.#options;
    if (failuresMax > 0 && failures >= failuresMax) {
      const reason = `Cannot go on after ${failures} failures in a row: ${error.message}`;
      throw new ServantError("backend.gave-up", reason, { cause });
    }
    const { code, message: reason } = error;
    const waitMs = retryInMs(error, failures, random);
    bus.publish({ type: "link.lost", code, reason, retryInMs: waitMs, failures });
    await clock.sleep(waitMs, signal);
  }

  /** Finish what has started, answer what has not, deliver; what stays undelivered stays kept. */
  async #finishUp(outbox: Promise<void>): Promise<void> {
    const { bus, clock, ledger } = this.#ports;
    const failure = this.#failure;
    const reason = failure === undefined ? "asked to" : toServantError(failure).message;
    bus.publish({ type: "agent.stopping", reason, inHand: this.#dispatcher.inHand });
    await this.#dispatcher.drain();
    const late = new AbortController();
    const patience = clock.sleep(DELIVER_AT_STOP_MS, late.signal).then(() => late.abort());
    onAbort(this.#options.hurry, () => late.abort());
    void outbox.then(() => late.abort()); // it ends early only when it cannot go on
    while (!late.signal.aborted && !ledger.undelivered().next().done) {
      await ledger.changed(late.signal);
    }
    late.abort();
    await patience;
  }

  /** What a full disk kept back is in memory only: the last chance to save it. */
  async #saveAtLast(): Promise<void> {
    const { bus, ledger } = this.#ports;
    if (!ledger.isFull) return;
    try {
      await ledger.save();
    } catch (cause) {
      bus.publish({ type: "journal.full", reason: toServantError(cause).message, retryInMs: 0 });
    }
  }
}

function onAbort(signal: AbortSignal, react: () => void): void {
  if (signal.aborted) react();
  else signal.addEventListener("abort", react, { once: true });
}
