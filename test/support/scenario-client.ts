/** The stock client of scenario-execution in a process of its own: pyzmq and msgpack, action by action. */
import { join } from "node:path";
import { PythonLines } from "./python-lines.ts";

/** What a request was answered. */
export interface Answered {
  /** The body as it came. */
  readonly hex: string;
  readonly says: { readonly status: string; readonly action_status?: string; message?: string };
  /** From the request to its answer. */
  readonly ms: number;
}

/** An update in the background: its word, or the message of its error, and how long it took. */
export type Update = readonly [status: string, ms: number];

export interface Told {
  /** Since it was last asked. */
  readonly updates: readonly Update[];
  readonly beats: { readonly answered: number; readonly late: number };
}

export class ScenarioClient extends PythonLines {
  #remotes = 0;

  constructor(python: string) {
    super([python, join(import.meta.dir, "scenario_client.py")]);
  }

  /** A remote action, connected; nothing is asked yet. */
  async open(url: string, key: string, actionId?: string): Promise<Remote> {
    this.#remotes += 1;
    const name = String(this.#remotes);
    const id = await this.do<string>({ do: "open", name, args: { url, key, action_id: actionId } });
    return new Remote(id, (work, args) => this.do({ do: work, name, args }));
  }

  /** One that is set up and was told to begin. */
  async begun(url: string, key: string, args: object = {}): Promise<Remote> {
    const remote = await this.open(url, key);
    for (const answer of [await remote.init(), await remote.setup(), await remote.execute(args)]) {
      if (answer.says.status !== "ok") throw new Error(`${key}: ${answer.says.message}`);
    }
    return remote;
  }
}

/** One `remote(...)` of a scenario. */
export class Remote {
  constructor(
    readonly id: string,
    private readonly order: <T>(work: string, args: object) => Promise<T>,
  ) {}

  init = (args: object = {}) => this.order<Answered>("init", { args });
  setup = () => this.order<Answered>("setup", {});
  execute = (args: object = {}) => this.order<Answered>("execute", { args });
  update = () => this.order<Answered>("update", {});
  terminate = (status = "INVALID") => this.order<Answered>("terminate", { status });
  reset = () => this.order<Answered>("reset", {});
  heartbeat = () => this.order<Answered>("heartbeat", {});
  /** Frames of any bytes. */
  send = (...frames: string[]) => this.order<Answered>("send", { frames });
  /** Updates on and on, in the background. */
  watch = (everyS: number) => this.order<null>("watch", { every_s: everyS });
  unwatch = () => this.order<null>("unwatch", {});
  told = () => this.order<Told>("told", {});
  /** Microseconds of so many updates, one after another. */
  measure = (times: number) => this.order<number[]>("measure", { times });
  /** Says nothing, and hangs up. */
  close = () => this.order<null>("close", {});

  /** What was told in the background, one update that was asked after this call at least. */
  async heard(): Promise<Told> {
    const { updates, beats } = await this.told();
    const all = [...updates];
    for (let later = 0; later < 2; ) {
      const more = (await this.told()).updates;
      all.push(...more);
      later += more.length; // the first may have been under way
      await Bun.sleep(1);
    }
    return { updates: all, beats };
  }

  /** Updates until it is told something else than that it runs. */
  async ended(): Promise<Answered["says"]> {
    for (;;) {
      const { says } = await this.update();
      if (says.action_status !== "running") return says;
      await Bun.sleep(5);
    }
  }
}
