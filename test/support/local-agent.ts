/** A running agent and its door, as a program of the same machine sees them. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { LocalFile, type Status } from "../../src/wire/local.ts";
import { ensureBinary, root } from "./binary.ts";
import { Folder, type RunningServant } from "./servant.ts";
import { ServantScene } from "./servant-scene.ts";

export class LocalScene extends ServantScene {
  /** Its plugin; absent: the worker of the tests. */
  reference?: string;
  servant!: RunningServant;
  url = "";
  token = "";

  /** An agent that is registered, its door open. */
  static async open(...args: string[]): Promise<LocalScene> {
    const scene = new LocalScene();
    await scene.start(...args);
    return scene;
  }

  async start(...args: string[]): Promise<void> {
    const plugin = this.reference === undefined ? {} : { reference: this.reference };
    const given = args.length === 0 ? ["--port", "0"] : args;
    this.servant = await this.connect({ ...plugin, args: given });
    await this.peer.until("its door is told", () => this.place()?.pid === this.servant.process.pid);
    this.url = this.place()?.url ?? "";
    this.token = readFileSync(join(this.folder.state, "token"), "utf8").trim();
  }

  place(): LocalFile | undefined {
    try {
      const text = readFileSync(join(this.folder.state, "local.json"), "utf8");
      return LocalFile.parse(JSON.parse(text));
    } catch {
      return undefined; // it is not there yet
    }
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.token}`, ...init.headers };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  async status(): Promise<Status> {
    return (await (await this.ask("/v1/status")).json()) as Status;
  }

  /** Every file that it left, with its text. */
  files(): { readonly name: string; readonly mode: number; readonly text: string }[] {
    const names = readdirSync(this.folder.path, { recursive: true }) as string[];
    return names
      .map((name) => ({ name, path: join(this.folder.path, name) }))
      .filter(({ path }) => statSync(path).isFile())
      .map(({ name, path }) => ({
        name,
        mode: statSync(path).mode & 0o777,
        text: readFileSync(path, "latin1"),
      }));
  }
}

/** `agent run` and its door: backend and servant in one process. */
export class RunScene implements AsyncDisposable {
  readonly folder = new Folder();
  readonly process: Bun.Subprocess;
  url = "";

  private constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    this.process = Bun.spawn([...command, "--state-dir", this.folder.state], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "ignore"],
    });
  }

  static async open(
    reference: string,
    {
      goals,
      env,
    }: { readonly goals: readonly string[]; readonly env: Readonly<Record<string, string>> },
  ): Promise<RunScene> {
    const args = [
      join(root, reference),
      ...goals.flatMap((goal) => ["--goal", goal]),
      "--port",
      "0",
    ];
    const scene = new RunScene([await ensureBinary(), "run", ...args], env);
    const place = join(scene.folder.state, "local.json");
    while (!existsSync(place) && scene.process.exitCode === null) await Bun.sleep(10);
    scene.url = LocalFile.parse(JSON.parse(readFileSync(place, "utf8"))).url ?? "";
    return scene;
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    const token = readFileSync(join(this.folder.state, "token"), "utf8").trim();
    const headers = { Authorization: `Bearer ${token}`, ...init.headers };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
    this.folder[Symbol.dispose]();
  }
}
