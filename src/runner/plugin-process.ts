/**
 * One life of the plugin's child process: it loads, it runs assignments, it ends. Whatever runs
 * in it when it ends rejects with the reason.
 */
import type { Assignment, AuditId, Result } from "../core/assignment.ts";
import { type ErrorCode, ServantError, toServantError } from "../core/errors.ts";
import type { AgentEvent } from "../core/events.ts";
import type { LogLine, OrchestratorCall } from "../core/handlers.ts";
import type { Offer } from "../core/ports.ts";
import { FromChild, LOG_MARK, LogFrame, type ToChild } from "./frames.ts";
import { readLines } from "./lines.ts";

export interface ProcessOptions {
  /** The program and arguments that start a child. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly call: OrchestratorCall;
  readonly publish: (event: AgentEvent) => void;
}

interface Running {
  readonly assignment: Assignment;
  resolve(result: Result): void;
  reject(error: ServantError): void;
}

export interface Loaded {
  readonly offer: Offer;
  /** Milliseconds by transition. */
  readonly timeouts: Readonly<Record<string, number>>;
}

export class PluginProcess {
  /** Rejects with the plugin's own load error, or when the child dies before it is ready. */
  readonly loaded: Promise<Loaded>;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #options: ProcessOptions;
  readonly #running = new Map<number, Running>();
  readonly #load = Promise.withResolvers<Loaded>();
  #count = 0;
  /** The channel to the child. */
  #isOpen = true;
  #isEnded = false;
  /** Why the agent itself ended it. */
  #killedFor: ServantError | undefined;
  #pong: (() => void) | undefined;

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.loaded = this.#load.promise;
    this.loaded.catch(() => {}); // whoever needs it awaits it; nobody may need it yet
    this.#child = Bun.spawn([...options.command], {
      env: { ...options.env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true, // its own process group: Ctrl-C on a terminal reaches only the agent
      serialization: "json",
      ipc: (frame: unknown) => this.#receive(frame),
      onDisconnect: () => {
        this.#isOpen = false;
      },
    });
    const outputs = [
      readLines(this.#child.stdout, (line) => this.#print(line, "info")),
      readLines(this.#child.stderr, (line) => this.#print(line, "warn")),
    ];
    this.ended = this.#child.exited.then(async () => {
      this.#end();
      await Promise.race([Promise.all(outputs), Bun.sleep(OUTPUT_GRACE_MS)]);
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isEnded(): boolean {
    return this.#isEnded;
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
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", abort));
  }

  /** Resolves to whether the child's event loop answered within `ms`. */
  async answersWithin(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, ms, false);
    this.#pong = () => resolve(true);
    this.#send({ type: "ping" });
    const answered = await Promise.race([promise, this.ended.then(() => true)]);
    clearTimeout(timer);
    return answered;
  }

  /** Ends the whole process group at once; what runs rejects with `reason`. */
  kill(reason: ServantError): void {
    this.#killedFor ??= reason;
    this.#signalGroup("SIGKILL");
  }

  /** Lets the child go: it ends when its channel closes, or is killed after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#killedFor ??= new ServantError("agent.draining", "Cannot go on: the agent stops");
    if (this.#isOpen) this.#child.disconnect();
    const timer = setTimeout(() => this.#signalGroup("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
    this.#signalGroup("SIGKILL"); // whatever the plugin started and left behind
  }

  #receive(raw: unknown): void {
    const parsed = FromChild.safeParse(raw);
    if (!parsed.success) {
      this.#print(`the plugin sent an unknown frame: ${parsed.error.message}`, "warn");
      return;
    }
    const frame = parsed.data;
    switch (frame.type) {
      case "ready":
        this.#load.resolve(frame);
        break;
      case "broken":
        this.#killedFor ??= new ServantError(frame.code, frame.message);
        this.#load.reject(this.#killedFor);
        break;
      case "result":
        this.#settle(frame.id, (running) => running.resolve(frame.result));
        break;
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

  #end(): void {
    this.#isEnded = true;
    this.#isOpen = false;
    const { exitCode, signalCode, pid } = this.#child;
    const how = signalCode === null ? `exit code ${exitCode}` : `signal ${signalCode}`;
    const reason = this.#killedFor?.message ?? `its process ended with ${how}`;
    const code: ErrorCode = this.#killedFor?.code ?? "handler.crashed";
    if (code !== "agent.draining") this.#options.publish({ type: "child.ended", pid, reason });
    this.#load.reject(
      this.#killedFor ??
        new ServantError("plugin.load-failed", `Cannot load the plugin: ${reason}`),
    );
    for (const id of [...this.#running.keys()]) {
      this.#settle(id, ({ assignment, reject }) => {
        const what = assignment.kind === "action" ? assignment.transition : assignment.kind;
        reject(this.#killedFor ?? new ServantError(code, `Cannot finish "${what}": ${reason}`));
      });
    }
    this.#signalGroup("SIGKILL"); // grandchildren must not act on without their handler
  }

  #print(line: string, level: "info" | "warn"): void {
    this.#options.publish({ type: "plugin.log", ...this.#logLine(line, level) });
  }

  #logLine(line: string, level: "info" | "warn"): LogLine {
    if (line.startsWith(LOG_MARK)) {
      const frame = LogFrame.safeParse(parseJson(line.slice(LOG_MARK.length)));
      if (frame.success) return frame.data;
    }
    return { level, message: line, fields: {}, ...this.#onlyOne() };
  }

  /** Raw output belongs to the one assignment that runs; with several, to none of them. */
  #onlyOne(): { auditId?: AuditId } {
    const [only, ...others] = this.#running.values();
    return only !== undefined && others.length === 0 ? { auditId: only.assignment.auditId } : {};
  }

  #signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#child.pid, signal);
    } catch (cause) {
      if ((cause as { code?: unknown }).code !== "ESRCH") throw cause; // ESRCH: nobody is left
    }
  }
}

/** How long the output of an ended child is still read, in milliseconds. */
const OUTPUT_GRACE_MS = 1_000;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a plugin may print the mark too: then it is ordinary output
  }
}
