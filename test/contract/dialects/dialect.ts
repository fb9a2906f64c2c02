/**
 * What the suite of the `Backend` port needs to know of a dialect: how to open its adapter, and the
 * other side, moved by the test. What a dialect has no words for is absent here, and `cannot` says
 * why: docs/dialects.md tells the same.
 */
import { emptyResult, failedResult, type Result } from "../../../src/core/assignment.ts";
import { keyOf } from "../../../src/core/entry.ts";
import { ServantError, toServantError } from "../../../src/core/errors.ts";
import type { Json, JsonObject } from "../../../src/core/json.ts";
import type { Backend, Delivery, Directive, Offer } from "../../../src/core/ports.ts";
import { domain } from "../../../src/core/vocabulary.ts";
import { TestIntake } from "../../support/test-intake.ts";

/** What not every dialect can do. */
export type Ability =
  | "belief"
  | "cancel"
  | "details"
  | "drain"
  | "forget"
  | "json"
  | "link"
  | "pause"
  | "refuse"
  | "repeat"
  | "unreadable";

export interface Dialect {
  readonly name: string;
  /** Why not, by what it cannot do. */
  readonly cannot: Readonly<Partial<Record<Ability, string>>>;
  /** The file name of the module beside this one whose `adapterTo(port)` opens the adapter alone. */
  readonly module: string;
  /** The other side makes one of a result that is sent twice. */
  readonly takesOnce: boolean;
  /** The other side, with nobody connected. */
  start(): Promise<Peer>;
}

/** What the other side learnt of one assignment. */
export interface Answer {
  readonly success: boolean;
  readonly message: string;
  readonly telemetry: Json;
}

/** What answers are asked for by; to the other side it is what to it names an assignment. */
export type Ticket = string;

export interface Opened {
  readonly backend: Backend;
  /** Lets go of the connection, as the end of a process does. */
  close(): Promise<void>;
}

/** The wire between the two. */
export interface Wire {
  /** Breaks what stands and refuses what is new. */
  down(): Promise<void>;
  /** Lets through again. */
  up(): Promise<void>;
  /** While true, nothing that the other side says comes through. */
  isMute: boolean;
  /** Connections that stand. */
  readonly connections: number;
  /** Where on this machine the adapter finds it; undefined in memory. */
  readonly port: number | undefined;
}

export interface Peer extends AsyncDisposable {
  readonly wire: Wire;
  /** One adapter more, as a new process of the same machine opens it. */
  open(): Promise<Opened>;
  /** Hands out the action "move" once somebody takes it. */
  assign(params?: JsonObject): Promise<Ticket>;
  /** What came of it so far, oldest first: more than one when it was told more than once. */
  answers(ticket: Ticket): Promise<readonly Answer[]>;
  /** Hands out the same once more, as one does who does not know that it arrived. */
  repeat?(ticket: Ticket): Promise<void>;
  /** Something like an assignment that nobody can read; and what hides that it is one at all. */
  sendUnreadable?(): Promise<void>;
  sendNonsense?(): Promise<void>;
  /** Asks what "robot_at" holds of. */
  ask?(): Promise<void>;
  cancel?(ticket: Ticket): Promise<void>;
  pause?(): Promise<void>;
  resume?(): Promise<void>;
  /** Knows the present registration no more. */
  forget?(): void;
  /** Takes no result: the next one, for ever or for now. */
  refuse?(kind: "permanent" | "transient"): void;
}

export const offer: Offer = {
  transitions: ["move"],
  fluents: ["robot_at"],
  domainModules: [],
  vocabulary: domain("contract", {}),
  startState: [],
  startGoal: [],
};

/** How long what must happen may take on a busy machine, in milliseconds. */
const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 5;
/** Between a failure and the next try; the servant's own waits are longer. */
const RETRY_MS = 20;

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const lateAt = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > lateAt) throw new Error(`Never happened: ${what}`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

export type Assign = Extract<Directive, { type: "assign" }>;

/** Registers and follows the directives over failures, as the servant does, and keeps them. */
export class Follower {
  readonly intake = new TestIntake();
  readonly seen: Directive[] = [];
  readonly failures: ServantError[] = [];
  readonly backend: Backend;
  /** The name of its registration. */
  via = "";
  readonly #stop = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  async register(): Promise<this> {
    const { signal } = new AbortController();
    await until("it registers", async () => {
      try {
        this.via = await this.backend.register(offer, signal);
        return true;
      } catch (cause) {
        if (toServantError(cause).kind !== "transient") throw cause;
        return false;
      }
    });
    return this;
  }

  follow(): this {
    this.#ended = this.#follow(this.#stop.signal);
    return this;
  }

  /** The `nth` assignment that came, from 1; waits for it. */
  async assigned(nth = 1): Promise<Assign> {
    const all = () => this.seen.filter((each) => each.type === "assign");
    await until(`assignment ${nth}`, () => all().length >= nth);
    const found = all()[nth - 1];
    if (found === undefined) throw new Error("it went away");
    return found;
  }

  async told<T extends Directive["type"]>(type: T): Promise<Extract<Directive, { type: T }>> {
    const find = () => this.seen.find((each) => each.type === type);
    await until(`a directive "${type}"`, () => find() !== undefined);
    return find() as Extract<Directive, { type: T }>;
  }

  /** Ends the directives; resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new ServantError("agent.draining", "Cannot go on: the test is over"));
    await this.#ended;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const each of this.backend.directives(this.intake, signal)) {
          if (each.type !== "idle") this.seen.push(each);
          this.#obey(each);
          if (signal.aborted) return;
        }
      } catch (cause) {
        if (signal.aborted) return;
        this.failures.push(toServantError(cause));
        if (toServantError(cause).kind !== "transient") return;
        await Bun.sleep(RETRY_MS);
      }
    }
  }

  #obey(directive: Directive): void {
    if (directive.type === "assign") this.#answerRefused(directive);
    if (directive.type === "pause") this.intake.pause(true);
    if (directive.type === "resume") this.intake.pause(false);
    if (directive.type === "hook") directive.settle({ is: "absent" });
  }

  /** It never runs; the dispatcher answers it at once, too. */
  #answerRefused(directive: Assign): void {
    const { assignment, refusal = assignment } = directive;
    if (!("problem" in refusal)) return;
    const { code, problem } = refusal;
    const delivery = deliveryOf(directive, failedResult(assignment.auditId, code, problem));
    this.backend.deliver(delivery, this.#stop.signal).catch((cause) => {
      this.failures.push(toServantError(cause));
    });
  }
}

/** What the dispatcher and the outbox would make of an outcome. */
export function deliveryOf(
  { assignment, via, reply }: Assign,
  more: Partial<Result> = {},
): Delivery {
  const { auditId, kind } = assignment;
  const result = { ...emptyResult(auditId, true), ...more };
  return { key: keyOf(auditId), kind, via, result, ...(reply === undefined ? {} : { reply }) };
}
