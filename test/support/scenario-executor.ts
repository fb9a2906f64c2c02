/** scenario-execution as it is on PyPI, with packages of a test beside it. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./binary.ts";
import { type Project, project } from "./project.ts";
import { pythonBeside, pythonWith } from "./python.ts";

/** Undefined, with a warning, when it cannot be had (CI: an error). */
export function scenarioPython(): Promise<string | undefined> {
  const packages = ["scenario-execution==1.8.0", "pyzmq==27.3.0", "msgpack==1.2.4"];
  return pythonWith("scenario-execution-1.8.0", [...packages, "setuptools==80.9.0"]);
}

export interface Executed {
  readonly code: number;
  /** Both of its outputs. */
  readonly said: string;
  /** What a stand-in for `remote` would have sent, with "print" as its endpoint. */
  readonly sent: readonly Sent[];
}

export interface Sent {
  readonly plugin_key: string;
  readonly init_args: Record<string, never>;
  readonly exec_args: Record<string, never>;
}

/** An executor with what was installed beside it. With `await using` it is gone with its scope. */
export class Executor implements AsyncDisposable {
  private constructor(
    private readonly home: Project,
    private readonly python: string,
  ) {}

  /** Installs these folders, and a stand-in for the modifier `remote`. */
  static async with(python: string, packages: readonly string[]): Promise<Executor> {
    const home = await project();
    const remote = join(home.path, "remote"); // pip builds beside what it builds
    await cp(join(root, "test", "fixtures", "scenario", "remote"), remote, { recursive: true });
    try {
      const own = await pythonBeside(python, join(home.path, "venv"), [remote, ...packages]);
      return new Executor(home, own);
    } catch (cause) {
      await home[Symbol.asyncDispose]();
      throw cause;
    }
  }

  dryRun(scenario: string): Promise<Executed> {
    return this.#execute(scenario, ["--dry-run"]);
  }

  run(scenario: string): Promise<Executed> {
    return this.#execute(scenario, []);
  }

  async #execute(scenario: string, options: readonly string[]): Promise<Executed> {
    const file = join(this.home.path, "scenario.osc");
    await Bun.write(file, scenario);
    const main = "import sys; from scenario_execution.scenario_execution_base import main; main()";
    const child = Bun.spawn([this.python, "-c", main, ...options, file], {
      env: { ...process.env, PYTHONPATH: join(root, "test", "support") },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    const sent = out.split("\n").filter((line) => line.startsWith("SENT "));
    return { code, said: out + err, sent: sent.map((line) => JSON.parse(line.slice(5)) as Sent) };
  }

  [Symbol.asyncDispose]() {
    return this.home[Symbol.asyncDispose]();
  }
}
