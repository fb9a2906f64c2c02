/**
 * Servants of two makes that carry out the same handlers (`test/fixtures/faults`), started and
 * ended the same way: the compiled `agent connect`, and `dynos connect` of the public client.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary, root } from "../../../scripts/binary.ts";
import { peerPython } from "../python.ts";

const fixture = (name: string) => join(root, "test", "fixtures", "faults", name);

/** Where one servant keeps what it knows, and where its handlers leave their effects. */
export class Workplace implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "servant-faults-"));
  readonly effectsFile = join(this.path, "effects");
  readonly logFile = join(this.path, "log");

  /** How often a handler left this effect: `audit-id began` or `audit-id ended`. */
  count(effect: string): number {
    return this.effects().filter((line) => line === effect).length;
  }

  effects(): string[] {
    try {
      return readFileSync(this.effectsFile, "utf8").split("\n");
    } catch {
      return []; // no handler ran yet
    }
  }

  /** The end of what the servants printed, for whoever looks into a failure. */
  log(): string {
    return readFileSync(this.logFile, "utf8").slice(-3_000);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface StartOptions {
  /** Options that only `agent connect` has. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One make of servant. */
export interface Make {
  readonly name: string;
  readonly version: string;
  start(url: string, workplace: Workplace, options?: StartOptions): Running;
}

/** One process of a servant. */
export interface Running {
  /** True until it ends, whoever ended it. */
  readonly isAlive: boolean;
  /** Ends it so; resolves to its exit code, null when the signal ended it. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null>;
}

export async function ourMake(): Promise<Make> {
  const binary = await ensureBinary();
  const version = Bun.spawnSync([binary, "--version"]).stdout.toString().trim();
  const plugin = `${fixture("recorder.ts")}:Recorder`;
  return {
    name: "ours",
    version,
    start(url, workplace, { args = [], env = {} } = {}) {
      const state = ["--state-dir", join(workplace.path, "state")];
      const log = ["--log-format", "json", "--log-level", "debug"];
      const command = [binary, "connect", plugin, "--to", url, ...state, ...log, ...args];
      return run(command, workplace, env);
    },
  };
}

/** Undefined, with a warning, when the public client cannot be installed here. */
export async function pythonMake(): Promise<Make | undefined> {
  const version = "0.2.2";
  const peer = await peerPython(version);
  if (peer === undefined) return undefined;
  const plugin = `${fixture("recorder.py")}:Recorder`;
  return {
    name: "Python servant",
    version,
    start: (url, workplace, { env = {} } = {}) =>
      run([peer.dynos, "connect", plugin, "--to", url], workplace, env),
  };
}

/** Those that run: whoever starts them may be ended before they are. */
const running = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** How long a servant may take to heed SIGTERM before it is killed, in milliseconds. */
const TERM_PATIENCE_MS = 15_000;

function run(
  command: readonly string[],
  workplace: Workplace,
  env: Readonly<Record<string, string>>,
): Running {
  const log = openSync(workplace.logFile, "a");
  const child = Bun.spawn([...command], {
    cwd: root,
    env: {
      ...process.env,
      DYNOS_CONFIG_PATH: "/nonexistent",
      EFFECTS_FILE: workplace.effectsFile,
      PYTHONUNBUFFERED: "1",
      ...env,
    },
    stdin: "ignore",
    stdout: log,
    stderr: log,
  });
  closeSync(log);
  running.add(child);
  void child.exited.then(() => running.delete(child));
  return {
    get isAlive() {
      return child.exitCode === null && child.signalCode === null;
    },
    async end(signal) {
      child.kill(signal);
      const late = setTimeout(() => child.kill("SIGKILL"), TERM_PATIENCE_MS);
      await child.exited;
      clearTimeout(late);
      return child.exitCode;
    },
  };
}
