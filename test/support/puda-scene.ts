/** Our machine beside a NATS server of the test's own, as a laboratory has them. */
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { root } from "./binary.ts";
import { PATIENCE_MS } from "./running.ts";
import { Folder, RunningServant } from "./servant.ts";

export const RIG = join(root, "test", "fixtures", "puda", "rig.ts:Rig");

export interface OurMachineOptions {
  readonly reference?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For whoever listens for its heartbeat. */
  readonly tls?: { readonly caFile: string };
}

/** The compiled agent as a PUDA machine. With `await using` it ends with its scope. */
export class OurMachine implements AsyncDisposable {
  readonly folder = new Folder();
  readonly id: string;
  readonly #url: string;
  readonly #options: OurMachineOptions;
  servant!: RunningServant;

  private constructor(url: string, id: string, options: OurMachineOptions) {
    this.#url = url;
    this.id = id;
    this.#options = options;
  }

  /** Resolves when it serves: its heartbeat says so. */
  static async start(url: string, id: string, options: OurMachineOptions = {}) {
    const machine = new OurMachine(url, id, options);
    try {
      await machine.start();
      return machine;
    } catch (cause) {
      await machine[Symbol.asyncDispose](); // a test that fails leaves nothing behind
      throw cause;
    }
  }

  /** Once more, in the same state directory. */
  async start(): Promise<void> {
    const { args = [], tls, ...options } = this.#options;
    const begin = async () => {
      this.servant = await RunningServant.start(this.#url, this.folder, {
        reference: RIG,
        ...options,
        args: ["--machine-id", this.id, ...args],
      });
      return this.servant.process;
    };
    await untilHeartbeat(this.#url, this.id, begin, tls);
  }

  /** What its handlers left, in order. */
  effects(): string[] {
    return this.folder.effects();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.servant?.stop("SIGKILL"); // undefined when it never started
    this.folder[Symbol.dispose]();
  }
}

/**
 * Starts a machine and resolves to it at its first heartbeat.
 *
 * @throws Error when it ends first, or takes too long
 */
export async function untilHeartbeat<T extends { readonly exited: Promise<number> }>(
  url: string,
  id: string,
  begin: () => T | Promise<T>,
  tls?: { readonly caFile: string },
): Promise<T> {
  const connection = await connect({ servers: url, ...(tls === undefined ? {} : { tls }) });
  try {
    const beat = Promise.withResolvers<"alive">();
    connection.subscribe(`puda.${id}.tlm.heartbeat`, { callback: () => beat.resolve("alive") });
    await connection.flush();
    const started = await begin();
    const ended = started.exited.then((code) => `ended: ${code}`);
    const late = Bun.sleep(PATIENCE_MS).then(() => "late");
    const first = await Promise.race([beat.promise, ended, late]);
    if (first !== "alive") throw new Error(`no heartbeat of ${id}: ${first}`);
    return started;
  } finally {
    await connection.close();
  }
}
