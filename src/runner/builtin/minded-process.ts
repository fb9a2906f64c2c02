/** One command behind its minder, seen from the process that wants it run. */
import { closeSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import type { StopSignal } from "../../wire/scenario-builtins.ts";
import { readLines } from "../lines.ts";
import type { Ending, FromMinder, Job, ToMinder } from "./minder-frames.ts";

/** What the process that starts minders has of its surroundings. */
export interface MinderPlace {
  /** The program and arguments that start a minder. */
  readonly minder: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A pipe of the system's; absent: there are only the runtime's, which are sockets. */
  readonly openPipe?: (() => { readonly read: number; readonly write: number }) | undefined;
}

export interface MindedOptions extends MinderPlace {
  line(text: string, level: "info" | "warn"): void;
}

/** How long the output of an ended command is still read, in milliseconds. */
const OUTPUT_GRACE_MS = 1_000;

export class MindedProcess {
  /** Rejects with the reason when it cannot be started. */
  readonly started: Promise<void>;
  /** Resolves when nothing of it is left and its output is read; undefined: nobody knows how it ended. */
  readonly ended: Promise<Ending | undefined>;
  readonly #started = Promise.withResolvers<void>();
  readonly #minder: Bun.Subprocess;
  #pid: number | undefined;
  #ending: Ending | undefined;

  /** @throws when no process can be started */
  constructor(job: Job, { minder, env, openPipe, line }: MindedOptions) {
    this.started = this.#started.promise;
    this.started.catch(() => {}); // whoever waits for it is told
    const [stdout, stderr] = [outputOf(openPipe), outputOf(openPipe)];
    try {
      this.#minder = Bun.spawn([...minder], {
        env: { ...env },
        stdin: "ignore",
        stdout: stdout.target,
        stderr: stderr.target,
        detached: true, // it must survive what this process's group is killed by
        serialization: "json",
        ipc: (frame: FromMinder) => this.#hear(frame),
      });
    } catch (cause) {
      for (const output of [stdout, stderr]) output.drop();
      throw cause;
    } finally {
      for (const output of [stdout, stderr]) output.handedOn();
    }
    const outputs = Promise.allSettled([
      stdout.read(this.#minder.stdout, (text) => line(text, "info")),
      stderr.read(this.#minder.stderr, (text) => line(text, "warn")),
    ]);
    this.ended = this.#end(outputs);
    this.#tell({ type: "start", ...job });
  }

  /** The signal to all of it, and SIGKILL to what is left after so long. */
  stop(signal: StopSignal, withinMs: number): void {
    this.#tell({ type: "stop", signal, withinMs });
  }

  #tell(frame: ToMinder): void {
    const { exitCode, signalCode } = this.#minder;
    if (exitCode !== null || signalCode !== null) return;
    try {
      this.#minder.send(frame);
    } catch (cause) {
      this.#started.reject(new Error(messageOf(cause))); // it is ending: its exit says the rest
    }
  }

  #hear(frame: FromMinder): void {
    if (frame.type === "started") {
      this.#pid = frame.pid;
      this.#started.resolve();
    } else if (frame.type === "failed") this.#started.reject(new Error(frame.reason));
    else this.#ending = frame;
  }

  async #end(outputs: Promise<unknown>): Promise<Ending | undefined> {
    await this.#minder.exited;
    // A minder that was killed has ended nothing. Its command was its child: the number is still its.
    if (this.#ending === undefined && this.#pid !== undefined) killGroup(this.#pid);
    this.#started.reject(new Error("its minder ended"));
    await Promise.race([outputs, Bun.sleep(OUTPUT_GRACE_MS)]);
    return this.#ending;
  }
}

/** Where a command's output goes, and how it is read. */
function outputOf(openPipe: MinderPlace["openPipe"]) {
  const pipe = openPipe?.();
  return {
    target: pipe?.write ?? ("pipe" as const),
    /** Only the minder's own end is left: the last process that has it ends the output. */
    handedOn() {
      if (pipe !== undefined) closeSync(pipe.write);
    },
    /** Nobody will write to it. */
    drop() {
      if (pipe !== undefined) closeSync(pipe.read);
    },
    async read(own: Bun.Subprocess["stdout"], line: (text: string) => void): Promise<void> {
      const stream = pipe === undefined ? own : Bun.file(pipe.read).stream();
      try {
        if (stream instanceof ReadableStream) await readLines(stream, { line });
      } finally {
        if (pipe !== undefined) closeSync(pipe.read);
      }
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // nobody is left, or whoever is runs as another user
  }
}
