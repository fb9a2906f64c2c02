/**
 * The real child: a process of its own, orders and reports over its IPC channel, starts and log
 * lines over its output. When and why it is ended is the supervisor's to say.
 */
import type { AuditId } from "../core/assignment.ts";
import type { Child, ChildAnswer, ChildReport, ChildWork, SpawnChild } from "../core/child.ts";
import { messageOf, toServantError } from "../core/errors.ts";
import type { AgentEvent } from "../core/events.ts";
import type { OrchestratorCall } from "../core/handlers.ts";
import { FromChildFrame } from "./frame-schemas.ts";
import { type FromChild, TELL_MARK, type ToChild } from "./frames.ts";
import { Quotas } from "./line-quota.ts";
import { readLines } from "./lines.ts";
import { toLogLine, toTelling } from "./output.ts";

export interface ProcessOptions {
  /** The program and arguments that start a child. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly call: OrchestratorCall;
  readonly publish: (event: AgentEvent) => void;
}

/** How long the output of an ended child is still read. */
const OUTPUT_GRACE_MS = 1_000;
/** How long a child that closed its channel may take to end. */
const DISCONNECT_GRACE_MS = 1_000;
/** How much of a frame that cannot be read is told, in characters. */
const UNKNOWN_FRAME_MAX_CHARS = 200;

/** Which answer belongs to which work. */
const ANSWERS = {
  run: "result",
  reconcile: "reconciled",
  safe: "secured",
  hook: "hooked",
} as const;

type Hear = (report: ChildReport) => void;
type Process = Bun.Subprocess<"ignore", "pipe", "pipe">;

/** Starts one process after another by the same command. */
export function pluginProcess(options: ProcessOptions): SpawnChild {
  return (hear) => {
    try {
      return new PluginProcess(options, hear);
    } catch (cause) {
      return stillborn(`Cannot start the plugin's process: ${messageOf(cause)}`, hear);
    }
  };
}

/** What the system did not start. */
function stillborn(message: string, hear: Hear): Child {
  queueMicrotask(() => {
    hear({ type: "broken", code: "plugin.load-failed", message });
    hear({ type: "ended", how: "nothing started", isHeardOut: true });
  });
  const nothing = () => {};
  return { tell: nothing, signal: nothing, letGo: nothing };
}

class PluginProcess implements Child {
  readonly #process: Process;
  readonly #options: ProcessOptions;
  readonly #hear: Hear;
  readonly #work = new Map<number, ChildWork>();
  readonly #quotas = new Quotas((event) => this.#options.publish(event));
  /** The channel to the child. */
  #isOpen = true;
  #isExited = false;

  /** @throws when no process can be started */
  constructor(options: ProcessOptions, hear: Hear) {
    this.#options = options;
    this.#hear = hear;
    const { command, env } = options;
    this.#process = Bun.spawn([...command], {
      env: { ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true, // its own process group: Ctrl-C on a terminal reaches only the agent
      serialization: "json",
      ipc: (frame: unknown) => this.#receive(frame),
      onDisconnect: () => this.#disconnected(),
    });
    const { stdout, stderr, exited } = this.#process;
    const outputs = Promise.all([
      readLines(stdout, {
        line: (line) => this.#print(line, "info"),
        start: (id) => this.#hear({ type: "started", id }),
      }),
      readLines(stderr, { line: (line) => this.#print(line, "warn") }),
    ]).then(
      () => true,
      () => false, // what cannot be read to its end leaves its starts unknown
    );
    void exited.then(() => this.#exit(outputs));
  }

  get pid(): number {
    return this.#process.pid;
  }

  tell(order: ToChild): void {
    if (isWork(order)) this.#work.set(order.id, order);
    if (this.#isOpen) this.#process.send(order);
  }

  signal(name: "SIGTERM" | "SIGKILL"): void {
    if (this.#isExited) return; // its number may by now be another's
    try {
      process.kill(-this.pid, name);
    } catch (cause) {
      // ESRCH: nobody is left. EPERM: whoever is left now runs as another user.
      const { code } = cause as { code?: unknown };
      if (code !== "ESRCH" && code !== "EPERM") throw cause;
    }
  }

  letGo(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#process.disconnect();
  }

  #receive(raw: unknown): void {
    const parsed = FromChildFrame.safeParse(raw);
    if (parsed.success) this.#take(parsed.data);
    else this.#doubt(parsed.error.message);
  }

  #take(frame: FromChild): void {
    switch (frame.type) {
      case "call":
        void this.#answer(frame);
        break;
      case "result":
      case "reconciled":
      case "secured":
      case "hooked":
      case "failed":
        if (this.#isAwaited(frame)) {
          this.#work.delete(frame.id);
          this.#hear(frame);
        } else this.#doubt("an answer to nothing that it was given");
        break;
      default:
        this.#hear(frame);
    }
  }

  #isAwaited(answer: ChildAnswer): boolean {
    const work = this.#work.get(answer.id);
    if (work === undefined) return false;
    if (answer.type === "failed") return work.type !== "run";
    if (answer.type !== ANSWERS[work.type]) return false;
    return answer.type !== "result" || answer.result.auditId === auditIdOf(work);
  }

  /** A frame that our own side of the child never sends: the plugin wrote it. */
  #doubt(problem: string): void {
    const text = problem.replace(/\s+/g, " ").slice(0, UNKNOWN_FRAME_MAX_CHARS);
    this.#print(`the plugin sent an unknown frame: ${text}`, "warn");
  }

  async #answer({ id, method, args }: Extract<FromChild, { type: "call" }>): Promise<void> {
    try {
      this.tell({ type: "answer", id, value: await this.#options.call(method, args) });
    } catch (cause) {
      const { code, message } = toServantError(cause);
      this.tell({ type: "refusal", id, code, message });
    }
  }

  #disconnected(): void {
    const isUnasked = this.#isOpen;
    this.#isOpen = false;
    if (!isUnasked) return;
    // Usually it is ending. One that lives on can neither be asked nor answer.
    const timer = setTimeout(() => this.signal("SIGKILL"), DISCONNECT_GRACE_MS);
    void this.#process.exited.then(() => clearTimeout(timer));
  }

  /** Its output holds what it started, and what it said last: that is read to the end first. */
  async #exit(outputs: Promise<boolean>): Promise<void> {
    this.signal("SIGKILL"); // grandchildren must not act on without their handler
    this.#isExited = true;
    this.#isOpen = false;
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(late.resolve, OUTPUT_GRACE_MS, false);
    const isHeardOut = await Promise.race([outputs, late.promise]);
    clearTimeout(timer);
    this.#quotas.tell();
    const { exitCode, signalCode } = this.#process;
    const how = signalCode === null ? `exit code ${exitCode}` : `signal ${signalCode}`;
    this.#hear({ type: "ended", how, isHeardOut });
  }

  #print(line: string, level: "info" | "warn"): void {
    if (!this.#quotas.takes(line)) return;
    const telling = line.startsWith(TELL_MARK) ? toTelling(line) : undefined;
    if (telling !== undefined) this.#hear(telling);
    else this.#options.publish({ type: "plugin.log", ...toLogLine(line, level, this.#onlyOne()) });
  }

  /** Raw output belongs to the one assignment that runs; with several, to none of them. */
  #onlyOne(): AuditId | undefined {
    const [only, ...others] = this.#work.values();
    return only === undefined || others.length > 0 ? undefined : auditIdOf(only);
  }
}

function isWork(order: ToChild): order is ChildWork & { readonly id: number } {
  return order.type in ANSWERS;
}

function auditIdOf(work: ChildWork): AuditId | undefined {
  return "assignment" in work ? work.assignment.auditId : undefined;
}
