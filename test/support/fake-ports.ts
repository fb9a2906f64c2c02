/** A servant's surroundings in memory, moved by the test: backend, runner, clock and disk. */
import { openBus } from "../../src/agent/bus.ts";
import { Servant } from "../../src/agent/servant.ts";
import {
  type Assignment,
  type AuditId,
  emptyResult,
  type Result,
} from "../../src/core/assignment.ts";
import { Bell } from "../../src/core/bell.ts";
import type { Fact } from "../../src/core/entry.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import type { ActionRules, HookName, HookOutcome, Reconciled } from "../../src/core/handlers.ts";
import { Ledger } from "../../src/core/ledger.ts";
import type { Backend, Delivery, Directive, Intake, Offer, Runner } from "../../src/core/ports.ts";
import { domain } from "../../src/core/vocabulary.ts";
import { FakeClock } from "./fake-clock.ts";
import { MemoryDisk, MemoryJournal } from "./memory-journal.ts";

export const ORIGIN = "http://fake";

export const id = (text: string) => text as AuditId;
export const action = (auditId: string, params: Record<string, string> = {}): Assignment => ({
  kind: "action",
  auditId: id(auditId),
  transition: "move",
  params,
});
export const belief = (auditId: string): Assignment => ({
  kind: "belief",
  auditId: id(auditId),
  fluent: "robot_at",
});

/** Lets all that is ready run: the fakes do everything within one turn of the event loop. */
export async function idle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}

/** Resolves when the condition holds; everything here is a few turns away or will never be. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (condition()) return;
    await new Promise(setImmediate);
  }
  throw new Error(`Never happened: ${what}`);
}

export class FakeBackend implements Backend {
  readonly origin = ORIGIN;
  registrations = 0;
  polls = 0;
  /** True for one that is polled for cancels while there is no room. */
  tellsCancels = false;
  /** True for one that moreover hands out only what there is room for. */
  heedsRoom = false;
  /** True while a poll waits for something to hand out. */
  isPolled = false;
  /** What the servant says it can take, and has. */
  intake: Intake | undefined;
  /** What each of the next registrations and polls throws. */
  readonly registerFailures: unknown[] = [];
  readonly pollFailures: unknown[] = [];
  readonly taken: Delivery[] = [];
  /** Called before a result is taken: may throw, or wait. */
  onDeliver: (delivery: Delivery, signal: AbortSignal) => unknown = () => {};
  readonly #queue: Directive[] = [];
  readonly #bell = new Bell();

  async register(): Promise<string> {
    this.registrations += 1;
    if (this.registerFailures.length > 0) throw this.registerFailures.shift();
    return `servant-${this.registrations}`;
  }

  /** As a plain one: it is asked only while there is room for either kind. */
  async *directives(intake: Intake, signal: AbortSignal): AsyncIterable<Directive> {
    this.intake = intake;
    while (!signal.aborted) {
      while (!(this.tellsCancels || (intake.actions && intake.beliefs)) && !signal.aborted) {
        await intake.changed(signal);
      }
      if (signal.aborted) return;
      this.polls += 1;
      if (this.pollFailures.length > 0) throw this.pollFailures.shift();
      this.isPolled = true;
      while (!this.#has(intake) && !signal.aborted && this.pollFailures.length === 0) {
        if (this.heedsRoom) void intake.changed(signal).then(() => this.#bell.ring());
        await this.#bell.rung(signal);
      }
      this.isPolled = false;
      if (this.pollFailures.length > 0) throw this.pollFailures.shift();
      const directive = this.#take(intake);
      if (directive !== undefined) yield directive;
    }
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    await this.onDeliver(delivery, signal);
    this.taken.push(delivery);
  }

  /** Hands out assignments in this order. */
  assign(...assignments: Assignment[]): void {
    const via = `servant-${this.registrations}`;
    this.send(...assignments.map((assignment) => ({ type: "assign" as const, assignment, via })));
  }

  send(...directives: Directive[]): void {
    this.#queue.push(...directives);
    this.#bell.ring();
  }

  /** Ends the present poll, or the next one, with a failure. */
  failPoll(cause: unknown): void {
    this.pollFailures.push(cause);
    this.#bell.ring();
  }

  #has(intake: Intake): boolean {
    return this.#queue.some((each) => this.#isTakable(each, intake));
  }

  #take(intake: Intake): Directive | undefined {
    const at = this.#queue.findIndex((each) => this.#isTakable(each, intake));
    return at < 0 ? undefined : this.#queue.splice(at, 1)[0];
  }

  #isTakable(directive: Directive, intake: Intake): boolean {
    if (!this.heedsRoom || directive.type !== "assign") return true;
    return directive.assignment.kind === "belief" ? intake.beliefs : intake.actions;
  }

  /** The answers to one audit id, or all of them. */
  results(auditId?: string): Result[] {
    const results = this.taken.map(({ result }) => result);
    return auditId === undefined ? results : results.filter((each) => each.auditId === auditId);
  }

  codes(auditId: string): (string | undefined)[] {
    return this.results(auditId).map(({ code }) => code);
  }
}

export class FakeRunner implements Runner {
  readonly offer: Offer = {
    transitions: ["move"],
    fluents: ["robot_at"],
    domainModules: [],
    vocabulary: domain("fake", {}),
    startState: [],
    startGoal: [],
  };
  readonly rules: Record<string, ActionRules> = {};
  isReady = true;
  readonly bell = new Bell();
  /** What `reconcile` answers. */
  reconciled: Reconciled = { state: "not-done", message: "" };
  isPaused = false;
  isDraining = false;
  readonly started: AuditId[] = [];
  /** The signals handed to handlers, by audit id. */
  readonly signals = new Map<AuditId, AbortSignal>();
  /** Called first in every run: checks what must hold by then. */
  onRun: (assignment: Assignment) => void = () => {};
  /** Handlers wait for `end` while true; else they succeed at once. */
  isManual = true;
  /** Handlers stop when they are told to. */
  heedsAbort = true;
  readonly #running = new Map<AuditId, PromiseWithResolvers<Result>>();

  async run(assignment: Assignment, signal: AbortSignal): Promise<Result> {
    const { auditId } = assignment;
    this.onRun(assignment);
    this.started.push(auditId);
    this.signals.set(auditId, signal);
    if (!this.isManual) return emptyResult(auditId, true);
    const ending = Promise.withResolvers<Result>();
    this.#running.set(auditId, ending);
    const abort = () => {
      if (this.heedsAbort) ending.reject(signal.reason);
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    try {
      return await ending.promise;
    } finally {
      this.#running.delete(auditId);
    }
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.bell.rung(signal);
  }

  async reconcile(): Promise<Reconciled> {
    return this.reconciled;
  }

  /** What hooks were called, and what the next ones answer. */
  readonly hooked: HookName[] = [];
  onHook: (name: HookName) => HookOutcome | Promise<HookOutcome> = () => ({ is: "done" });

  async hook(name: HookName): Promise<HookOutcome> {
    this.hooked.push(name);
    return await this.onHook(name);
  }

  setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
  }

  drain(): void {
    this.isDraining = true;
  }

  get running(): string[] {
    return [...this.#running.keys()];
  }

  /** Ends a handler; waits until it has begun. */
  async end(auditId: string, result: Partial<Result> = {}): Promise<void> {
    await until(`${auditId} runs`, () => this.#running.has(id(auditId)));
    this.#running.get(id(auditId))?.resolve({ ...emptyResult(id(auditId), true), ...result });
    await idle();
  }

  async break(auditId: string, cause: unknown): Promise<void> {
    await until(`${auditId} runs`, () => this.#running.has(id(auditId)));
    this.#running.get(id(auditId))?.reject(cause);
    await idle();
  }

  async close(): Promise<void> {}
}

/** One servant after another on one disk, before one backend. */
export class World {
  readonly clock = new FakeClock();
  readonly disk = new MemoryDisk();
  readonly backend = new FakeBackend();
  readonly events: AgentEvent[] = [];
  readonly bus = openBus();
  /** The present life's. */
  runner = new FakeRunner();
  ledger!: Ledger;
  failuresMax = 0;
  concurrency = 1;
  reregister = true;
  drainTimeoutMs = 60_000;
  servant!: Servant;
  /** The dice of the waits; a one is the whole window, less than that a part of it. */
  random: () => number = () => 1;
  stop = new AbortController();
  hurry = new AbortController();
  /** Settles as the servant does; undefined stands for success. */
  ended: Promise<unknown> = Promise.resolve();
  hasEnded = false;
  /** Every handler that started, over all lives. */
  readonly started: AuditId[] = [];

  constructor() {
    this.bus.listen((event) => this.events.push(event));
  }

  /** A runner whose actions say this of themselves. */
  newRunner(rules: Record<string, ActionRules>): FakeRunner {
    const runner = new FakeRunner();
    Object.assign(runner.rules, rules);
    return runner;
  }

  /** Opens the ledger only. */
  async open(): Promise<Ledger> {
    this.ledger = await Ledger.open(new MemoryJournal(this.disk, ORIGIN));
    return this.ledger;
  }

  /** Starts a servant and waits until it does what it can do by itself. */
  async start(runner = new FakeRunner()): Promise<this> {
    this.runner = runner;
    this.stop = new AbortController();
    this.hurry = new AbortController();
    this.hasEnded = false;
    await this.open();
    const { bus, clock, ledger, failuresMax, random } = this;
    const backend = this.#wired();
    const check = runner.onRun;
    runner.onRun = (assignment) => {
      this.started.push(assignment.auditId);
      check(assignment);
    };
    const { concurrency, reregister, drainTimeoutMs } = this;
    const hurry = this.hurry.signal;
    const options = { concurrency, drainTimeoutMs, failuresMax, hurry, reregister };
    this.servant = new Servant({ backend, bus, clock, ledger, random, runner }, options);
    this.ended = this.servant
      .run(this.stop.signal)
      .then(
        () => undefined,
        (cause: unknown) => cause,
      )
      .finally(() => {
        this.hasEnded = true;
      });
    await idle();
    return this;
  }

  /** The backend as this life sees it: after a crash nothing gets through any more. */
  #wired(): Backend {
    const { backend, disk } = this;
    const { life } = disk;
    return {
      get heedsRoom() {
        return backend.heedsRoom;
      },
      origin: backend.origin,
      register: () => backend.register(),
      directives: (intake, signal) => backend.directives(intake, signal),
      deliver: (delivery, signal) =>
        disk.life === life ? backend.deliver(delivery, signal) : new Promise(() => {}),
    };
  }

  /** Ends this life without any warning; what it still does no longer counts. */
  async crash(): Promise<void> {
    this.disk.cutPower();
    this.stop.abort();
    this.hurry.abort();
    this.disk.isSlow = false;
    await idle();
  }

  /** Lets time pass, from sleeper to sleeper. */
  async pass(ms: number): Promise<void> {
    let leftMs = ms;
    await idle();
    for (;;) {
      const dueInMs = this.clock.nextDueInMs;
      if (dueInMs === undefined || dueInMs > leftMs) break;
      await this.clock.advance(dueInMs);
      leftMs -= dueInMs;
      await idle();
    }
    await this.clock.advance(leftMs);
    await idle();
  }

  /** Stops in peace; resolves to what it failed with. */
  async stopped(): Promise<unknown> {
    this.stop.abort();
    await until("the servant ends", () => this.hasEnded);
    return await this.ended;
  }

  facts(): Fact[] {
    return this.disk.facts(ORIGIN);
  }

  /** The types of an audit id's durable facts, in order. */
  story(auditId: string): string[] {
    return this.facts()
      .filter(({ key }) => key === auditId)
      .map(({ type }) => type);
  }

  told<T extends AgentEvent["type"]>(type: T): Extract<AgentEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<AgentEvent, { type: T }> => {
      return event.type === type;
    });
  }
}
