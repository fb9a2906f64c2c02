/**
 * One life of the plugin's process: it loads, works and ends. What it is given ends with an answer,
 * or with the process: then it is told whose fault that was, and what had not started is handed
 * back as if nothing had happened.
 */
import type {
  Child,
  ChildAnswer,
  ChildReport,
  ChildWork,
  Loaded,
  SpawnChild,
} from "../core/child.ts";
import { Countdown } from "../core/countdown.ts";
import { ServantError } from "../core/errors.ts";
import type { AgentEvent } from "../core/events.ts";
import type { Clock } from "../core/ports.ts";
import { TimeLimit } from "../core/time-limit.ts";
import { hangWatch } from "./hang-watch.ts";
import { isAction, isMotion, nameOf, type Task, type Terms } from "./task.ts";
import { Telling } from "./telling.ts";

/** How long a plugin may take to import, construct and register, in milliseconds. */
export const LOAD_TIMEOUT_MS = 60_000;
/** How long a process may take to end after SIGTERM, before SIGKILL: its children hear it too. */
export const TERM_GRACE_MS = 500;
/** How long it may take to end by itself once its channel is closed. */
const CLOSE_GRACE_MS = 2_000;
/** The same where it has something to put away first: as long as making the machine safe may take. */
export const SHUTDOWN_GRACE_MS = 10_000;

export interface LifeOptions {
  readonly clock: Clock;
  readonly publish: (event: AgentEvent) => void;
  readonly spawn: SpawnChild;
  /** How long its event loop may stay silent while it is busy. */
  readonly hangTimeoutMs: number;
  /** How long a handler may go on after its signal aborted. */
  readonly cancelGraceMs: number;
  /** `LOAD_TIMEOUT_MS` unless given. */
  readonly loadTimeoutMs?: number;
}

/** Why a process is ended, and by whose fault, which is asked when it is gone. */
interface Verdict {
  readonly reason: ServantError;
  readonly culprits: () => readonly Task[];
}

export class ChildLife {
  /** Rejects with the plugin's own load error, or when the process ends before it is ready. */
  readonly loaded: Promise<Loaded>;
  /** Resolves when the process is gone; what it was doing waits for `settle`. */
  readonly over: Promise<void>;
  /** Aborts at the same time. */
  readonly gone: AbortSignal;
  readonly bornAtMs: number;
  /** It has carried out an assignment: it is not one that only dies. */
  hasWorked = false;
  readonly #options: LifeOptions;
  readonly #child: Child;
  readonly #tasks = new Map<number, Task>();
  readonly #load = Promise.withResolvers<Loaded>();
  readonly #loading: Countdown;
  readonly #over = Promise.withResolvers<void>();
  readonly #gone = new AbortController();
  readonly #watch: ReturnType<typeof hangWatch>;
  readonly #telling: Telling;
  #count = 0;
  #isReady = false;
  #hasShutdown = false;
  #isClosed = false;
  #verdict: Verdict | undefined;
  #ended: Extract<ChildReport, { type: "ended" }> | undefined;

  constructor(options: LifeOptions) {
    const { clock, loadTimeoutMs = LOAD_TIMEOUT_MS } = options;
    this.#options = options;
    this.bornAtMs = clock.monotonic();
    this.over = this.#over.promise;
    this.gone = this.#gone.signal;
    this.loaded = this.#load.promise;
    this.loaded.catch(() => {}); // whoever needs it awaits it; nobody may need it yet
    const late = `Cannot load the plugin: it is not ready after ${loadTimeoutMs / 1000} s`;
    this.#loading = new Countdown(clock, loadTimeoutMs, () =>
      this.kill(new ServantError("plugin.load-failed", late)),
    );
    this.#watch = hangWatch(this, options);
    this.#telling = new Telling(options.publish);
    this.#child = options.spawn((report) => this.#hear(report));
    if (this.#isKillable) this.#loading.start();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** It is gone or about to go: it takes nothing more. */
  get isDoomed(): boolean {
    return this.#ended !== undefined || this.#verdict !== undefined || this.#isClosed;
  }

  /** What it was given and has not answered, oldest first. */
  get tasks(): readonly Task[] {
    return [...this.#tasks.values()];
  }

  /** Why the process ended. */
  get epitaph(): string {
    return this.#verdict?.reason.message ?? `its process ended with ${this.#ended?.how}`;
  }

  /**
   * Has it done. Resolves to undefined when the process ended before it had started.
   *
   * @throws {ServantError} `handler.crashed`, `handler.hung`, `handler.interrupted` (by another's
   * fault), the reason of an abort it did not heed, or what the child says it failed with
   */
  do(work: ChildWork, terms: Terms): Promise<ChildAnswer | undefined> {
    if (this.isDoomed) return Promise.resolve(undefined);
    this.#count += 1;
    const id = this.#count;
    const { promise, resolve, reject } = Promise.withResolvers<ChildAnswer | undefined>();
    const limit = this.#limit(id, work, terms);
    const { hangTimeoutMs } = terms;
    const task: Task = { id, work, limit, hangTimeoutMs, hasStarted: false, resolve, reject };
    this.#tasks.set(id, task);
    this.#child.tell({ ...work, id });
    const abort = () => {
      const { code, message: reason } = limit.signal.reason as ServantError;
      this.#child.tell({ type: "abort", id, code, reason });
    };
    if (limit.signal.aborted) abort();
    else limit.signal.addEventListener("abort", abort, { once: true });
    // Whatever blocks a child that shall make the machine safe: that time runs from here.
    if (work.type === "safe") limit.start();
    else if (this.#isKillable) this.#watch.busy();
    return promise;
  }

  /** Tells the handlers; the time limits of actions stand still meanwhile. */
  setPaused(isPaused: boolean): void {
    if (!this.isDoomed) this.#child.tell({ type: "pause", isPaused });
    for (const task of this.#tasks.values()) if (isAction(task)) task.limit.setPaused(isPaused);
  }

  /** Asks whether its event loop turns: the watch is told of the answer. */
  ping(): void {
    this.#child.tell({ type: "ping" });
  }

  /** Ends the process and its group. */
  kill(reason: ServantError, culprits: Verdict["culprits"] = () => []): void {
    if (this.isDoomed) return;
    this.#verdict = { reason, culprits };
    this.#child.signal("SIGTERM");
    void this.#killAfter(TERM_GRACE_MS);
  }

  /**
   * Lets it go: it shuts down and ends, or ends when its channel closes, or is killed. Resolves when
   * it is gone.
   */
  async close(): Promise<void> {
    const isUnderWay = this.#verdict !== undefined;
    this.#isClosed = true;
    if (this.#ended !== undefined) return;
    if (!this.#hasShutdown || isUnderWay) {
      this.#child.letGo();
      return await this.#killAfter(CLOSE_GRACE_MS);
    }
    this.#child.tell({ type: "close" });
    await this.#killAfter(SHUTDOWN_GRACE_MS, (pid) => {
      const reason = `its shutdown had not ended within ${SHUTDOWN_GRACE_MS / 1000} s: it is killed`;
      this.#options.publish({ type: "child.ended", pid, reason });
    });
  }

  /** After its end: what it cut off that may have left the machine in motion. */
  cutActions(): readonly Task[] {
    return this.tasks.filter((task) => isMotion(task) && this.#wasCut(task));
  }

  /** After its end: tells everything it was doing what became of it. */
  settle(): void {
    const culprits = this.#verdict?.culprits() ?? [];
    for (const task of this.tasks) {
      this.#tasks.delete(task.id);
      task.limit.end();
      if (this.#isClosed) {
        task.reject(new ServantError("agent.draining", "Cannot go on: the agent stops"));
      } else if (this.#wasCut(task)) task.reject(this.#fateOf(task, culprits));
      else task.resolve(undefined);
    }
  }

  get #isKillable(): boolean {
    return this.pid !== undefined;
  }

  #wasCut(task: Task): boolean {
    return task.hasStarted || this.#ended?.isHeardOut === false;
  }

  #fateOf(task: Task, culprits: readonly Task[]): ServantError {
    const what = `Cannot finish "${nameOf(task.work)}"`;
    if (this.#verdict === undefined) {
      return new ServantError("handler.crashed", `${what}: ${this.epitaph}`);
    }
    if (culprits.includes(task)) return this.#verdict.reason;
    const message = `${what}: its process was killed for another's sake: ${this.epitaph}`;
    return new ServantError("handler.interrupted", message);
  }

  #limit(id: number, work: ChildWork, { signal, limits, graceMs }: Terms): TimeLimit {
    const { clock, cancelGraceMs } = this.#options;
    const limit = { clock, name: nameOf(work), limits, signal };
    if (!this.#isKillable) return new TimeLimit(limit);
    const onIgnored = {
      graceMs: graceMs ?? cancelGraceMs,
      call: ({ code, message }: ServantError) => {
        const deaf = `${message}; it did not stop within ${onIgnored.graceMs / 1000} s`;
        this.kill(new ServantError(code, `${deaf} and was killed`), () =>
          this.tasks.filter((task) => task.id === id),
        );
      },
    };
    return new TimeLimit({ ...limit, onIgnored });
  }

  async #killAfter(graceMs: number, onLate: (pid: number) => void = () => {}): Promise<void> {
    await this.#options.clock.sleep(graceMs, this.gone);
    if (!this.gone.aborted) {
      onLate(this.pid ?? 0);
      this.#child.signal("SIGKILL");
    }
    await this.over;
  }

  #hear(report: ChildReport): void {
    switch (report.type) {
      case "ready":
        this.#isReady = true;
        this.#hasShutdown = report.loaded.hasShutdown;
        this.#loading.hold();
        this.#load.resolve(report.loaded);
        break;
      case "broken":
        if (!this.#isReady) this.kill(new ServantError(report.code, report.message));
        break;
      case "started":
        this.#started(report.id);
        break;
      case "progress":
        this.#progressed(report);
        break;
      case "event":
      case "stream":
      case "sample":
        this.#telling.hear(report);
        break;
      case "pong":
        this.#watch.answered(report.started);
        break;
      case "ended":
        this.#finish(report);
        break;
      default:
        this.#answered(report);
    }
  }

  #started(id: number): void {
    const task = this.#tasks.get(id);
    if (task === undefined) return;
    task.hasStarted = true;
    task.limit.start();
  }

  #progressed({ id, fraction, message }: Extract<ChildReport, { type: "progress" }>): void {
    const task = this.#tasks.get(id);
    if (task?.work.type !== "run") return;
    const { auditId } = task.work.assignment;
    task.limit.progressed();
    this.#options.publish({ type: "assignment.progress", auditId, fraction, message });
  }

  #answered(answer: ChildAnswer): void {
    const task = this.#tasks.get(answer.id);
    if (task === undefined) return;
    this.#tasks.delete(answer.id);
    task.limit.end();
    if (task.work.type === "run") this.hasWorked = true;
    if (answer.type === "failed") task.reject(new ServantError(answer.code, answer.message));
    else task.resolve(answer);
  }

  #finish(ended: Extract<ChildReport, { type: "ended" }>): void {
    this.#ended = ended;
    this.#telling.end();
    this.#loading.hold();
    const early = `Cannot load the plugin: ${this.epitaph}`;
    this.#load.reject(this.#verdict?.reason ?? new ServantError("plugin.load-failed", early));
    this.#gone.abort();
    this.#over.resolve();
  }
}
