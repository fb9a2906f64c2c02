/** `agent serve` as a user starts it, with the actions of `fixtures/scenario/probe.ts`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBinary, root } from "./binary.ts";
import { PATIENCE_MS, type Running, start } from "./running.ts";
import { Folder } from "./servant.ts";

export const PROBE = join(root, "test", "fixtures", "scenario", "probe.ts:Probe");

export interface ServedOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it listens over TCP: a free port unless it must be this one. */
  readonly tcp?: string;
  /** The plugin: the probe unless given. */
  readonly reference?: string;
}

/** Listens over TCP and at a socket file. With `await using` it ends with its scope. */
export class ServedProbe implements AsyncDisposable {
  private constructor(
    readonly process: Running,
    readonly folder: Folder,
    readonly tcp: string,
    readonly ipc: string,
  ) {}

  static async start(options: ServedOptions = {}): Promise<ServedProbe> {
    const { args = [], env = {}, reference = PROBE, tcp = "tcp://127.0.0.1:0" } = options;
    const folder = new Folder();
    const ipc = `ipc://${folder.path}/s.sock`;
    const process = start(
      [
        ...[await ensureBinary(), "serve", reference, "--listen", tcp, "--listen", ipc],
        ...["--state-dir", folder.state, "--log-format", "json", "--no-local"],
        ...["--pass-env", "EFFECTS_FILE", "--pass-env", "PROBE_SETUP_MS", ...args],
      ],
      { EFFECTS_FILE: folder.effectsFile, ...env },
    );
    try {
      const [, url = ""] = await process.until(/listening on (tcp:\/\/[^ "]+)/);
      return new ServedProbe(process, folder, url, ipc);
    } catch (cause) {
      process.kill("SIGKILL");
      folder[Symbol.dispose]();
      throw cause;
    }
  }

  /** What its handlers left, in order. */
  effects(): string[] {
    return this.folder.effects();
  }

  /** Waits for a line that a handler leaves. */
  async left(line: string): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    while (!this.effects().includes(line)) {
      if (performance.now() > untilMs) throw new Error(`no "${line}": ${this.effects()}`);
      await Bun.sleep(2);
    }
  }

  /** Resident memory of the agent itself, in MiB. */
  get residentMiB(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
    this.folder[Symbol.dispose]();
  }
}
