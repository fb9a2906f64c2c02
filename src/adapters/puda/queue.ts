/**
 * The queue of commands: one is taken when nothing is in hand, judged, and handed to the servant with
 * what its answer needs. What is refused goes the same way, so that the journal knows it and it never
 * runs later (W1).
 */
import type { Assignment, AuditId } from "../../core/assignment.ts";
import { toServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { suggestion } from "../../core/nearest.ts";
import type { Delivery, Directive, Intake, Refusal } from "../../core/ports.ts";
import { type Command, IMMEDIATE_NAMES, sameness } from "../../wire/puda.ts";
import { isBroken, readPayload } from "../../wire/puda-payload.ts";
import type { Desk } from "./desk.ts";
import { type Arrival, Puller, type PullerEvents } from "./puller.ts";
import { Repeats } from "./repeats.ts";
import type { RunBook } from "./run-book.ts";
import { admit } from "./runs.ts";
import { NAK, settle, TERM, WPI } from "./settlement.ts";

export interface QueueOptions {
  /** Commands of the first generation begin their runs by themselves. */
  readonly takesImplicitRuns: boolean;
  /** A command whose header names another machine, or no command, is refused. */
  readonly checksAddress: boolean;
  /** The same command of the same run again, published anew, is a question for its answer. */
  readonly answersRepeats: boolean;
  /** What had waited longer when the machine came is refused, in milliseconds. */
  readonly commandMaxAgeMs: number;
}

/** So many refusals are on their way at once. */
const REFUSALS_MAX = 16;

export class Queue {
  readonly #desk: Desk;
  readonly #book: RunBook;
  readonly #options: QueueOptions;
  readonly #puller: Puller;
  readonly #arrived: Arrival[] = [];
  readonly #repeats = new Repeats();
  /** What is here and not settled: the server is told that it is being worked on. */
  readonly #held = new Map<AuditId, string>();
  readonly #refused = new Set<AuditId>();
  /** Their outcome is known, and whoever asked may not know it yet. */
  readonly #unsettled = new Set<AuditId>();
  /** By the server's clock: what had waited until then. */
  #openedAtMs = 0;
  #names: ReadonlySet<string> = new Set();

  /** `ring`: something may be taken, or asked for again. */
  constructor(
    desk: Desk,
    book: RunBook,
    options: QueueOptions,
    events: Pick<PullerEvents, "broken"> & { ring(): void },
  ) {
    this.#desk = desk;
    this.#book = book;
    this.#options = options;
    this.#puller = new Puller(desk, "queue", {
      broken: events.broken,
      free: events.ring,
      arrived: (arrival) => {
        this.#arrived.push(arrival);
        this.#held.set(arrival.auditId, arrival.ack);
        events.ring();
      },
    });
  }

  /** `atMs`: since when the machine is here, by the server's clock. */
  open(names: readonly string[], atMs: number): void {
    this.#names = new Set(names);
    this.#openedAtMs = atMs;
  }

  /** Another run: what was asked in the last one says nothing any more. */
  forgetRepeats(): void {
    this.#repeats.clear();
  }

  /** Asks for the next one if there is room for it, be it to refuse it. */
  pull(intake: Intake): void {
    const { running } = this.#book;
    if (this.#arrived.length > 0 || this.#refused.size >= REFUSALS_MAX) return;
    const isWanted = running === undefined ? intake.actions || intake.paused : running.isCancelled;
    if (isWanted) this.#puller.pull();
  }

  /** What has arrived, judged by how things are now. */
  next(intake: Intake): Directive | undefined {
    if (this.#book.isBusy && this.#book.running?.isCancelled !== true) return undefined;
    const arrival = this.#arrived.shift();
    const directive = arrival && this.#judge(arrival, intake);
    // The servant would take it for one whose answer is on its way already, and it is another asking.
    if (arrival !== undefined && directive === undefined) this.#arrived.unshift(arrival);
    return directive;
  }

  /** Tells the server that what is here is being worked on. */
  keepAlive(): void {
    for (const ack of this.#held.values()) this.#desk.link.publish(ack, WPI);
  }

  /** The outcome is known, and on its way. */
  outcome({ result }: Delivery): void {
    const { auditId, success } = result;
    this.#unsettled.add(auditId);
    this.#book.end(auditId, success);
  }

  settled({ result }: Delivery): void {
    const { auditId } = result;
    this.#held.delete(auditId);
    this.#refused.delete(auditId);
    this.#unsettled.delete(auditId);
    this.#book.end(auditId, result.success);
  }

  /** What is here and was not handed on goes back. */
  close(): void {
    this.#puller.close();
    for (const { ack, auditId } of this.#arrived.splice(0)) {
      this.#desk.link.publish(ack, NAK);
      this.#held.delete(auditId);
    }
  }

  /** Undefined when it has to wait for an answer that is on its way. */
  #judge(arrival: Arrival, intake: Intake): Directive | undefined {
    const { ack, auditId } = arrival;
    let payload: Uint8Array;
    try {
      payload = this.#desk.open(arrival.message);
    } catch (cause) {
      return this.#drop(arrival, toServantError(cause).message);
    }
    const read = readPayload(payload, this.#desk.id);
    if (isBroken(read)) {
      const { message, problem } = read;
      if (message === undefined) return this.#drop(arrival, problem);
      const code = "assignment.malformed";
      return this.#hand({ kind: "invalid", auditId, code, problem }, { ack, id: auditId, message });
    }
    // Its answer would be taken again and again by the Python commanders, without end (W5).
    if (read.runId === null) return this.#drop(arrival, "Command requires run_id");
    return this.#judgeCommand(arrival, read, read.runId, intake);
  }

  #judgeCommand(
    arrival: Arrival,
    command: Command,
    runId: string,
    intake: Intake,
  ): Directive | undefined {
    const { ack, auditId: id } = arrival;
    const same = sameness(command);
    const earlier = this.#options.answersRepeats
      ? this.#repeats.find(same, arrival.storedAtMs)
      : undefined;
    const auditId = earlier ?? id;
    if (this.#unsettled.has(auditId)) return undefined;
    if (earlier !== undefined) this.#hold(earlier, arrival);
    const { name: transition, params, message } = command;
    const assignment: Assignment = { kind: "action", auditId, transition, params };
    const reply = { ack, id, message: echoOf(message) };
    const refusal = this.#refusal(arrival, command, runId, intake);
    if (refusal !== undefined) return this.#hand(assignment, reply, refusal);
    this.#repeats.add(same, auditId, arrival.storedAtMs);
    this.#book.begin(auditId, runId);
    return this.#hand(assignment, reply);
  }

  /** Why it must not run now; in the peers' own order. */
  #refusal(
    { storedAtMs }: Arrival,
    command: Command,
    runId: string,
    { paused }: Intake,
  ): Refusal | undefined {
    const { checksAddress, commandMaxAgeMs, takesImplicitRuns } = this.#options;
    const { isFirstGeneration, mismatch, name } = command;
    if (mismatch !== undefined && checksAddress) {
      this.#desk.alert("misaddressed_command", "high", { name, reason: mismatch });
      return { code: "assignment.misaddressed", problem: `Cannot run it: ${mismatch}` };
    }
    if (storedAtMs < this.#openedAtMs - commandMaxAgeMs) {
      const problem = "Cannot run it: it had waited too long when the machine came";
      return { code: "assignment.stale", problem };
    }
    if (paused) return { code: "machine.paused", problem: "Machine paused" };
    if (this.#book.isBusy) {
      const problem = "Cannot run it: what was cancelled has not stopped yet";
      return { code: "machine.locked", problem };
    }
    const asked = { runId, isFirstGeneration };
    const step = admit(this.#book.runs, asked, this.#book.isBusy, takesImplicitRuns);
    if ("refused" in step) return step.refused;
    this.#book.turn(step.runs);
    if (this.#names.has(name)) return undefined;
    this.#book.fail(runId);
    return { code: "assignment.unknown", problem: `Unknown command: ${name}${this.#advice(name)}` };
  }

  #advice(name: string): string {
    const actsAtOnce = (IMMEDIATE_NAMES as readonly string[]).includes(name.toLowerCase());
    return actsAtOnce ? "; it is an immediate one" : suggestion(name, this.#names);
  }

  #hand(assignment: Assignment, reply: JsonObject, refusal?: Refusal): Directive {
    const isRefused = refusal !== undefined || assignment.kind === "invalid";
    if (isRefused) this.#refused.add(assignment.auditId);
    const more = refusal === undefined ? {} : { refusal };
    return { type: "assign", assignment, via: this.#desk.id, reply, ...more };
  }

  /** The earlier one's answer settles this one too: it goes by its name from now on. */
  #hold(auditId: AuditId, { ack, auditId: id }: Arrival): void {
    this.#held.delete(id);
    this.#held.set(auditId, ack);
  }

  /** Nobody can be answered: it is settled, and told to whoever listens. */
  #drop({ ack, auditId }: Arrival, reason: string): Directive {
    this.#desk.alert("malformed_command", "high", { reason, audit_id: auditId });
    const { signal } = new AbortController();
    void settle(this.#desk, ack, TERM, signal)
      .catch(() => {}) // it comes again, and is dropped again
      .finally(() => this.#held.delete(auditId));
    return { type: "malformed", reason };
  }
}

/** What an answer echoes; a response in it, or what else the sender put there, is let go. */
function echoOf({ header = {}, command = {} }: JsonObject): JsonObject {
  return { header, command };
}
