/**
 * Commands that are obeyed at once, beside whatever runs. Each is acknowledged first and acts once;
 * its built-in part takes effect before the driver's own method is called, which nobody else waits
 * for (W24).
 */
import type { AuditId } from "../../core/assignment.ts";
import { messageOf } from "../../core/errors.ts";
import type { HookName, HookOutcome } from "../../core/handlers.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Directive, Intake } from "../../core/ports.ts";
import {
  type Command,
  failed,
  IMMEDIATE_NAMES,
  type ImmediateName,
  type Response,
  type ResponseCode,
  succeeded,
} from "../../wire/puda.ts";
import { isBroken, readPayload, writeAnswer } from "../../wire/puda-payload.ts";
import { responseSubject } from "../../wire/puda-subjects.ts";
import type { Desk } from "./desk.ts";
import { type Arrival, Puller, type PullerEvents } from "./puller.ts";
import type { QueueOptions } from "./queue.ts";
import type { RunBook } from "./run-book.ts";
import { cancel, complete, reset, type Step, start } from "./runs.ts";
import { ACK, insisting, settle } from "./settlement.ts";

/** An older one is obeyed no more, in milliseconds: every commander has given it up by then. */
export const IMMEDIATE_MAX_AGE_MS = 120_000;
/** How long a pause may take to end, in milliseconds: it is written down first. */
const UNPAUSE_WITHIN_MS = 5_000;
/** So many are known again when they come twice. */
const REMEMBERED_MAX = 1_000;

const HOOK_CODES = {
  pause: "PAUSE_ERROR",
  resume: "RESUME_ERROR",
  cancel: "CANCEL_ERROR",
  reset: "EXECUTION_ERROR",
} as const satisfies Record<HookName, ResponseCode>;

export class Immediate {
  readonly #desk: Desk;
  readonly #book: RunBook;
  readonly #checksAddress: boolean;
  readonly #maxAgeMs: number;
  readonly #puller: Puller;
  readonly #arrived: Arrival[] = [];
  readonly #obeyed = new Set<AuditId>();
  /** Ends the answers that still wait. */
  readonly #over = new AbortController();
  readonly #answering = new Set<Promise<void>>();

  constructor(
    desk: Desk,
    book: RunBook,
    options: Pick<QueueOptions, "checksAddress" | "commandMaxAgeMs">,
    events: Pick<PullerEvents, "broken"> & { ring(): void },
  ) {
    this.#desk = desk;
    this.#book = book;
    this.#checksAddress = options.checksAddress;
    this.#maxAgeMs = Math.min(options.commandMaxAgeMs, IMMEDIATE_MAX_AGE_MS);
    this.#puller = new Puller(desk, "immediate", {
      broken: events.broken,
      free: events.ring,
      arrived: (arrival) => {
        this.#arrived.push(arrival);
        events.ring();
      },
    });
  }

  pull(): void {
    this.#puller.pull();
  }

  /** What the oldest that has arrived makes the servant do; undefined when none has. */
  next(intake: Intake): readonly Directive[] | undefined {
    const arrival = this.#arrived.shift();
    if (arrival === undefined) return undefined;
    const { ack, auditId } = arrival;
    this.#let(settle(this.#desk, ack, ACK, this.#over.signal));
    if (this.#obeyed.has(auditId)) return [];
    this.#remember(auditId);
    try {
      return this.#obey(arrival, intake);
    } catch (cause) {
      return this.#drop(messageOf(cause)); // it is not ours to open
    }
  }

  /** Resolves when what is on its way to a commander has gone out, or cannot. */
  async close(): Promise<void> {
    this.#puller.close();
    const late = this.#desk.clock.sleep(CLOSE_WITHIN_MS);
    await Promise.race([Promise.all(this.#answering), late]);
    this.#over.abort();
  }

  #obey(arrival: Arrival, intake: Intake): readonly Directive[] {
    const { id, time } = this.#desk;
    const read = readPayload(this.#desk.open(arrival.message), id);
    if (isBroken(read)) {
      const { message, problem } = read;
      if (message === undefined) return this.#drop(problem);
      this.#answer(arrival, message, failed(time.now(), "JSON_DECODE_ERROR", problem));
      return [];
    }
    const refuse = (code: ResponseCode, problem: string) => {
      this.#answer(arrival, read.message, failed(time.now(), code, problem));
      return [];
    };
    if (read.mismatch !== undefined && this.#checksAddress) {
      this.#desk.alert("misaddressed_command", "high", { name: read.name, reason: read.mismatch });
      return refuse("EXECUTION_ERROR", `Cannot obey: ${read.mismatch}`);
    }
    if (arrival.storedAtMs < time.now() - this.#maxAgeMs) {
      return refuse("EXECUTION_ERROR", "Cannot obey: it was sent too long ago");
    }
    const name = read.name.toLowerCase();
    if (!isImmediate(name)) {
      return refuse("UNKNOWN_COMMAND", `Unknown immediate command: ${read.name}`);
    }
    return this.#act(name, { arrival, command: read, intake });
  }

  #act(name: ImmediateName, asked: Asked): readonly Directive[] {
    const { runs, running } = this.#book;
    const { runId } = asked.command;
    switch (name) {
      case "start":
        return this.#turn(asked, start(runs, runId, running !== undefined), true);
      case "complete":
        return this.#turn(asked, complete(runs, runId));
      case "cancel":
        return this.#cancel(asked, cancel(runs, runId, running?.runId));
      case "pause":
        return [{ type: "pause", reason: "asked to by a commander" }, this.#hook(name, asked)];
      case "resume":
        return [{ type: "resume" }, this.#hook(name, asked)];
      case "reset":
        this.#book.turn(reset(runs), true);
        return [{ type: "resume" }, this.#hook(name, asked)]; // a reset ends a pause too (W15)
    }
  }

  /** The run is another one now, or the reason why not is the answer. */
  #turn(asked: Asked, step: Step, clears = false): readonly Directive[] {
    const { arrival, command } = asked;
    const nowMs = this.#desk.time.now();
    if ("refused" in step) {
      const { code, problem } = step.refused;
      if (step.runs !== undefined) this.#book.turn(step.runs);
      this.#answer(arrival, command.message, failed(nowMs, code, problem));
    } else {
      this.#book.turn(step.runs, clears);
      this.#answer(arrival, command.message, succeeded(nowMs));
    }
    return [];
  }

  #cancel(asked: Asked, step: Step): readonly Directive[] {
    if ("refused" in step) return this.#turn(asked, step);
    this.#book.turn(step.runs);
    const { running } = this.#book;
    const hook = this.#hook("cancel", asked);
    if (running?.runId !== asked.command.runId) return [hook];
    this.#book.callOff();
    const reason = "a commander cancelled its run";
    return [{ type: "cancel", auditId: running.auditId, reason }, hook];
  }

  /** The driver's own method, if it has one; then the answer. */
  #hook(name: HookName, { arrival, command, intake }: Asked): Directive {
    const ends = name === "resume" || name === "reset"; // a later pause is not its business
    const unpaused = ends ? this.#unpaused(intake) : Promise.resolve();
    const answer = async (outcome: HookOutcome) => {
      await unpaused;
      const nowMs = this.#desk.time.now();
      const isFailed = outcome.is === "failed";
      const response = isFailed
        ? failed(nowMs, HOOK_CODES[name], outcome.message)
        : succeeded(nowMs);
      this.#answer(arrival, command.message, response);
    };
    return { type: "hook", name, settle: (outcome) => this.#let(answer(outcome)) };
  }

  async #unpaused(intake: Intake): Promise<void> {
    const late = new AbortController();
    void this.#desk.clock.sleep(UNPAUSE_WITHIN_MS, late.signal).then(() => late.abort());
    while (intake.paused && !late.signal.aborted) await intake.changed(late.signal);
    late.abort();
  }

  #answer({ auditId }: Arrival, message: JsonObject, response: Response): void {
    const { header } = message;
    if ((header as JsonObject).run_id == null) {
      // The Python commanders would take it again and again, without end (W5).
      const name = (message.command as JsonObject).name ?? null;
      this.#desk.alert("unanswerable_command", "low", { name, reason: "it has no run_id" });
      return;
    }
    const { js, payloadMax, seal, time } = this.#desk;
    const subject = responseSubject(this.#desk.id, "immediate");
    const { text } = writeAnswer(message, response, time.now(), payloadMax);
    const payload = seal.close(subject, text);
    this.#let(
      insisting(this.#desk, this.#over.signal, async () => {
        await js.publish(subject, payload, { messageId: auditId });
      }),
    );
  }

  #drop(reason: string): readonly Directive[] {
    this.#desk.alert("malformed_command", "high", { reason });
    return [{ type: "malformed", reason }];
  }

  /** Lets it go on by itself; what fails in it has been tried long enough. */
  #let(going: Promise<void>): void {
    const watched = going
      .catch((cause) => {
        this.#desk.alert("unanswered_command", "high", { reason: messageOf(cause) });
      })
      .finally(() => this.#answering.delete(watched));
    this.#answering.add(watched);
  }

  #remember(auditId: AuditId): void {
    this.#obeyed.add(auditId);
    const [oldest] = this.#obeyed;
    if (this.#obeyed.size > REMEMBERED_MAX && oldest !== undefined) this.#obeyed.delete(oldest);
  }
}

interface Asked {
  readonly arrival: Arrival;
  readonly command: Command;
  readonly intake: Intake;
}

/** How long the end waits for answers, in milliseconds. */
const CLOSE_WITHIN_MS = 2_000;

function isImmediate(name: string): name is ImmediateName {
  return (IMMEDIATE_NAMES as readonly string[]).includes(name);
}
