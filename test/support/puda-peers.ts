/** The public PUDA packages as peers: their machines and their commanders, beside a test. */
import { join } from "node:path";
import { pythonWith } from "./python.ts";
import { PATIENCE_MS, type Running, start } from "./running.ts";

/** N is `puda` 0.0.21; C and S are `puda-comms` 0.0.14 and 0.0.2. C and S do not understand each other. */
export const PUDA_VERSIONS = ["N", "C", "S"] as const;
export type PudaVersion = (typeof PUDA_VERSIONS)[number];

/** Compiled once, whatever the surroundings say: a laboratory's Python is, and it starts in half the time. */
export const PUDA_ENVIRONMENT = { PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "" };

const LIBRARIES = ["nats-py==2.16.0", "pydantic==2.14.3"];

/** A Python with that version. Undefined, with a warning, when it cannot be had (CI: an error). */
export function pudaPython(version: PudaVersion): Promise<string | undefined> {
  if (version === "N") return pythonWith("puda-0.0.21", ["puda==0.0.21", ...LIBRARIES]);
  const release = version === "C" ? "0.0.14" : "0.0.2";
  // It asks for Python 3.14 and, in S, for the drivers of a whole laboratory: it uses neither.
  return pythonWith(`puda-comms-${release}`, LIBRARIES, [`puda-comms==${release}`]);
}

export interface PudaPeer {
  readonly version: PudaVersion;
  readonly python: string;
  /** Where the NATS server is. */
  readonly url: string;
  /** N only: the laboratory's key, and whom to trust when the server speaks TLS. */
  readonly keyFile?: string;
  readonly caFile?: string;
}

const script = (name: string) => join(import.meta.dir, name);

function command(file: string, { caFile = "", keyFile = "", ...peer }: PudaPeer, ...own: string[]) {
  return [peer.python, script(file), peer.version, peer.url, ...own, keyFile, caFile];
}

/** A Python machine with the commands noop, echo, add, wait and fail. Its heartbeat says that it is up. */
export function startPythonMachine(peer: PudaPeer, machineId: string, env = {}): Running {
  return start(pudaMachineCommand(peer, machineId), { ...PUDA_ENVIRONMENT, ...env });
}

export function pudaMachineCommand(peer: PudaPeer, machineId: string): readonly string[] {
  return command("puda_machine.py", peer, machineId);
}

/** What a commander hands back: the message as its models read it; null when it gave up. */
export interface PudaAnswer {
  readonly header: { readonly run_id: string | null; readonly machine_id: string };
  readonly command: { readonly name: string; readonly step_number: number };
  readonly response: {
    readonly status: "success" | "error";
    readonly code: string | null;
    readonly message: string | null;
    readonly data: Record<string, unknown> | null;
  };
}

export interface Seen {
  readonly subject: string;
  readonly payload: Record<string, unknown>;
}

export interface Command {
  readonly machine: string;
  readonly name: string;
  readonly step: number;
  readonly run?: string;
  readonly params?: Record<string, unknown>;
  readonly kwargs?: Record<string, unknown>;
  /** Whole seconds; theirs is 120, and 10 for an immediate command of N. */
  readonly timeout?: number;
}

type Line = Seen | { readonly id: number; readonly answer?: unknown; readonly error?: string };

/** The real CommandService, in a process of its own. With `using` it ends with its scope. */
export class PythonCommander implements Disposable {
  readonly seen: Seen[] = [];
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;
  #heard = Promise.withResolvers<void>();

  private constructor(peer: PudaPeer) {
    this.#child = Bun.spawn(command("puda_commander.py", peer), {
      env: { ...process.env, ...PUDA_ENVIRONMENT },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#waiting.set(0, Promise.withResolvers());
    void this.#read();
  }

  /** Resolves when it is connected. */
  static async start(peer: PudaPeer): Promise<PythonCommander> {
    const commander = new PythonCommander(peer);
    await commander.#waiting.get(0)?.promise;
    return commander;
  }

  get pid(): number {
    return this.#child.pid;
  }

  queue(command: Command): Promise<PudaAnswer | null> {
    return this.#ask("queue", command);
  }

  immediate(command: Command): Promise<PudaAnswer | null> {
    return this.#ask("immediate", command);
  }

  /** N and C: with `start` before and `complete` after. */
  sequence(batch: {
    readonly machine: string;
    readonly run: string;
    readonly commands: readonly Partial<Command>[];
    readonly timeout?: number;
  }): Promise<PudaAnswer | null> {
    return this.#ask("sequence", batch);
  }

  /** N and C. */
  startRun(machine: string, run: string): Promise<PudaAnswer | null> {
    return this.#ask("start", { machine, run });
  }

  completeRun(machine: string, run: string): Promise<PudaAnswer | null> {
    return this.#ask("complete", { machine, run });
  }

  /** Milliseconds of `count` commands one after another, by its own clock. */
  times(command: Omit<Command, "step"> & { readonly count: number }): Promise<number[]> {
    return this.#ask("times", command);
  }

  /** A machine, or the whole fleet: resolves with `count` answers, or those of `timeout` seconds. */
  ping(ask: {
    readonly machine?: string;
    readonly payload?: string;
    readonly count?: number;
    readonly timeout?: number;
  }): Promise<Record<string, unknown>[]> {
    return this.#ask("ping", ask);
  }

  /** The value, with nats-py's own key-value reader. */
  kv(bucket: string, key: string): Promise<Record<string, unknown>> {
    return this.#ask("kv", { bucket, key });
  }

  /** From now on `seen` grows by what comes on these subjects. */
  watch(subject: string): Promise<void> {
    return this.#ask("watch", { subject });
  }

  /** The first message, seen already or yet to come, that fits. */
  async sees(fits: (seen: Seen) => boolean): Promise<Seen> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const found = this.seen.find(fits);
      if (found !== undefined) return found;
      if (late.aborted) throw new Error(`not seen among ${JSON.stringify(this.seen)}`);
      await Promise.race([this.#heard.promise, Bun.sleep(200)]);
    }
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL"); // on SIGTERM it disconnects and stays
  }

  async #ask<T>(what: string, ask: object): Promise<T> {
    this.#asked += 1;
    const id = this.#asked;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.stdin.write(`${JSON.stringify({ id, do: what, ...ask })}\n`);
    this.#child.stdin.flush();
    return (await waiting.promise) as T;
  }

  async #read(): Promise<void> {
    const errors = new Response(this.#child.stderr).text();
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line));
    }
    const cause = new Error(`the Python commander ended: ${(await errors).slice(-500)}`);
    for (const { promise, reject } of this.#waiting.values()) {
      promise.catch(() => {}); // at the end of a test nobody may be waiting any more
      reject(cause);
    }
  }

  #take(line: Line): void {
    if ("subject" in line) {
      this.seen.push(line);
      this.#heard.resolve();
      this.#heard = Promise.withResolvers<void>();
      return;
    }
    const waiting = this.#waiting.get(line.id);
    this.#waiting.delete(line.id);
    if (line.error === undefined) waiting?.resolve(line.answer);
    else waiting?.reject(new Error(line.error));
  }
}
