/** A process of the plugin, with handlers that succeed, fail, crash, hang or take their time. */
import {
  type Assignment,
  emptyResult,
  failedResult,
  type Result,
} from "../../src/core/assignment.ts";
import type { Atom } from "../../src/core/atom.ts";
import type { Child, ChildOrder, ChildReport } from "../../src/core/child.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { Reconciled } from "../../src/core/handlers.ts";
import { frozen } from "./content.ts";
import type { Fault } from "./faults.ts";
import type { Life } from "./life.ts";
import { type PluginState, rulesFor } from "./plugin.ts";
import { Process } from "./process.ts";
import type { Surroundings } from "./surroundings.ts";

/** How long the agent lets an event loop be silent, in milliseconds, and its handlers heed. */
export const HANG_TIMEOUT_MS = 15_000;
/** How long a word takes from one process to the other. */
const PIPE_MS = 0.1;

interface Acting {
  readonly assignment: Assignment;
  readonly heedsAborts: boolean;
  callOff: () => void;
}

export class SimChild implements Child {
  readonly pid: number;
  readonly process: Process;
  readonly #life: Life;
  readonly #world: Surroundings;
  readonly #plugin: PluginState;
  readonly #hear: (report: ChildReport) => void;
  readonly #acting = new Map<number, Acting>();
  /** Given and not answered, whether it has begun or not. */
  readonly #given = new Map<number, Assignment>();
  #lastStarted = 0;
  #isReady = false;
  #isDoomed = false;
  /** What it has begun was not heard by the agent. */
  #isMute = false;
  /** The first ping that it has not answered. */
  #asked: { atMs: number; stoodMs: number } | undefined;
  /** How it was when it was judged: it may go on before it is dead. */
  #silenceAtSignal: { ms: number; seenMs: number } | undefined;

  constructor(
    life: Life,
    world: Surroundings,
    plugin: PluginState,
    hear: (report: ChildReport) => void,
  ) {
    this.#life = life;
    this.#world = world;
    this.#plugin = plugin;
    this.#hear = hear;
    this.process = new Process(world.timeline);
    plugin.pids += 1;
    this.pid = plugin.pids;
    if (!life.isAlive) this.process.end(); // the dead start nothing
    life.whenOver(() => this.#die("the end of its agent"));
    this.#load();
  }

  tell(order: ChildOrder): void {
    if (order.type === "run" || order.type === "reconcile" || order.type === "safe") {
      if (!this.#life.touch(`tell child ${this.pid}: ${order.type} ${nameOf(order)}`)) return;
      this.#world.oracle.motion.told(order, {
        isReady: this.#isReady,
        isDoomed: this.#isDoomed,
        isGone: !this.process.isAlive,
      });
      if (order.type === "run") this.#give(order.id, order.assignment);
    }
    const { timeline } = this.#world;
    if (order.type === "ping") {
      this.#asked ??= { atMs: timeline.nowMs, stoodMs: this.#life.process.stoodMs };
    }
    timeline.after(PIPE_MS, () => this.process.hear(() => this.#obey(order)));
  }

  signal(name: "SIGTERM" | "SIGKILL"): void {
    if (!this.#life.touch(`${name} to child ${this.pid}`)) return;
    this.#isDoomed = true;
    this.#silenceAtSignal ??= this.#silence();
    const { faults, random, timeline } = this.#world;
    if (name === "SIGTERM" && faults.strikes("child: ignores SIGTERM")) return;
    timeline.after(random.between(0.1, 20), () => this.#die(`signal ${name}`));
  }

  letGo(): void {
    this.#isDoomed = true;
    this.process.after(this.#world.random.between(1, 100), () => this.#die("exit code 0"));
  }

  /** What is given to a dead one that was not heard out counts as begun, too. */
  #give(id: number, assignment: Assignment): void {
    this.#given.set(id, assignment);
    const isLost = !this.process.isAlive && this.#isMute && this.#life.isAlive;
    if (isLost) this.#world.oracle.motion.cutOff(assignment, false);
  }

  #load(): void {
    const { faults, random, timeline } = this.#world;
    const isBroken = timeline.nowMs < this.#plugin.brokenUntilMs;
    if (isBroken || faults.strikes("child: dies while loading")) {
      if (isBroken) faults.count("child: dies in a loop");
      this.process.after(random.between(0, 500), () => this.#die("exit code 1"));
    }
    if (faults.strikes("child: loads for ever")) return;
    this.process.after(random.between(5, 500), () => {
      this.#isReady = true;
      this.#report({ type: "ready", loaded: this.#plugin.loaded });
    });
  }

  #obey(order: ChildOrder): void {
    switch (order.type) {
      case "run":
        this.#begin(order.id, order.assignment);
        break;
      case "reconcile":
        this.#reconcile(order.id, order.assignment);
        break;
      case "safe":
        this.#makeSafe(order.id);
        break;
      case "abort":
        this.#abort(order.id, order.code, order.reason);
        break;
      case "ping":
        this.#asked = undefined;
        this.#report({ type: "pong", started: this.#lastStarted });
    }
  }

  #started(id: number): void {
    this.#lastStarted = id;
    this.#report({ type: "started", id });
  }

  #begin(id: number, assignment: Assignment): void {
    const { faults, oracle, random, trace } = this.#world;
    if (faults.strikes("child: crashes before it starts")) {
      this.#die("signal SIGSEGV");
      return;
    }
    trace(`${assignment.kind} ${assignment.auditId} begins`);
    oracle.motion.begins(assignment);
    const heedsAborts = !faults.strikes("child: ignores aborts");
    const acting: Acting = { assignment, heedsAborts, callOff: () => {} };
    this.#acting.set(id, acting);
    if (faults.strikes("child: dies before its start is heard")) {
      this.#isMute = true;
      this.process.after(random.between(0, 50), () => this.#die("signal SIGSEGV"));
      return;
    }
    this.#started(id);
    const slowMs = faults.strikes("child: is slow") ? random.between(5_000, 120_000) : 0;
    const tookMs = random.between(1, 3_000) + slowMs;
    const soonMs = random.between(0, tookMs);
    if (faults.strikes("child: crashes"))
      this.process.after(soonMs, () => this.#die("exit code 1"));
    else this.#mayBlock(assignment, soonMs);
    if (slowMs > 0) this.#tellProgress(id, tookMs);
    acting.callOff = this.process.after(tookMs, () => this.#finish(id, this.#result(assignment)));
  }

  #mayBlock(assignment: Assignment, soonMs: number): void {
    const { faults, random } = this.#world;
    const patienceMs = rulesFor(assignment)?.hangTimeoutMs ?? HANG_TIMEOUT_MS;
    if (faults.strikes("child: hangs")) {
      this.process.after(soonMs, () => this.process.stop(Number.POSITIVE_INFINITY));
    } else if (faults.strikes("child: blocks for a while")) {
      const ms = random.between(1_000, patienceMs - 1_000);
      this.process.after(soonMs, () => this.process.stop(ms));
    }
  }

  #tellProgress(id: number, ms: number): void {
    const { faults, random } = this.#world;
    if (faults.strikes("child: tells no progress")) return;
    for (let atMs = 0; atMs < ms; atMs += random.between(2_000, 10_000)) {
      const fraction = atMs / ms;
      this.process.after(atMs, () => {
        if (this.#acting.has(id)) this.#report({ type: "progress", id, fraction, message: "" });
      });
    }
  }

  #result({ auditId, kind }: Assignment): Result {
    this.#plugin.runs += 1;
    const run = this.#plugin.runs;
    const success = !this.#world.faults.strikes("child: reports failure");
    const seen = kind === "belief" ? [{ atom: `robot_at(room_${run})` as Atom, holds: true }] : [];
    return frozen({ ...emptyResult(auditId, success), telemetry: { run }, observed: seen });
  }

  /** Some stop at once and say so, some are done just then. */
  #abort(id: number, code: ErrorCode, reason: string): void {
    const acting = this.#acting.get(id);
    if (acting === undefined || !acting.heedsAborts) return;
    const { random } = this.#world;
    const { assignment } = acting;
    acting.callOff();
    acting.callOff = this.process.after(random.between(0, 500), () => {
      const isDone = random.chance(0.3);
      const stopped = frozen(failedResult(assignment.auditId, code, reason));
      this.#finish(id, isDone ? this.#result(assignment) : stopped);
    });
  }

  #finish(id: number, result: Result): void {
    const acting = this.#acting.get(id);
    if (acting === undefined) return;
    this.#acting.delete(id);
    this.#given.delete(id);
    this.#world.oracle.motion.ends(acting.assignment);
    this.#report({ type: "result", id, result });
  }

  #reconcile(id: number, assignment: Assignment): void {
    const { oracle, random } = this.#world;
    this.#ask(id, "child: cannot reconcile", () => {
      const state = random.pick<Reconciled["state"]>(["done", "not-done", "partly"]);
      oracle.motion.reconciled(assignment, state);
      this.#report({ type: "reconciled", id, reconciled: { state, message: "seen" } });
    });
  }

  #makeSafe(id: number): void {
    const { oracle, trace } = this.#world;
    this.#ask(id, "child: cannot make it safe", () => {
      trace("the machine is safe");
      oracle.motion.secured();
      this.#report({ type: "secured", id });
    });
  }

  /** Calls a method that is no handler; it too may hang, crash or fail. */
  #ask(id: number, failure: Fault, answer: () => void): void {
    const { faults, random } = this.#world;
    this.#started(id);
    if (faults.strikes("child: hangs")) this.process.stop(Number.POSITIVE_INFINITY);
    this.process.after(random.between(1, 2_000), () => {
      if (faults.strikes("child: crashes")) this.#die("exit code 1");
      else if (!faults.strikes(failure)) answer();
      else this.#report({ type: "failed", id, code: "handler.threw", message: "Cannot tell" });
    });
  }

  /** Whatever it had said before is still heard, unless it is not heard out. */
  #die(how: string): void {
    if (!this.process.isAlive) return;
    const isHeardOut = this.#life.isAlive && !this.#isMute;
    const { oracle, trace } = this.#world;
    trace(`child ${this.pid} ends with ${how}`);
    this.process.end();
    this.#plugin.present = undefined;
    const begun = [...this.#acting.values()].map(({ assignment }) => assignment);
    const cut = isHeardOut ? begun : this.#given.values();
    for (const each of cut) oracle.motion.cutOff(each, this.#isHung(each));
    this.#report({ type: "ended", how, isHeardOut });
  }

  /** For how long it has not answered, in all and while the agent was there to see it. */
  #silence(): { ms: number; seenMs: number } {
    if (this.#asked === undefined) return { ms: 0, seenMs: 0 };
    const ms = this.#world.timeline.nowMs - this.#asked.atMs;
    return { ms, seenMs: ms - (this.#life.process.stoodMs - this.#asked.stoodMs) };
  }

  #isHung(assignment: Assignment): boolean {
    const { ms, seenMs } = this.#silenceAtSignal ?? this.#silence();
    const patienceMs = rulesFor(assignment)?.hangTimeoutMs ?? HANG_TIMEOUT_MS;
    return ms > patienceMs - 1 && seenMs >= patienceMs / 2;
  }

  #report(report: ChildReport): void {
    this.#world.timeline.after(PIPE_MS, () =>
      this.#life.process.hear(() => {
        if (this.#life.isAlive) this.#hear(report);
      }),
    );
  }
}

function nameOf(order: Extract<ChildOrder, { type: "run" | "reconcile" | "safe" }>): string {
  return order.type === "safe" ? "" : order.assignment.auditId;
}
