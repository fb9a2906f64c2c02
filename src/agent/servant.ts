/**
 * The running servant: settles what a restart left, registers, asks for assignments, hands them to
 * the dispatcher, and lets the outbox deliver. The policy for failures is the error's kind.
 */
import type { AuditId } from "../core/assignment.ts";
import { retryInMs } from "../core/backoff.ts";
import { ServantError, toServantError } from "../core/errors.ts";
import type { Directive } from "../core/ports.ts";
import { Dispatcher } from "./dispatcher.ts";
import { runOutbox } from "./outbox.ts";
import type { Ports } from "./ports.ts";
import { verdictAfterRestart } from "./recovery.ts";
import { Registrations } from "./registrations.ts";
import { runSaver } from "./saver.ts";
import type { Presence } from "./troubles.ts";

/** How long a stopping agent tries to deliver what is finished, in milliseconds. */
export const DELIVER_AT_STOP_MS = 10_000;
/** How long a stopping agent waits for its handlers before it tells them to stop, unless told. */
export const DRAIN_TIMEOUT_MS = 60_000;

/** How often answers that cannot be read are told of, in milliseconds. */
const MALFORMED_EVERY_MS = 1_000;

export interface ServantOptions {
  /** Failures in a row after which it gives up; 0 is never. */
  readonly failuresMax: number;
  /** Registers again when the backend has forgotten it; else that ends it. */
  readonly reregister: boolean;
  /** How many actions may run at once, if they occupy nothing in common. */
  readonly concurrency: number;
  /** How long a stop waits for handlers before it tells them to stop, in milliseconds. */
  readonly drainTimeoutMs: number;
  /** A second signal: handlers are told to stop now. */
  readonly hurry: AbortSignal;
}

export class Servant {
  readonly #ports: Ports;
  readonly #options: ServantOptions;
  readonly #dispatcher: Dispatcher;
  readonly #registrations: Registrations;
  /** Nothing new from here on: the caller's wish, or a failure that trying again cannot mend. */
  readonly #stop = new AbortController();
  /** Ends the poll loop: then, or once what had started has ended, so that its cancels are heard. */
  readonly #stopPolling = new AbortController();
  /** Ends what goes on beside the poll loop, when all that could be delivered is. */
  readonly #stopRest = new AbortController();
  #outbox: Promise<void> | undefined;
  /** Ends with the present registration. */
  #session: AbortController | undefined;
  #failure: unknown;
  #failures = 0;
  #presence: Presence = { registration: 0, pollsAnswered: 0 };
  #malformed = 0;
  #malformedToldUntilMs = Number.NEGATIVE_INFINITY;

  constructor(ports: Ports, options: ServantOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#dispatcher = new Dispatcher(ports, options.concurrency, (cause) => this.#fail(cause));
    this.#registrations = new Registrations(ports.clock);
  }

  /**
   * Runs until `signal` aborts, then finishes what has started, delivers and resolves.
   *
   * @throws {ServantError} kind "auth" (log in again), "gone" (the backend does not know it),
   * "permanent" (the backend refuses this servant), or `backend.gave-up`.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { bus, ledger } = this.#ports;
    onAbort(this.#stop.signal, () => this.#stopping());
    onAbort(signal, () => this.#stop.abort(signal.reason));
    onAbort(this.#options.hurry, () => this.#cancelAll("stopped in a hurry"));
    const rest = [
      this.#beside(runSaver(this.#ports, this.#stopRest.signal)),
      this.#beside(this.#dispatcher.follow(this.#stopRest.signal)),
    ];
    try {
      const { paused } = ledger.machine;
      if (paused !== undefined) bus.publish({ type: "agent.paused", reason: paused });
      await this.#settleRestart();
      await this.#serve();
    } catch (cause) {
      this.#fail(cause);
    }
    await this.#finishUp();
    this.#stopRest.abort();
    await Promise.all([this.#outbox, ...rest]);
    await this.#saveAtLast();
    const { undelivered, aside } = ledger;
    bus.publish({ type: "agent.stopped", undelivered, ...(aside === 0 ? {} : { aside }) });
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** No action is taken or started until `resume`; it survives a restart of the agent. */
  async pause(reason: string): Promise<void> {
    await this.#dispatcher.pause(reason).catch((cause) => this.#fail(cause));
  }

  async resume(): Promise<void> {
    await this.#dispatcher.unpause().catch((cause) => this.#fail(cause));
  }

  /** Calls one assignment off: it never starts, or its handler is told to stop. */
  async cancel(auditId: AuditId, reason: string): Promise<void> {
    await this.#dispatcher.cancel(auditId, reason).catch((cause) => this.#fail(cause));
  }

  /** Ends the servant with its first failure. */
  #fail(cause: unknown): void {
    this.#failure ??= cause;
    this.#stop.abort(cause);
  }

  /** Nothing starts from here on, however long the poll loop takes to end. */
  #stopping(): void {
    const { bus } = this.#ports;
    const failure = this.#failure;
    const reason = failure === undefined ? "asked to" : toServantError(failure).message;
    bus.publish({ type: "agent.stopping", reason, inHand: this.#dispatcher.inHand });
    this.#dispatcher.stop();
    const stopPolling = () => this.#stopPolling.abort(failure ?? this.#stop.signal.reason);
    if (this.#ports.backend.heedsRoom !== true) stopPolling();
    void this.#drain().then(stopPolling);
  }

  async #drain(): Promise<void> {
    const { drainTimeoutMs } = this.#options;
    const drained = new AbortController();
    void this.#ports.clock.sleep(drainTimeoutMs, drained.signal).then(() => {
      if (!drained.signal.aborted) this.#cancelAll(`not ended within ${drainTimeoutMs / 1000} s`);
    });
    await this.#dispatcher.ended();
    drained.abort();
  }

  #beside(going: Promise<void>): Promise<void> {
    return going.catch((cause) => this.#fail(cause));
  }

  #cancelAll(reason: string): void {
    this.#dispatcher.cancelAll(new ServantError("agent.draining", `Cannot go on: ${reason}`));
  }

  async #settleRestart(): Promise<void> {
    const { ledger, clock } = this.#ports;
    for (const entry of [...ledger.openEntries()]) {
      if (entry.phase !== "accepted" && entry.phase !== "started") continue;
      await this.#dispatcher.resume(entry, verdictAfterRestart(entry, clock.now()));
    }
  }

  /** Registers and polls, anew whenever the backend has forgotten this servant, until the stop. */
  async #serve(): Promise<void> {
    while (await this.#register()) {
      this.#session = new AbortController();
      const signal = AbortSignal.any([this.#stopPolling.signal, this.#session.signal]);
      // It outlives a session, unless it found that the session is gone.
      this.#outbox ??= this.#deliver();
      try {
        await this.#poll(signal);
        if (!this.#stop.signal.aborted) throw signal.reason;
      } catch (cause) {
        this.#forgotten(cause);
      }
    }
  }

  async #deliver(): Promise<void> {
    for (;;) {
      const session = this.#session;
      try {
        const presence = () => this.#presence;
        return await runOutbox({ ...this.#ports, presence }, this.#stopRest.signal);
      } catch (cause) {
        const isGone = toServantError(cause).kind === "gone";
        // The answer came late, a newer registration than it speaks of is here: ask again.
        if (isGone && session !== this.#session) continue;
        this.#outbox = undefined; // what waits goes out through the next registration
        if (isGone) session?.abort(cause);
        else this.#fail(cause);
        return;
      }
    }
  }

  /** The backend does not know this servant any more: throws when registering again is no way. */
  #forgotten(cause: unknown): void {
    const { message: reason, kind } = toServantError(cause);
    if (this.#stop.signal.aborted) return;
    if (kind !== "gone" || !this.#options.reregister) throw cause;
    const { isContested, recent } = this.#registrations;
    if (isContested) {
      const problem = `Cannot stay registered, ${recent} times in a minute: ${reason}`;
      throw new ServantError("backend.session-gone", problem, { cause });
    }
    this.#ports.bus.publish({ type: "servant.forgotten", reason, registrations: recent });
  }

  /** False when it was stopped before the backend answered. */
  async #register(): Promise<boolean> {
    const { backend, bus, runner } = this.#ports;
    const { offer } = runner;
    while (!this.#stop.signal.aborted) {
      try {
        const servantId = await backend.register(offer, this.#stop.signal);
        this.#linkWorks();
        this.#registrations.add();
        this.#presence = { registration: this.#presence.registration + 1, pollsAnswered: 0 };
        const transitions = offer.transitions.length;
        const fluents = offer.fluents.length;
        bus.publish({ type: "servant.registered", servantId, transitions, fluents });
        return true;
      } catch (cause) {
        await this.#linkFailed(cause, this.#stop.signal);
      }
    }
    return false;
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const directive of this.#ports.backend.directives(this.#dispatcher, signal)) {
          this.#linkWorks();
          const { registration, pollsAnswered } = this.#presence;
          this.#presence = { registration, pollsAnswered: pollsAnswered + 1 };
          await this.#obey(directive);
          if (signal.aborted) return;
        }
      } catch (cause) {
        await this.#linkFailed(cause, signal);
      }
    }
  }

  async #obey(directive: Directive): Promise<void> {
    switch (directive.type) {
      case "assign":
        this.#registrations.worked();
        return await this.#dispatcher.take(directive);
      case "cancel":
        // Not waited for: a slow disk must not keep the next one from its handler.
        return void this.cancel(directive.auditId, directive.reason);
      // None is waited for: a slow disk, or a hook, must not keep the next one.
      case "pause":
        return void this.pause(directive.reason);
      case "resume":
        return void this.resume();
      case "hook":
        return void this.#ports.runner.hook(directive.name).then(directive.settle);
      case "malformed":
        return this.#tellMalformed(directive.reason);
    }
  }

  /** Not each time: a backend that talks nonsense may do so a thousand times a second. */
  #tellMalformed(reason: string): void {
    const { bus, clock } = this.#ports;
    this.#malformed += 1;
    if (clock.monotonic() < this.#malformedToldUntilMs) return;
    this.#malformedToldUntilMs = clock.monotonic() + MALFORMED_EVERY_MS;
    bus.publish({ type: "poll.malformed", reason, count: this.#malformed });
  }

  #linkWorks(): void {
    if (this.#failures === 0) return;
    this.#ports.bus.publish({ type: "link.restored", failures: this.#failures });
    this.#failures = 0;
  }

  /** Waits before the next try, or throws when trying again cannot help. */
  async #linkFailed(cause: unknown, signal: AbortSignal): Promise<void> {
    const { bus, clock, random } = this.#ports;
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
  async #finishUp(): Promise<void> {
    const { clock, ledger } = this.#ports;
    const { hurry } = this.#options;
    await this.#dispatcher.ended();
    const late = new AbortController();
    const patience = clock.sleep(DELIVER_AT_STOP_MS, late.signal).then(() => late.abort());
    onAbort(hurry, () => late.abort());
    // It ends early only when it cannot go on.
    void (this.#outbox ?? Promise.resolve()).then(() => late.abort());
    while (!late.signal.aborted && ledger.undelivered > ledger.aside) {
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
