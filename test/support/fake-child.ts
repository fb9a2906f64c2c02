/** Children of a supervisor that say and do what the test says. */
import { Supervisor, type SupervisorOptions } from "../../src/agent/supervisor.ts";
import { type AuditId, emptyResult } from "../../src/core/assignment.ts";
import type {
  Child,
  ChildOrder,
  ChildReport,
  ChildWork,
  Loaded,
  SpawnChild,
} from "../../src/core/child.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import type { ActionRules } from "../../src/core/handlers.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { domain } from "../../src/core/vocabulary.ts";
import { FakeClock } from "./fake-clock.ts";
import { action, belief } from "./fake-ports.ts";
import { MemoryDisk, MemoryJournal } from "./memory-journal.ts";

export class FakeChild implements Child {
  readonly pid: number;
  readonly orders: ChildOrder[] = [];
  readonly signals: string[] = [];
  isLetGo = false;
  /** The signal that ends it; "none" is for what hangs in the kernel. */
  mortality: "SIGTERM" | "SIGKILL" | "none" = "SIGTERM";
  /** Pings are answered at once while true. */
  isAwake = true;
  /** Its output comes through to the end. */
  isHeardOut = true;
  hasEnded = false;
  readonly #hear: (report: ChildReport) => void;
  #started = 0;

  constructor(pid: number, hear: (report: ChildReport) => void) {
    this.pid = pid;
    this.#hear = hear;
  }

  tell(order: ChildOrder): void {
    this.orders.push(order);
    if (order.type === "close" && this.mortality === "SIGTERM") this.end("exit code 0");
    if (order.type === "ping" && this.isAwake) this.say({ type: "pong", started: this.#started });
  }

  signal(name: "SIGTERM" | "SIGKILL"): void {
    this.signals.push(name);
    if (name === this.mortality || (name === "SIGKILL" && this.mortality === "SIGTERM")) {
      this.end(`signal ${name}`);
    }
  }

  letGo(): void {
    this.isLetGo = true;
    if (this.mortality === "SIGTERM") this.end("exit code 0");
  }

  say(report: ChildReport): void {
    this.#hear(report);
  }

  /** The work it was given, oldest first. */
  work(): (ChildWork & { id: number })[] {
    return this.orders.filter((order): order is ChildWork & { id: number } =>
      ["run", "reconcile", "safe", "hook"].includes(order.type),
    );
  }

  /** Says that it starts the work for this audit id, or the last work of this type. */
  start(which: AuditId | string): number {
    const id = this.#find(which);
    this.#started = id;
    this.say({ type: "started", id });
    return id;
  }

  succeed(auditId: string): void {
    const result = emptyResult(auditId as AuditId, true);
    this.say({ type: "result", id: this.#find(auditId), result });
  }

  end(how = "exit code 1"): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.say({ type: "ended", how, isHeardOut: this.isHeardOut });
  }

  #find(which: string): number {
    const found = this.work().findLast(
      (each) => each.type === which || ("assignment" in each && each.assignment.auditId === which),
    );
    if (found === undefined) throw new Error(`The child was not given "${which}"`);
    return found.id;
  }
}

/** A supervisor over fake children, on a disk and a clock of the test's. */
export class Nursery {
  readonly clock = new FakeClock();
  readonly disk = new MemoryDisk();
  readonly events: AgentEvent[] = [];
  readonly children: FakeChild[] = [];
  /** What happens to a child once it is there: it loads, unless the test says otherwise. */
  onSpawn: (child: FakeChild) => void = (child) =>
    child.say({ type: "ready", loaded: this.loaded });
  loaded: Loaded = {
    offer: {
      transitions: ["move"],
      fluents: ["robot_at"],
      domainModules: [],
      vocabulary: domain("fake", {}),
      startState: [],
      startGoal: [],
    },
    rules: {},
    hasSafe: false,
    hooks: [],
    hasShutdown: false,
  };
  ledger!: Ledger;
  supervisor!: Supervisor;

  async open(options: Partial<SupervisorOptions> = {}, actedElsewhere = false): Promise<this> {
    const spawn: SpawnChild = (hear) => {
      const child = new FakeChild(100 + this.children.length, hear);
      this.children.push(child);
      queueMicrotask(() => this.onSpawn(child));
      return child;
    };
    this.supervisor = new Supervisor({
      clock: this.clock,
      publish: (event) => void this.events.push(event),
      spawn,
      hangTimeoutMs: 15_000,
      cancelGraceMs: 10_000,
      safeTimeoutMs: 10_000,
      ...options,
    });
    this.ledger = await Ledger.open(new MemoryJournal(this.disk, "http://fake"));
    await this.supervisor.open(this.ledger, actedElsewhere);
    await this.clock.advance(0);
    return this;
  }

  /** The child that was started last. */
  get child(): FakeChild {
    const child = this.children.at(-1);
    if (child === undefined) throw new Error("No child was started");
    return child;
  }

  told<T extends AgentEvent["type"]>(type: T): Extract<AgentEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<AgentEvent, { type: T }> => {
      return event.type === type;
    });
  }
}

export const never = new AbortController().signal;

/** A plugin whose action says this of itself. */
export function withRules(rules: Partial<ActionRules>): Nursery {
  const nursery = new Nursery();
  nursery.loaded = { ...nursery.loaded, rules: { move: { onInterrupted: "fail", ...rules } } };
  return nursery;
}

/** Runs it and keeps what it came to: its code, "success", or undefined while it goes on. */
export function follow(nursery: Nursery, auditId: string, signal: AbortSignal = never) {
  const assignment = auditId.startsWith("b") ? belief(auditId) : action(auditId);
  const followed: { came?: ErrorCode | "success"; message: string } = { message: "" };
  nursery.supervisor.run(assignment, signal).then(
    ({ code, message }) => Object.assign(followed, { came: code ?? "success", message }),
    ({ code, message }) => Object.assign(followed, { came: code, message }),
  );
  return followed;
}
