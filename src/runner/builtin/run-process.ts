/**
 * `run_process` of scenario-execution, for the programs that whoever started the agent allows: never
 * through a shell, and never longer than the agent lives.
 */
import { messageOf, ServantError } from "../../core/errors.ts";
import type { HandlerContext, SafeContext } from "../../core/handlers.ts";
import type { LetGo, RunArguments } from "../../wire/scenario-builtins.ts";
import { LineQuota } from "../line-quota.ts";
import type { AllowedCommands } from "./allowed-commands.ts";
import { commandWords } from "./command-words.ts";
import { MindedProcess, type MinderPlace } from "./minded-process.ts";
import type { Ending, Job } from "./minder-frames.ts";

export interface RunProcessOptions {
  readonly allowed: AllowedCommands;
  readonly place: MinderPlace;
  /** How long a command may take to stop, whatever it was started with, in milliseconds. */
  readonly stopMaxMs: number;
}

/** How many commands run at once. */
export const PROCESSES_MAX = 64;
/** Of the output of each, in a second. */
export const OUTPUT_LINES_PER_S = 1_000;
export const OUTPUT_CHARS_PER_S = 2 ** 20;
/** At the agent's end: it waits 10 s for the whole plugin to shut down. */
const STOP_AT_END_MAX_MS = 8_000;

/** A timer of more than this would go off at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

interface Result {
  readonly success: boolean;
  readonly message: string;
}
/** A process that goes on when its action is done. */
interface Lasting {
  readonly process: MindedProcess;
  stop(withinMs?: number): void;
}

export class RunProcess {
  readonly #options: RunProcessOptions;
  readonly #running = new Set<MindedProcess>();
  readonly #lasting = new Map<string, Lasting>();

  constructor(options: RunProcessOptions) {
    this.#options = options;
  }

  async run(args: RunArguments | LetGo, ctx: HandlerContext): Promise<Result> {
    if ("release" in args) return await this.#letGo(args.release);
    const { command, holder = ctx.auditId, wait_for_shutdown: waits } = args;
    // As the reference: asked for again, what still runs goes on, and no second one starts.
    if (this.#lasting.has(holder)) return done(true, `"${command}" still runs`);
    const job = this.#jobOf(command);
    if ("problem" in job) return done(false, `Cannot run ${quoted(command)}: ${job.problem}`);
    let process: MindedProcess;
    try {
      process = this.#start(job, ctx);
      await process.started;
    } catch (cause) {
      return done(false, `Cannot run ${quoted(command)}: ${messageOf(cause)}`);
    }
    const stop = this.#stopOf(process, args);
    if (!waits && !ctx.signal.aborted) {
      this.#keep(holder, { process, stop }, ctx);
      return done(true, `${quoted(command)} runs`);
    }
    const cancel = () => stop();
    if (ctx.signal.aborted) cancel();
    else ctx.signal.addEventListener("abort", cancel, { once: true });
    const ending = await process.ended;
    ctx.signal.removeEventListener("abort", cancel);
    if (ctx.signal.aborted) throw ctx.signal.reason;
    return done(ending?.exitCode === 0, `${quoted(command)} ended ${toldEnding(ending)}`);
  }

  /** The plugin's process begins: `ctx.signal` aborts when it is let go. */
  setup({ signal }: SafeContext): void {
    signal.addEventListener("abort", () => {
      for (const { stop } of this.#lasting.values()) stop(STOP_AT_END_MAX_MS);
    });
  }

  /** Resolves when nothing runs any more. */
  async shutdown(): Promise<void> {
    await Promise.all([...this.#running].map(({ ended }) => ended));
  }

  #start(job: Job, { log }: HandlerContext): MindedProcess {
    const quota = new LineQuota({
      now: () => performance.now(),
      onDropped: (lines) => log.warn(`${job.argv0}: ${lines} lines of its output were dropped`),
      linesPerS: OUTPUT_LINES_PER_S,
      charsPerS: OUTPUT_CHARS_PER_S,
    });
    const line = (text: string, level: "info" | "warn") => {
      if (quota.takes(text)) log[level](text);
    };
    const process = new MindedProcess(job, { ...this.#options.place, line });
    this.#running.add(process);
    void process.ended.then((ending) => {
      this.#running.delete(process);
      quota.tell();
      const left = ending?.left ?? 0;
      if (left > 0) log.warn(`${job.argv0}: ${left} processes that outlived it were killed`);
    });
    return process;
  }

  /** Its signal, and SIGKILL after its time, or after `withinMs` where that is less. */
  #stopOf(process: MindedProcess, args: RunArguments): Lasting["stop"] {
    const { shutdown_signal: signal, shutdown_timeout: timeoutS } = args;
    const stopMs = Math.min(timeoutS * 1_000, this.#options.stopMaxMs, TIMER_MAX_MS);
    return (withinMs = stopMs) => process.stop(signal, Math.min(stopMs, withinMs));
  }

  #jobOf(command: string): Job | { readonly problem: string } {
    const split = commandWords(command);
    if ("problem" in split) return split;
    const [word = "", ...args] = split.words;
    const { allowed } = this.#options;
    const file = Object.hasOwn(allowed, word) ? allowed[word] : undefined;
    if (file === undefined) {
      const problem = `Cannot run ${quoted(word)}: it is not allowed, see --allow-run`;
      throw new ServantError("command.not-allowed", problem);
    }
    if (this.#running.size < PROCESSES_MAX) return { file, argv0: word, args };
    return { problem: `${PROCESSES_MAX} commands run already` };
  }

  #keep(holder: string, lasting: Lasting, { log }: HandlerContext): void {
    this.#lasting.set(holder, lasting);
    void lasting.process.ended.then((ending) => {
      this.#lasting.delete(holder);
      log.info(`the process that it left running ended ${toldEnding(ending)}`);
    });
  }

  async #letGo(holder: string): Promise<Result> {
    const lasting = this.#lasting.get(holder);
    if (lasting === undefined) return done(true, "nothing runs");
    lasting.stop();
    await lasting.process.ended;
    return done(true, "it ended");
  }
}

function done(success: boolean, message: string): Result {
  return { success, message };
}

/** How much of a command is told in a message, in characters. */
const TOLD_MAX_CHARS = 200;

function quoted(text: string): string {
  const short = text.length <= TOLD_MAX_CHARS ? text : `${text.slice(0, TOLD_MAX_CHARS)}...`;
  return JSON.stringify(short);
}

function toldEnding(ending: Ending | undefined): string {
  if (ending === undefined) return "with its minder";
  const { exitCode, signal } = ending;
  return signal === null ? `with exit code ${exitCode}` : `by ${signal}`;
}
