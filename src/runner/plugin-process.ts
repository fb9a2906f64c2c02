/**
 * One life of the plugin's child process: it loads, it runs assignments, it ends. Whatever runs
 * in it when it ends rejects with the reason.
 */
import type { Assignment, AuditId, Result } from "../core/assignment.ts";
import { messageOf, ServantError, toServantError } from "../core/errors.ts";
import type { AgentEvent } from "../core/events.ts";
import type { OrchestratorCall } from "../core/handlers.ts";
import { FromChildFrame } from "./frame-schemas.ts";
import type { FromChild, Loaded, ToChild } from "./frames.ts";
import { readLines } from "./lines.ts";
import { toLogLine } from "./output.ts";

export interface ProcessOptions {
  /** The program and arguments that start a child. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly call: OrchestratorCall;
  readonly publish: (event: AgentEvent) => void;
  /** `LOAD_TIMEOUT_MS` unless given. */
  readonly loadTimeoutMs?: number;
}

/** How long a plugin may take to import, construct and register. */
export const LOAD_TIMEOUT_MS = 60_000;
/** How long the output of an ended child is still read. */
const OUTPUT_GRACE_MS = 1_000;
/** How long a child that closed its channel may take to end. */
const DISCONNECT_GRACE_MS = 1_000;
/** In how many steps an answer is waited for. */
const ANSWER_STEPS = 10;
/** How much of a frame that cannot be read is told, in characters. */
const UNKNOWN_FRAME_MAX_CHARS = 200;

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

interface Running {
  readonly assignment: Assignment;
  resolve(result: Result): void;
  reject(error: ServantError): void;
}

export class PluginProcess {
  /** Rejects with the plugin's own load error, or when the child dies before it is ready. */
  readonly loaded: Promise<Loaded>;
  /** Resolves when the process is gone and what ran in it is settled. */
  readonly exited: Promise<void>;
  /** Resolves when its output is read as well. */
  readonly #ended: Promise<void>;
  readonly #child: Child;
  readonly #options: ProcessOptions;
  readonly #running = new Map<number, Running>();
  readonly #load = Promise.withResolvers<Loaded>();
  readonly #loadTimer: Timer;
  #count = 0;
  #isReady = false;
  /** The channel to the child. */
  #isOpen = true;
  #isExited = false;
  /** Why the agent itself ended it; `only` when that concerns one assignment of several. */
  #killed: { readonly reason: ServantError; readonly only?: Assignment } | undefined;
  #pong: (() => void) | undefined;

  /** @throws {ServantError} `plugin.load-failed` when no process can be started */
  constructor(options: ProcessOptions) {
    this.#options = options;
    this.loaded = this.#load.promise;
    this.loaded.catch(() => {}); // whoever needs it awaits it; nobody may need it yet
    this.#child = this.#spawn();
    const outputs = [
      readLines(this.#child.stdout, (line) => this.#print(line, "info")),
      readLines(this.#child.stderr, (line) => this.#print(line, "warn")),
    ];
    this.exited = this.#child.exited.then(() => this.#exit());
    this.#ended = this.exited.then(async () => {
      await Promise.race([Promise.allSettled(outputs), Bun.sleep(OUTPUT_GRACE_MS)]);
    });
    const limitMs = options.loadTimeoutMs ?? LOAD_TIMEOUT_MS;
    const late = `Cannot load the plugin: it is not ready after ${limitMs / 1000} s`;
    this.#loadTimer = setTimeout(
      () => this.kill(new ServantError("plugin.load-failed", late)),
      limitMs,
    );
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** It has ended or is being ended: it takes nothing more. */
  get isDoomed(): boolean {
    return this.#isExited || !this.#isOpen || this.#killed !== undefined;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Runs it in the child; `signal` is passed on to the handler's own. */
  run(assignment: Assignment, signal: AbortSignal): Promise<Result> {
    this.#count += 1;
    const id = this.#count;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#running.set(id, { assignment, resolve, reject });
    const abort = () => {
      const { code, message: reason } = toServantError(signal.reason);
      this.#send({ type: "abort", id, code, reason });
    };
    this.#send({ type: "run", id, assignment });
    if (this.#isExited) this.#rejectAll(); // it died while the caller waited for its turn
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", abort));
  }

  /** Resolves to whether the child's event loop answered within `ms`, or the child ended. */
  async answersWithin(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#pong = () => resolve(true);
    void this.exited.then(() => resolve(true));
    this.#send({ type: "ping" });
    // In steps: an agent that itself stood still (stopped, suspended) finds one step over, and
    // reads the answer that waits for it before it judges.
    let answered = false;
    for (let step = 0; step < ANSWER_STEPS && !answered; step += 1) {
      const next = Promise.withResolvers<boolean>();
      const timer = setTimeout(next.resolve, ms / ANSWER_STEPS, false);
      answered = await Promise.race([promise, next.promise]);
      clearTimeout(timer);
    }
    return answered;
  }

  /**
   * Ends the whole process group at once. What runs rejects with `reason`; when that concerns
   * `only` one assignment, the others learn that their process ended.
   */
  kill(reason: ServantError, only?: Assignment): void {
    this.#killed ??= { reason, ...(only === undefined ? {} : { only }) };
    this.#killGroup();
  }

  /** Lets the child go: it ends when its channel closes, or is killed after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#killed ??= {
      reason: new ServantError("agent.draining", "Cannot go on: the agent stops"),
    };
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#child.disconnect();
    }
    const timer = setTimeout(() => this.#killGroup(), graceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #spawn(): Child {
    const { command, env } = this.#options;
    try {
      return Bun.spawn([...command], {
        env: { ...env },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        detached: true, // its own process group: Ctrl-C on a terminal reaches only the agent
        serialization: "json",
        ipc: (frame: unknown) => this.#receive(frame),
        onDisconnect: () => this.#disconnected(),
      });
    } catch (cause) {
      throw new ServantError(
        "plugin.load-failed",
        `Cannot start the plugin's process: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  #receive(raw: unknown): void {
    const parsed = FromChildFrame.safeParse(raw);
    if (parsed.success) this.#take(parsed.data);
    else this.#doubt(parsed.error.message);
  }

  #take(frame: FromChild): void {
    switch (frame.type) {
      case "ready":
        this.#isReady = true;
        clearTimeout(this.#loadTimer);
        this.#load.resolve(frame);
        break;
      case "broken":
        if (this.#isReady) this.#doubt("it is loaded and says that it cannot load");
        else this.kill(new ServantError(frame.code, frame.message));
        break;
      case "result": {
        const { auditId } = frame.result;
        if (this.#running.get(frame.id)?.assignment.auditId === auditId) {
          this.#settle(frame.id, (running) => running.resolve(frame.result));
        } else this.#doubt(`a result of nothing that runs, "${auditId}"`);
        break;
      }
      case "progress": {
        const { fraction, message } = frame;
        const auditId = this.#running.get(frame.id)?.assignment.auditId;
        if (auditId === undefined) break;
        this.#options.publish({ type: "assignment.progress", auditId, fraction, message });
        break;
      }
      case "call":
        void this.#answer(frame);
        break;
      case "pong":
        this.#pong?.();
    }
  }

  /** A frame that our own side of the child never sends: the plugin wrote it. */
  #doubt(problem: string): void {
    const text = problem.replace(/\s+/g, " ").slice(0, UNKNOWN_FRAME_MAX_CHARS);
    this.#print(`the plugin sent an unknown frame: ${text}`, "warn");
  }

  async #answer({ id, method, args }: Extract<FromChild, { type: "call" }>): Promise<void> {
    try {
      this.#send({ type: "answer", id, value: await this.#options.call(method, args) });
    } catch (cause) {
      const { code, message } = toServantError(cause);
      this.#send({ type: "refusal", id, code, message });
    }
  }

  #settle(id: number, how: (running: Running) => void): void {
    const running = this.#running.get(id);
    this.#running.delete(id);
    if (running !== undefined) how(running);
  }

  #send(frame: ToChild): void {
    if (this.#isOpen) this.#child.send(frame);
  }

  #disconnected(): void {
    this.#isOpen = false;
    if (this.#killed !== undefined) return;
    // Usually it is ending. One that lives on can neither be asked nor answer.
    const timer = setTimeout(() => this.#killGroup(), DISCONNECT_GRACE_MS);
    void this.exited.then(() => clearTimeout(timer));
  }

  #exit(): void {
    this.#killGroup(); // grandchildren must not act on without their handler
    this.#isExited = true;
    this.#isOpen = false;
    clearTimeout(this.#loadTimer);
    const { pid } = this.#child;
    const reason = this.#reason();
    const isTold = this.#killed?.reason.code === "agent.draining" || !this.#isReady;
    if (!isTold) this.#options.publish({ type: "child.ended", pid, reason });
    this.#load.reject(
      this.#killed?.reason ??
        new ServantError("plugin.load-failed", `Cannot load the plugin: ${reason}`),
    );
    this.#rejectAll();
  }

  #reason(): string {
    const { exitCode, signalCode } = this.#child;
    const how = signalCode === null ? `exit code ${exitCode}` : `signal ${signalCode}`;
    return this.#killed?.reason.message ?? `its process ended with ${how}`;
  }

  #rejectAll(): void {
    const { reason, only } = this.#killed ?? {};
    for (const id of [...this.#running.keys()]) {
      this.#settle(id, ({ assignment, reject }) => {
        if (reason !== undefined && (only ?? assignment) === assignment) return reject(reason);
        const what = assignment.kind === "action" ? assignment.transition : assignment.kind;
        const crash = `Cannot finish "${what}": ${this.#reason()}`;
        reject(new ServantError("handler.crashed", crash));
      });
    }
  }

  #print(line: string, level: "info" | "warn"): void {
    this.#options.publish({ type: "plugin.log", ...toLogLine(line, level, this.#onlyOne()) });
  }

  /** Raw output belongs to the one assignment that runs; with several, to none of them. */
  #onlyOne(): AuditId | undefined {
    const [only, ...others] = this.#running.values();
    return others.length === 0 ? only?.assignment.auditId : undefined;
  }

  #killGroup(): void {
    if (this.#isExited) return; // its number may by now be another's
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch (cause) {
      // ESRCH: nobody is left. EPERM: whoever is left now runs as another user.
      const { code } = cause as { code?: unknown };
      if (code !== "ESRCH" && code !== "EPERM") throw cause;
    }
  }
}
