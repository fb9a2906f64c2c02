/**
 * The process between a plugin's process and one command. It lives in a session of its own, so that
 * nobody who kills the plugin's process hits it; when its channel closes, for whatever reason, it
 * kills the command and everything that came of it. A parent that is killed could not do that.
 */
import { messageOf } from "../../core/errors.ts";
import type { Ending, FromMinder, Job, ToMinder } from "./minder-frames.ts";
import { endedOrphans, killTree, living, signalTo } from "./process-tree.ts";

/** What the system does for it. */
export interface MinderPorts {
  /** Whose parent ends becomes this process's own child. */
  adoptOrphans(): void;
  /** Takes note of the end of one that was adopted. */
  reap(pid: number): void;
}

/** How long what outlives its command may go on, a writer at the end of a pipe say, in milliseconds. */
export const LEFT_GRACE_MS = 1_000;
/** How long it may take to die once it is killed, before the end is told all the same. */
const DEATH_WITHIN_MS = 2_000;
const LOOK_AGAIN_MS = 5;
/** How often adopted processes that ended are looked for at most, in milliseconds. */
const REAP_EVERY_MS = 1_000;

/** Runs until its command has ended or its channel is closed. */
export function runMinder(ports: MinderPorts): void {
  ports.adoptOrphans();
  // It ends with its command or with its channel: a service that is stopped signals all there is.
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(name, () => {});
  let minded: Minded | undefined;
  process.on("disconnect", async () => {
    await killTree(minded?.pid, Number.POSITIVE_INFINITY);
    process.exit(0);
  });
  process.on("message", (frame: ToMinder) => {
    if (frame.type === "stop") return minded?.stop(frame);
    try {
      minded = new Minded(frame);
    } catch (cause) {
      return last({ type: "failed", reason: messageOf(cause) });
    }
    reapFor(minded.pid, ports);
    send({ type: "started", pid: minded.pid });
    void minded.end().then((ending) => last({ type: "ended", ...ending }));
  });
}

/** The command. */
class Minded {
  readonly #process: Bun.Subprocess;
  /** When what is left of it is killed, once it was told to stop. */
  #overAtMs = Number.POSITIVE_INFINITY;

  /** @throws when it cannot be started */
  constructor({ file, argv0, args }: Job) {
    this.#process = Bun.spawn([file, ...args], {
      argv0,
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      detached: true, // a group and a session of its own: signals reach all of it, and nobody else
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  stop({ signal, withinMs }: Extract<ToMinder, { type: "stop" }>): void {
    this.#overAtMs = performance.now() + withinMs;
    this.#signal(signal);
    setTimeout(() => this.#signal("SIGKILL"), withinMs);
  }

  /** Resolves when nothing of it is left. */
  async end(): Promise<Ending> {
    await this.#process.exited;
    const { exitCode, pid, signalCode } = this.#process;
    const graceEndsAtMs = performance.now() + LEFT_GRACE_MS;
    const isOver = () => performance.now() > Math.min(this.#overAtMs, graceEndsAtMs);
    while (living().length > 0 && !isOver()) await Bun.sleep(LOOK_AGAIN_MS);
    const left = await killTree(pid, DEATH_WITHIN_MS);
    return { exitCode, signal: signalCode === null ? null : String(signalCode), left };
  }

  #signal(signal: NodeJS.Signals): void {
    const { exitCode, pid, signalCode } = this.#process;
    // Once it was waited for its number may be another's.
    if (exitCode === null && signalCode === null) signalTo(-pid, signal);
  }
}

/** A command that lives for days may leave many that end: nobody else waits for them. */
function reapFor(command: number, { reap }: MinderPorts): void {
  let isDue = false;
  process.on("SIGCHLD", async () => {
    if (isDue) return;
    isDue = true;
    await Bun.sleep(REAP_EVERY_MS);
    isDue = false;
    for (const pid of endedOrphans()) if (pid !== command) reap(pid);
  });
}

function send(frame: FromMinder): void {
  process.send?.(frame);
}

function last(frame: FromMinder): void {
  process.send?.(frame, undefined, undefined, () => process.exit(0));
}
