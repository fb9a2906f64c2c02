/** A scripted backend, a folder, and the agents that a test starts there: gone with the test. */
import { ensureBinary } from "./binary.ts";
import { HostileBackend } from "./hostile-backend.ts";
import { Folder, RunningServant } from "./servant.ts";

type Launch = NonNullable<Parameters<typeof RunningServant.start>[2]> & {
  /** Absent: the scene's own backend. */
  readonly to?: string;
};

export class ServantScene implements AsyncDisposable {
  peer = new HostileBackend();
  readonly folder = new Folder();
  readonly #all: RunningServant[] = [];

  async launch({ to = this.peer.url, ...options }: Launch = {}): Promise<RunningServant> {
    const servant = await RunningServant.start(to, this.folder, options);
    this.#all.push(servant);
    return servant;
  }

  /** An agent that has registered with the scene's backend. */
  async connect(options: Launch = {}): Promise<RunningServant> {
    const registrations = () => this.peer.requests("/servant/register").length;
    const before = registrations();
    const servant = await this.launch(options);
    await this.peer.until("it is registered", () => registrations() > before);
    return servant;
  }

  /** A command of the program, for the agents of this folder. */
  async run(...args: string[]) {
    const command = [await ensureBinary(), ...args, "--state-dir", this.folder.state];
    const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: await child.exited, out, err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const servant of this.#all) servant.process.kill("SIGKILL");
    await Promise.all(this.#all.map((servant) => servant.ended()));
    await this.peer.stop();
    this.folder[Symbol.dispose]();
  }
}
